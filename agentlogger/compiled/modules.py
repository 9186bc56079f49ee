"""Which modules are compiled, and where their machine code lies.

It lies in a folder that is named after the sources that it was made of. So no source can be newer
than its machine code: an edit, or a pull, leads to another folder, and there is none.
"""

from __future__ import annotations

import hashlib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
BUILDS = Path(__file__).resolve().parent
SUFFIX = EXTENSION_SUFFIXES[0]
"""The end of a module's file, with the interpreter and the machine that it is for."""

GROUP = "agentlogger__mypyc"
"""The one library that holds the code of all of them, so that they call each other directly."""

OF_INTAKE = (
    "aliases",
    "any_value",
    "applied",
    "call",
    "canonical",
    "events",
    "ids",
    "layouts",
    "origin",
    "otlp_fields",
    "otlp_json",
    "otlp_protobuf",
    "otlp_wire",
    "prices",
    "record",
    "sent",
    "severity",
    "spans",
    "spans_json",
    "spans_protobuf",
    "storable",
    "times",
    "values",
)
"""What each record passes on its way from bytes to a row. What reads a body, and what reads files,
is asked once a request, and stays as it is. So does `batches`, which has a turn for each record:
machine code never lets another thread have its turn, and a large body takes seconds."""

OF_STORE = ("copy_text", "filled", "json_text")
"""What writes out a row. `written`, which goes from row to row, stays as it is, as `batches`."""

FOLDERS = ("intake/readers", "intake/redaction")
READ_BY_THEM = ("errors.py", "limits.py", "intake/*.py", *(f"{one}/*.py" for one in FOLDERS))
"""What they import of the program, whose constants are written into the machine code."""

DIGEST_CHARACTERS = 16


def compiled() -> list[Path]:
    """The sources that are compiled, by their places in the package."""
    return [
        *(Path(f"intake/{name}.py") for name in OF_INTAKE),
        *(Path(f"store/{name}.py") for name in OF_STORE),
        *sorted(
            path.relative_to(PACKAGE)
            for folder in FOLDERS
            for path in (PACKAGE / folder).glob("*.py")
            if path.stem != "__init__"
        ),
    ]


def name(source: Path) -> str:
    """The dotted name of a module, given its place in the package."""
    return ".".join(("agentlogger", *source.with_suffix("").parts))


def digest(package: Path = PACKAGE) -> str:
    """What stands for the sources as they are now, those that are compiled and what they read."""
    read = {path for pattern in READ_BY_THEM for path in package.glob(pattern)}
    hashed = hashlib.sha256()
    for path in sorted(read | {package / source for source in compiled()}):
        content = path.read_bytes()
        hashed.update(f"{path.relative_to(package)}\0{len(content)}\0".encode())
        hashed.update(content)
    return hashed.hexdigest()[:DIGEST_CHARACTERS]


def builds(folder: Path) -> list[Path]:
    """The folders of machine code for this interpreter in a folder, for whichever sources."""
    return [path.parent for path in folder.glob(f"*/{GROUP}{SUFFIX}")]
