"""Records taken out, to a file or to another server."""
