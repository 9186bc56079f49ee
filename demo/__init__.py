"""A demonstration: three days of agents' work, sent to a server through its own doors."""
