"""The one search language: text to a tree to conditions of a statement."""
