"""What the program does by itself, in each worker, from after the fork until it ends."""
