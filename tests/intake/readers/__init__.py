"""What readers make of what emitters send."""
