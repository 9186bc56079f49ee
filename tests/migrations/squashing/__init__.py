"""The verbs of online migrations, and their SQL, which is frozen once it is released."""
