"""What the database knows of its migrations: what was done, and who uses it."""
