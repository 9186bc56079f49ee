"""The files of the history: what they say of themselves, and what autogenerate may write."""
