"""A PostgreSQL server of our own for the tests and for development, wherever they run."""
