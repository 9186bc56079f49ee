"""The way of a record as machine code, made from the same sources: which modules, where, how."""
