"""What the program does by itself."""
