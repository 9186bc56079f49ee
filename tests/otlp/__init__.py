"""The OTLP/HTTP door: its contract, on both databases."""
