"""Doors: from a URL to a function, and who may pass."""
