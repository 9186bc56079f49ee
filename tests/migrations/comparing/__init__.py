"""What autogenerate sees."""
