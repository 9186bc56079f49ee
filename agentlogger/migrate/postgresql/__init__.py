"""How PostgreSQL is migrated."""
