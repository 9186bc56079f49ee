"""Rehearsals: what they say of revisions, and what they leave behind."""
