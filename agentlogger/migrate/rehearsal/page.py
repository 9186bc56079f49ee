"""The report of a rehearsal: one page that needs nothing beside itself, and runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from agentlogger.migrate.durations import duration
from agentlogger.migrate.rehearsal import picture
from agentlogger.migrate.rehearsal.holding import EVERYBODY, WRITERS, Held, Stops, held, longest
from agentlogger.migrate.rehearsal.results import DOWN, UP, Rehearsal, Rehearsed, Statement, Step
from agentlogger.migrate.rehearsal.style import STYLE

SQL_SHOWN = 140
"""Characters of a statement that stand there at once; a click shows the rest."""

LEGEND = (
    ("all", "stops reads and writes"),
    ("writers", "stops writes"),
    ("weak", "stops nobody"),
    ("time", "no lock"),
    ("code", "its own code, and commit"),
)
"""The colours by their classes."""

TABLES_SHOWN = 12
"""Tables that a step's picture has a line for."""


def page(found: Rehearsal, stops: Stops) -> str:
    """The page as HTML."""
    title = f"Rehearsal of {found.database.rpartition('/')[2]}"
    body = "".join(_parts(found, stops))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<main><h1>{escape(title)}</h1>{body}</main></html>\n"
    )


def _parts(found: Rehearsal, stops: Stops) -> Iterator[str]:
    good = "good" if found.is_as_declared else "bad"
    yield f'<p class="verdict {good}">{escape(found.sentence)}</p>'
    facts = (
        ("Server", found.server),
        ("Copy", f"{found.copy.how}, {_size(found.copy.bytes)}, {duration(found.copy.seconds)}"),
        ("Rows", f"{found.rows:,}"),
        ("Took", duration(found.seconds)),
        ("When", found.when.strftime("%Y-%m-%d %H:%M UTC")),
        ("Program", found.program),
    )
    shown = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    yield f'<dl class="facts">{shown}</dl>'
    yield from (f"<p class=note>{escape(note)}</p>" for note in found.notes)
    if not found.revisions:
        return
    yield f'<p class="legend">{"".join(_key(kind, text) for kind, text in LEGEND)}</p>'
    yield from _overview(found, stops)
    for one in found.revisions:
        yield from _revision(one, stops)
    yield (
        "<footer>Statements are shown without their literals; values of rows and parameters are "
        "nowhere in this page.</footer>"
    )


def _key(kind: str, text: str) -> str:
    return f'<span><i class="key {kind}"></i>{text}</span> '


def _overview(found: Rehearsal, stops: Stops) -> Iterator[str]:
    steps = [
        step for one in found.revisions for way in (UP, DOWN) if (step := one.first(way))
    ]  # fmt: skip
    whole = max((step.seconds for step in steps), default=0.0)
    yield '<h2>All revisions</h2><div class="overview">'
    yield f"<p>A whole line is {duration(whole)}.</p>"
    for one in found.revisions:
        revision = escape(one.revision.revision)
        mark = "good" if one.verdict.as_declared else "bad"
        yield (
            f'<div class="row"><a href="#r{revision}"><code>{revision}</code> '
            f"{escape(one.revision.message)}</a>"
            f'<span class="word {mark}">{escape(one.verdict.word)}</span></div>'
        )
        for way in (UP, DOWN):
            step = one.first(way)
            if step is not None:
                yield _lane(
                    way,
                    picture.overview(step, held(step, stops), whole),
                    duration(step.seconds),
                )
    yield "</div>"


def _revision(one: Rehearsed, stops: Stops) -> Iterator[str]:
    revision = one.revision
    mark = "good" if one.verdict.as_declared else "bad"
    yield (
        f'<section id="r{escape(revision.revision)}"><h2><code>{escape(revision.revision)}</code> '
        f"{escape(revision.message)}</h2>"
        f'<p><span class="word {mark}">{escape(one.verdict.word)}</span> '
        f"{escape(one.verdict.sentence)}. "
        f'<span class="quiet">{escape(revision.phase)}, declares '
        f"<q>{escape(revision.reversible)}</q></span></p>"
    )
    yield from (f"<p class=note>{escape(note)}</p>" for note in one.notes)
    steps = [step for way in (UP, DOWN) if (step := one.first(way))]
    whole = max((step.seconds for step in steps), default=0.0)
    for step in steps:
        yield from _step(step, whole, stops)
    others = [step for step in one.steps if step not in steps]
    if others:
        times = ", ".join(f"{step.direction} {duration(step.seconds)}" for step in others)
        yield f'<p class="quiet">And again: {times}.</p>'
    yield "</section>"


def _step(step: Step, whole: float, stops: Stops) -> Iterator[str]:
    most = longest(step, stops)
    said = "no client waits for a lock"
    if most is not None:
        table, whom, seconds = most
        said = f"{whom} of {table.table} stop for {duration(seconds)}"
    if step.failure:
        said = f"it fails: {step.failure}, at {step.place}"
    yield (
        f"<h3>{step.direction.capitalize()} "
        f'<span class="quiet">{duration(step.seconds)}; {escape(said)}</span></h3>'
    )
    tables = held(step, stops)
    if step.statements:
        yield '<div class="lanes">'
        yield _lane("statements", picture.statements(step, whole), "")
        for one in tables[:TABLES_SHOWN]:
            yield _lane(one.table, picture.table(one, whole), _lock(one))
        yield "</div>"
        if len(tables) > TABLES_SHOWN:
            yield f'<p class="quiet">And {len(tables) - TABLES_SHOWN} more tables.</p>'
        locks = stops if _differ(step) else _nobody
        yield f"<ol>{''.join(_statement(one, locks) for one in step.statements)}</ol>"
    else:
        yield '<p class="quiet">It executes no statement of its own.</p>'


def _differ(step: Step) -> bool:
    """Whether statements differ in what they lock, so that each is worth a word."""
    return any(one.locks != step.statements[0].locks for one in step.statements)


def _nobody(_lock: str) -> str:
    return ""


def _lane(name: str, drawn: str, beside: str) -> str:
    return (
        f'<div class="lane"><span>{escape(name)}</span>{drawn}<span>{escape(beside)}</span></div>'
    )


def _lock(one: Held) -> str:
    for whom in (EVERYBODY, WRITERS):
        if one.seconds(whom):
            return f"{one.lock}, {duration(one.seconds(whom))}"
    return one.lock


def _statement(one: Statement, stops: Stops) -> str:
    facts = [f"{duration(one.seconds)}"]
    if one.executions > 1:
        facts.append(f"{one.executions:,} times")
    facts += [f"rewrites {table}" for table in one.rewrites]
    facts += [f"builds an index of {table}" for table in one.indexes]
    facts += [f"{one.read:,} rows read"] if one.read else []
    facts += [f"{one.written:,} rows written"] if one.written else []
    facts += [f"{lock} on {table}" for table, lock in sorted(one.locks.items()) if stops(lock)]
    facts += [one.error] if one.error else []
    place = f"{one.file.rpartition('/')[2]}:{one.line}"
    return (
        f"<li>{_sql(one.sql)}<p>{escape('; '.join(facts))} "
        f'<span class="quiet">{escape(place)}</span></p></li>'
    )


def _sql(sql: str) -> str:
    if len(sql) <= SQL_SHOWN:
        return f"<code>{escape(sql)}</code>"
    begin = sql[:SQL_SHOWN].rpartition(" ")[0] or sql[:SQL_SHOWN]
    return (
        f"<details><summary><code>{escape(begin)} ...</code></summary>"
        f"<code>{escape(sql)}</code></details>"
    )


def _size(size: int) -> str:
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size / 2**10:.0f} KiB"
