"""Compiles: `python -m agentlogger.compiled.building`, which `make compile` runs.

Needs mypy and a C compiler. What is built for older sources is taken away.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution

from agentlogger.compiled import modules

NO_COMPILER = (
    "Nothing was compiled, as there is no C compiler with Python's headers: install them (Debian, "
    "Ubuntu: apt-get install gcc python3-dev) and run this again. AgentLogger runs without it, as "
    "pure Python.\n{reason}"
)
FLAGS = (
    # Neither the project's strictness nor the types of libraries change what is compiled.
    "--config-file=",
    "--ignore-missing-imports",
    "--follow-imports=silent",
    "--implicit-reexport",
)


def build(builds: Path) -> Path:
    """Compile the sources as they are; return the folder within `builds` where the code lies.

    The folder comes into being at once and whole: a server that starts meanwhile finds none.
    """
    digest = modules.digest()
    with tempfile.TemporaryDirectory(dir=builds, prefix=".building-") as working:
        work = Path(working)
        with _quietly():
            libraries = _compile(work)
        if modules.digest() != digest:
            raise SystemExit("A source was changed meanwhile, so nothing was kept: run this again.")
        final = builds / digest
        shutil.rmtree(final, ignore_errors=True)
        libraries.rename(final)
    return final


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep back what mypyc and the compiler say, and show it where they fail."""
    with tempfile.TemporaryFile() as said:
        sys.stdout.flush()
        sys.stderr.flush()
        streams = {number: os.dup(number) for number in (1, 2)}
        for number in streams:
            os.dup2(said.fileno(), number)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, stream in streams.items():
                os.dup2(stream, number)
                os.close(stream)
            if failed:
                said.seek(0)
                print(said.read().decode(errors="replace"), file=sys.stderr)  # noqa: T201  (a command's answer)


def _compile(work: Path) -> Path:
    root = modules.PACKAGE.parent
    with chdir(root):
        paths = [str(Path("agentlogger") / source) for source in modules.compiled()]
        extensions = mypycify(
            [*FLAGS, f"--cache-dir={work / 'cache'}", *paths],
            only_compile_paths=paths,
            target_dir=str(work / "c"),
            group_name=modules.GROUP.removesuffix("__mypyc"),
        )
        distribution = Distribution({"name": "agentlogger", "ext_modules": extensions})
        command = distribution.get_command_obj("build_ext")
        assert command is not None  # noqa: S101  (setuptools' own command)
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "objects")
        command.ensure_finalized()
        command.run()
    return work / "lib"


def _fault_of_the_compiler() -> str | None:
    """Why C cannot be compiled for this Python, or None if it can."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "try.c"
        source.write_text("#include <Python.h>\n")
        include = f"-I{sysconfig.get_paths()['include']}"
        words = [compiler, include, "-c", str(source), "-o", f"{folder}/try.o"]
        try:
            tried = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
        except OSError as fault:
            return str(fault)
        return tried.stderr.strip() or "It failed." if tried.returncode else None


def main() -> int:
    """Compile, unless that was done for these sources."""
    asked = argparse.ArgumentParser(prog="make compile", description=__doc__)
    asked.add_argument("--into", type=Path, default=modules.BUILDS, help="the folder of builds")
    into = asked.parse_args().into
    current = into / modules.digest()
    if current in modules.builds(into):
        print("Compiled already, from these sources.")  # noqa: T201  (a command's answer)
        return 0
    fault = _fault_of_the_compiler()
    if fault is not None:
        print(NO_COMPILER.format(reason=fault), file=sys.stderr)  # noqa: T201  (likewise)
        return 1
    print(f"Compiling {len(modules.compiled())} modules: about a minute ...", flush=True)  # noqa: T201  (likewise)
    into.mkdir(parents=True, exist_ok=True)
    outdated = modules.builds(into)
    build(into)
    for folder in outdated:
        shutil.rmtree(folder)
    print("Compiled. Servers that are started from now on use it.")  # noqa: T201  (likewise)
    return 0


if __name__ == "__main__":
    sys.exit(main())
