"""The logging handler: it delivers everything, and never hurts the program that it is in."""
