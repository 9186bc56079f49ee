"""The query language: what texts say, and that both databases find the same by it."""
