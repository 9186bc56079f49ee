"""`python -m agentlogger` is `agentlogger`, where no command was put on the path."""

from agentlogger.terminal.main import main

main(prog_name="agentlogger")
