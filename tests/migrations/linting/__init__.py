"""Tests of `flask db lint`."""
