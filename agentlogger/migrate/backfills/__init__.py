"""Backfills: columns of large tables, filled in batches after their revision was applied."""
