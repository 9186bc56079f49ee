"""What autogenerate sees beyond what Alembic's own does, and what it says where it cannot write."""
