"""Backfills, from the revision that registers one to the last row."""
