"""Collected by name in `programs.py`: whether the program itself says that it can work here."""

from __future__ import annotations


def test_the_program_says_that_it_is_ready(client):
    assert client.get("/readyz").status_code == 200
