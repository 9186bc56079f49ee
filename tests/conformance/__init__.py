"""What OTLP/HTTP asks of a server, for AgentLogger and for any other: docs/conformance.md."""
