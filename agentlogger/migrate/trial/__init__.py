"""What is tried in a scratch database: the plan of an upgrade, and drift."""
