"""The index of texts: built behind the records, asked where words may be."""
