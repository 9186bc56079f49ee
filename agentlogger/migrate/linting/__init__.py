"""Revisions judged by what they do to tables with rows, on a scratch database: `flask db lint`."""
