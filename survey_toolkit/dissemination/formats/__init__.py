"""Files other programs read."""
