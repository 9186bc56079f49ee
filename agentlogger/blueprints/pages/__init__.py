"""Pages for people: what the server draws, and a browser shows without a script."""
