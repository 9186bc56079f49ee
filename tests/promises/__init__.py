"""What the migration room promises, proved on real programs; the long forms by `make promises`."""
