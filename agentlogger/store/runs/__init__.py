"""Runs and sessions: what was recorded of each, told as a story and in sums."""
