"""Many revisions made one, and the proof that it makes the same on both databases."""
