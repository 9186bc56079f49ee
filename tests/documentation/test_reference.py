"""The tables of docs/reference.md are the program's own: limits, codes, rules, routes, fields."""

from __future__ import annotations

import ast

import pytest

from agentlogger import errors, limits
from agentlogger.blueprints import gate
from agentlogger.intake import aliases, native, severity, storable
from agentlogger.schemas.alerts import AlertSchema, DeliverySchema, NewAlertSchema
from agentlogger.schemas.calls import CallQuerySchema, CallReportSchema, CallSchema
from agentlogger.schemas.facets import USUAL_KEYS, FacetsSchema
from agentlogger.schemas.histogram import HistogramSchema
from agentlogger.schemas.logs import LogFilterSchema, LogQuerySchema, LogRecordSchema, ReceiptSchema
from agentlogger.schemas.numbers import GroupSchema
from agentlogger.schemas.runs import ItemSchema, SpanLineSchema
from agentlogger.schemas.searches import SavedSearchSchema
from agentlogger.schemas.sessions import SessionSchema
from agentlogger.schemas.sightings import SightingQuerySchema, SightingSchema
from agentlogger.schemas.tail import TailQuerySchema
from agentlogger.schemas.usage import GROUPS, UsageSchema
from agentlogger.store import keys, numbers, usage
from tests.documentation import pages, sources

SECTIONS = pages.sections(pages.read("docs/reference.md"))


def rows(heading: str) -> list[list[str]]:
    return pages.rows(SECTIONS[heading])


def first_cells(heading: str) -> list[str]:
    return [pages.without_ticks(row[0]) for row in rows(heading)]


def test_every_limit_stands_there_with_its_value():
    program = {name: value for name, value in vars(limits).items() if name.isupper()}

    page = {
        pages.without_ticks(name): int(value.replace(",", "")) for name, value, _ in rows("Limits")
    }

    assert page == program


def test_every_rule_stands_there_in_its_own_words():
    assert {pages.without_ticks(code): said for code, said in rows("What is replaced or cut")} == (
        storable.RULES
    )


def test_every_error_stands_there_with_its_status():
    refusals = {kind.code: str(kind.status) for kind in errors.Refusal.__subclasses__()}
    page = {pages.without_ticks(code): status for code, status, _ in rows("Errors")}

    assert {code: status for code, status in page.items() if code in refusals} == refusals


def test_every_code_that_is_given_stands_there_and_no_other():
    # The migration room's are in docs/migrations.md.
    trees = sources.trees(without="migrate")
    given = {code for tree in trees for code in sources.codes_given(tree)}
    refusals = {kind.code for kind in errors.Refusal.__subclasses__()}

    # `refused` is the code of the class that the others are made from, and never given.
    assert set(first_cells("Errors")) == (given | refusals) - {"refused"}


def test_every_route_stands_there_with_what_it_asks_of_its_caller(described):
    program = {
        (f"{method} {rule.rule}", gate.needed_scope(described, rule.endpoint))
        for rule in described.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(pages.without_ticks(route), scope) for route, scope, _ in rows("Routes")} == program


def test_every_scope_stands_there():
    scopes = pages.rows(SECTIONS["Who is let in"])[-len(keys.SCOPES) :]

    assert [pages.without_ticks(scope) for scope, _ in scopes] == list(keys.SCOPES)


def test_every_field_of_a_plain_record_stands_there():
    section = SECTIONS["Sending plain JSON"]
    table = section.partition("The answer is")[0]
    in_table = {name for row in pages.rows(table) for name in pages.code_spans(row[1])}
    sentence = next(line for line in section.splitlines() if line.startswith("These fill"))

    assert in_table == set(native.KNOWN)
    assert set(pages.code_spans(sentence)) == set(native.READ_BACK)


def test_every_field_of_an_answer_to_sending_stands_there():
    answer = SECTIONS["Sending plain JSON"].partition("The answer is")[2]

    assert [pages.without_ticks(row[0]) for row in pages.rows(answer)] == list(
        ReceiptSchema().fields
    )


def test_every_parameter_of_a_list_stands_there():
    program = [field.data_key or name for name, field in LogQuerySchema().fields.items()]

    assert first_cells("Listing") == program


def test_every_parameter_of_a_tail_stands_there():
    parameters, _ = SECTIONS["Following"].split("\n\n|")[1:]

    assert cells(parameters) == list(TailQuerySchema().fields)


def test_every_field_of_a_record_stands_there():
    assert first_cells("A record") == list(LogRecordSchema().fields)


def test_every_parameter_and_field_of_calls_stands_there():
    shared = {"from", "to", "limit", "cursor", "format", "project"}
    asked = [field.data_key or name for name, field in CallQuerySchema().fields.items()]
    parameters, fields, reports = SECTIONS["Calls"].split("\n\n|")[1:]
    told = [name for name in CallReportSchema().fields if name not in CallSchema().fields]

    assert cells(parameters) == [name for name in asked if name not in shared]
    assert cells(fields) == list(CallSchema().fields)
    assert cells(reports) == told


def test_every_field_of_usage_stands_there_and_every_group():
    assert first_cells("Usage") == list(UsageSchema().fields)
    line = next(one for one in SECTIONS["Usage"].splitlines() if "`group_by`" in one)
    assert set(pages.code_spans(line)) >= set(usage.GROUPS) == set(GROUPS)


def test_every_field_of_what_is_put_together_stands_there():
    items, spans = SECTIONS["A run as a story"].split("\n\n|")[1:]

    assert first_cells("Sessions") == list(SessionSchema().fields)
    assert cells(items.partition("\n\n")[0]) == list(ItemSchema().fields)
    assert cells(spans.partition("\n\n")[0]) == list(SpanLineSchema().fields)
    asked, told = SECTIONS["Schema watch"].split("\n\n|")[1:]
    parameters = [f.data_key or name for name, f in SightingQuerySchema().fields.items()]
    assert cells(asked.partition("\n\n")[0]) == parameters
    assert cells(told.partition("\n\n")[0]) == list(SightingSchema().fields)
    assert first_cells("Saved searches") == list(SavedSearchSchema().fields)
    made, told, sent = SECTIONS["Alerts"].split("\n\n|")[1:]
    assert cells(made) == list(NewAlertSchema().fields)
    assert cells(told.partition("\n\n")[0]) == list(AlertSchema().fields)
    assert cells(sent) == list(DeliverySchema().fields)


def test_every_field_of_a_count_stands_there():
    more = [name for name in GroupSchema().fields if name not in UsageSchema().fields]

    assert first_cells("Histogram") == list(HistogramSchema().fields)
    assert first_cells("Facets") == list(FacetsSchema().fields)
    assert ["group", *first_cells("Numbers")] == sorted(more, key=lambda name: name != "group")
    groups = next(line for line in SECTIONS["Numbers"].splitlines() if "`by`" in line)
    assert set(pages.code_spans(groups)) >= set(numbers.GROUPS)
    filters = next(line for line in SECTIONS["Counting"].splitlines() if "`severity_min`" in line)
    asked = {field.data_key or name for name, field in LogFilterSchema().fields.items()}
    assert set(pages.code_spans(filters)) == asked | {"project", "hints"}
    usual = next(line for line in SECTIONS["Facets"].splitlines() if line.startswith("`keys`"))
    assert set(pages.code_spans(usual)) == {"keys", *USUAL_KEYS}


def cells(table: str) -> list[str]:
    return [pages.without_ticks(row[0]) for row in pages.rows(f"|{table}")]


def test_every_kind_of_record_stands_there():
    kinds = {kind for _, kind in aliases.KINDS} | {"log", "hook", "span"}
    for by_attribute in aliases.KINDS_BY_ATTRIBUTE.values():
        kinds |= set(by_attribute.values())
    line = next(line for line in SECTIONS["A record"].splitlines() if line.startswith("Kinds:"))

    assert set(pages.code_spans(line)) == kinds


def test_every_severity_that_can_be_asked_for_stands_there():
    row = next(row for row in rows("Listing") if row[0] == "`severity`")

    assert pages.code_spans(row[1]) == list(severity.BANDS)


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ('Rejection(index, "record.odd", "so")', {"record.odd"}),
        ('_answer(500, "internal", "A fault", "")', {"internal"}),
        ('code = "a.b" if errors else f"http.{status}"', {"a.b", "http.*"}),
        ('name = "no.code"', set()),
    ],
)
def test_the_reader_of_sources_sees_each_way_to_give_a_code(source, codes):
    assert sources.codes_given(ast.parse(source)) == codes
