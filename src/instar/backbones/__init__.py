"""Vision-language models to teach."""
