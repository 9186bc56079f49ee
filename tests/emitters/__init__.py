"""Real emitters, installed from PyPI and npm, driven against a fake model: `make emitters`."""
