"""How SQLite is migrated."""
