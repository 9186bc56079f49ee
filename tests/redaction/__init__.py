"""Secrets are replaced before anything is stored, and what is none is left alone."""
