"""The tests, and what they need to run: see `CONTRIBUTING.md`."""
