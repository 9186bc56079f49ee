"""Coverage-guided fuzzing of `agentlogger/intake/`: `python -m tests.promises.fuzzing`."""
