"""What is where in a picture: detectors by name, references in words, albums to teach and measure a detector."""
