"""A run of upgrade, downgrade or stamp, from the lock to the last commit."""
