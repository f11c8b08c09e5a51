"""Robot demonstrations in, a vision-language policy you can trust out."""

__version__ = "0.1.0"
