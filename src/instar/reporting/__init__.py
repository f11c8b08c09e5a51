"""The parts of a report: runs as read from disk, the figures in it, pictures, and the page they go on."""
