"""Redaction: secrets are replaced before anything is stored."""
