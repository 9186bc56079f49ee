"""Benchmarks that anyone can run: what the server takes in, beside what its database could."""
