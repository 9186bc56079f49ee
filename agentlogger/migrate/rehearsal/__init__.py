"""Revisions taken up, down and up again on a copy of the database, and judged by what came back."""
