"""Tables as classes: columns, keys, indexes."""
