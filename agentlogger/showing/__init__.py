"""What people are shown of records, the same words and figures in the page and in the terminal."""
