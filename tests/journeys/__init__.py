"""Journeys: the server started as people start it, used by real clients, over real connections."""
