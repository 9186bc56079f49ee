"""Commands for the people who run AgentLogger."""
