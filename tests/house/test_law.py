"""The rooms keep to the law, and the law's readers can see a breach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.house import law

MODULES = [path for path in law.sources() if path.is_relative_to(law.PACKAGE)]
STORES = [
    path
    for path in MODULES
    if law.room_of(path) == "store"
    and path.parent.name not in {"postgresql", "sqlite"}
    and path.stem
    not in {
        "backend", "bounded", "clock", "connections", "convoys", "copy_text", "identifiers",
        "inserting", "json_text", "key_format", "key_lists", "keyed", "merging", "pieces",
        "positions", "previews", "rows", "scope", "selects", "spans", "speech", "stories", "sums",
        "wakeups", "window_bits", "words", "written",
    }
]  # fmt: skip
"""The modules of the store that are named after a noun; the others know no project's records."""


@pytest.fixture(scope="module", autouse=True)
def no_tree_stays() -> Iterator[None]:
    """Let go of the trees of all sources: the collector would go through them to the run's end."""
    yield
    law.parsed.cache_clear()


def name(path: Path) -> str:
    return str(path.relative_to(law.ROOT))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(law.ROOT).with_suffix("").parts)


def where_not_empty(found: Mapping[Path, object]) -> dict[str, object]:
    """By the files' names, what was found in them; a file in which nothing was is left out."""
    return {name(path): one for path, one in found.items() if one}


def test_a_room_imports_only_from_rooms_below_it():
    found = {path: law.breaches_of_the_law(law.room_of(path), path.read_text()) for path in MODULES}

    assert where_not_empty(found) == {}


def test_no_function_imports():
    found = {path: law.hidden_imports(path.read_text()) for path in MODULES}

    assert where_not_empty(found) == {}


def test_no_modules_import_each_other():
    sources = {dotted(path): path.read_text() for path in MODULES if path.stem != "__init__"}

    assert law.circles(sources) == []


def test_every_room_is_known_to_the_law():
    rooms = {law.room_of(path) for path in MODULES}

    assert rooms - law.GROUND - set(law.ABOVE) == set()


def test_nothing_is_named_after_nothing():
    named = {part.removesuffix(".py") for path in law.sources() for part in path.parts}

    assert named & law.FORBIDDEN == set()


def test_no_file_is_longer_than_400_lines():
    lengths = {name(path): len(path.read_text().splitlines()) for path in law.sources()}

    assert {path: lines for path, lines in lengths.items() if lines > law.LINES_MOST} == {}


def test_no_function_is_longer_than_60_lines():
    long = {name(path): law.long_functions(path.read_text()) for path in law.sources()}
    # A revision is written once and read from top to bottom.
    written_once = {path for path in long if path.startswith("migrations/versions/")}

    assert {p: found for p, found in long.items() if found and p not in written_once} == {}


def test_only_the_bounded_reader_touches_a_body():
    readers = {name(path): law.body_readers(path.read_text()) for path in MODULES}

    assert {path for path, lines in readers.items() if lines} == {
        "agentlogger/blueprints/bodies.py"
    }


def test_no_module_draws_from_the_chance_of_the_whole_process():
    found = {path: law.shared_chance(path.read_text()) for path in MODULES}

    assert where_not_empty(found) == {}


def test_every_function_of_a_store_takes_a_scope_first():
    found = {path: law.unscoped_functions(path.read_text()) for path in STORES}

    assert where_not_empty(found) == {}


def test_a_revision_imports_no_live_code():
    revisions = (law.ROOT / "migrations" / "versions").glob("*.py")
    modules = {
        module for path in revisions for module in law.imported(law.parsed(path.read_text()))
    }

    assert {module for module in modules if module.startswith("agentlogger")} == set()


@pytest.mark.parametrize(
    ("room", "source", "breach"),
    [
        ("intake", "import flask", "intake names flask"),
        ("intake", "from flask_login import current_user", "intake names flask"),
        ("store", "from agentlogger.blueprints import gate", "store imports blueprints"),
        ("migrate", "from agentlogger import config", "migrate imports config"),
        ("limits", "from agentlogger.store import logs", "limits imports store"),
        ("blueprints", "from sqlalchemy import select", "blueprints names sqlalchemy"),
    ],
)
def test_the_law_sees_a_breach(room, source, breach):
    assert law.breaches_of_the_law(room, source) == [breach]


def test_the_readers_of_the_rules_see_what_breaks_them():
    assert law.hidden_imports("def f():\n    import os\n") == [2]
    assert law.long_functions("def f():\n" + "    pass\n" * 60) == ["f (61 lines)"]
    assert law.body_readers("request.get_data()\nrequest.args\n") == [1]
    assert law.shared_chance("random.uniform(0, 1)\nrandom.SystemRandom().uniform(0, 1)\n") == [1]
    assert law.circles({"a": "import b", "b": "from c import d", "c": "import a"}) != []
    assert law.circles({"a": "import b", "b": "from c import d", "c": "import os"}) == []
    assert law.unscoped_functions("def f(project_id): ...\ndef _g(): ...\n") == ["f"]
