"""Wheels that hold machine code: `AGENTLOGGER_COMPILE=1 python -m build --wheel`, or pip's own.

Everything else about the package stands in setup.cfg. Without the variable the wheel is for every
machine, and needs no compiler.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py


class OfOneMachine(Distribution):
    """A distribution whose wheel is named after an interpreter and a machine."""

    def has_ext_modules(self) -> bool:
        """It has machine code, though none that setuptools knows of."""
        return True


class Compiling(build_py):
    """Copies the sources, then compiles them to where an installed copy looks."""

    def run(self) -> None:
        """Do both; an editable install is compiled by `make compile`."""
        super().run()
        if not self.editable_mode:
            into = Path(self.build_lib).absolute() / "agentlogger" / "compiled"
            command = [sys.executable, "-m", "agentlogger.compiled.building", "--into", str(into)]
            subprocess.run(command, check=True)  # noqa: S603  (this very program)


if os.environ.get("AGENTLOGGER_COMPILE") == "1":
    setup(
        cmdclass={"build_py": Compiling},
        distclass=OfOneMachine,
        setup_requires=["mypy==2.4.1"],
    )
else:
    setup()
