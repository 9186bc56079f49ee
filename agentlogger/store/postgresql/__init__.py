"""What PostgreSQL does its own way."""
