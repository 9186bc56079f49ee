"""A PgBouncer of the tests' own, and what must be right behind it."""
