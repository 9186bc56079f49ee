"""The project's pages, taken apart: sections, tables, code, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^(#+) (.+)$")
CELL_BORDER = re.compile(r"(?<!\\)\|")
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def all_pages() -> list[Path]:
    """Every page of words in the project."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(DOCS.rglob("*.md")),
    ]


def name_of(page: Path) -> str:
    """A page's name as people say it."""
    return page.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    """The text of the page of this name, such as `docs/reference.md`."""
    return (ROOT / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """What stands under each heading, up to the next heading of any level."""
    found: dict[str, list[str]] = {"": []}
    heading, in_fence = "", False
    for line in text.splitlines():
        in_fence ^= line.lstrip().startswith("```")
        match = None if in_fence else HEADING.match(line)
        if match:
            heading = match[2]
            found[heading] = []
        else:
            found[heading].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def rows(section: str) -> list[list[str]]:
    """The rows of a section's tables, without their heads; cells without their borders."""
    tables: list[list[list[str]]] = [[]]
    for line in section.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in CELL_BORDER.split(line)[1:-1]]
            tables[-1].append(cells)
        elif tables[-1]:
            tables.append([])
    return [row for table in tables for row in table[2:]]


def without_ticks(cell: str) -> str:
    """The text of a cell that is one piece of code."""
    return cell.strip("`")


def code_blocks(text: str, *languages: str) -> list[str]:
    """The blocks of code in these languages, without their indentation."""
    return [
        dedent(match["code"]) for match in FENCE.finditer(text) if match["language"] in languages
    ]


def code_spans(text: str) -> list[str]:
    """The pieces of code within sentences and tables."""
    return SPAN.findall(FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead to."""
    return LINK.findall(FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """What a link into a page can name behind its `#`: the headings, as Git hosts write them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in sections(text)
        if heading
    }


def lines_of_code(text: str, *languages: str) -> Iterator[str]:
    """The lines of a page's blocks; one that ends with a backslash has the next one with it."""
    for block in code_blocks(text, *languages):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()
