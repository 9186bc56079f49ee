"""What pages lead to and name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation import pages
from tests.documentation.pages import ROOT, name_of

PAGES = pages.all_pages()

FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
KEPT_ELSEWHERE = {"instance", "build", "dist"}
"""What a checkout has at its top and the project does not keep."""


def tops() -> set[str]:
    """The names at the top of the project: where they begin a path, the path is one of ours."""
    return {path.name for path in ROOT.iterdir()} - KEPT_ELSEWHERE


def missing_links(page: Path) -> list[str]:
    """The links of a page that lead to no file and no heading."""
    missing = []
    for link in pages.links(page.read_text()):
        target, _, anchor = link.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        known = (
            file.suffix != ".md" or anchor in pages.anchors(file.read_text()) if anchor else True
        )
        if not file.exists() or not known:
            missing.append(link)
    return missing


def missing_files(text: str) -> list[str]:
    """The files of ours that a text names as code and that are not there."""
    missing = []
    for span in pages.code_spans(text):
        ours = FILE.fullmatch(span) and ("/" in span or "." in span[1:])
        if ours and span.split("/")[0] in tops() and not list(ROOT.glob(span.rstrip("/"))):
            missing.append(span)
    return missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert missing_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_is_there(page):
    assert missing_files(page.read_text()) == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = (link.partition("#")[0] for link in pages.links(page.read_text()))
        found = ((page.parent / target).resolve() for target in targets if target)
        for file in found:
            waiting += sorted(file.glob("*.md")) if file.is_dir() else []
            waiting += [file] if file.suffix == ".md" and file.exists() else []

    assert set(PAGES) - reached == set()


def test_every_folder_of_the_program_has_its_line_in_the_readme():
    named = {
        span.rstrip("/")
        for row in pages.rows(pages.sections(pages.read("README.md"))["Where things are"])
        for span in pages.code_spans(row[0])
    }
    folders = [path for path in ROOT.iterdir() if path.name not in KEPT_ELSEWHERE]
    folders += (ROOT / "agentlogger").iterdir()
    kept = {name_of(path) for path in folders if path.is_dir() and path.name.isalpha()}

    assert kept - {"agentlogger/migrations"} == named


def test_every_module_has_its_line_on_the_map():
    page = pages.read("docs/path-of-a-record.md")
    named = {pages.without_ticks(row[0]) for row in pages.rows(page)}
    modules = {
        name_of(path)
        for path in (ROOT / "agentlogger").rglob("*.py")
        if path.name != "__init__.py" and path.relative_to(ROOT).parts[1] != "migrations"
    }

    scripts = {name_of(path) for path in (ROOT / "agentlogger" / "static").glob("*.js")}

    assert named == modules | scripts | {"wsgi.py"}


def test_the_readers_see_what_is_missing(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A Heading: here\n[a](#a-heading-here) [b](#nowhere) [c](no.md) ![d](no.png)")

    assert missing_links(page) == ["#nowhere", "no.md", "no.png"]
    assert missing_files(
        "`docs/no.md`, `docs/reference.md`, `setup.cfg`, `docs`, `e.g.`, `tests/no/`"
    ) == [
        "docs/no.md",
        "tests/no/",
    ]
