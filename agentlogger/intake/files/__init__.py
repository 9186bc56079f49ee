"""Files that are imported: from their lines to what a door takes. One module for each format."""
