"""What autogenerate writes."""
