"""What alerts are, how they stand, and what was told of them."""
