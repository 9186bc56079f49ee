"""AgentLogger: a log server for AI agents."""

from agentlogger.compiled import finding

__version__ = "0.1.0"

# Before any other module is imported, as it may be one that is compiled.
RUNS_AS = finding.use()
"""How the way of a record runs in this process: `compiled`, or `pure Python` and why."""
