"""Alerts, from a record that arrives to a receiver that is told."""
