"""Clients that keep account, kills of what serves them, and the reckoning afterwards."""
