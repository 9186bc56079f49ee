"""Many revisions made one, and databases that know the many."""
