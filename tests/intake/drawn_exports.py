"""Exports of log records as Hypothesis draws them: all that both of OTLP's encodings can say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.intake.exports import Entity, Map, Record, Resource, Scope

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.one_of(
    st.sampled_from(
        [
            "", "session.id", "event.name", "event.timestamp", "success", "error", "duration_ms",
            "decision", "http.response.status_code", "log.record.uid", "gen_ai.operation.name",
            "a\0", "a\ufffd",
        ]
    ),
    texts,
)  # fmt: skip
plain = st.one_of(
    st.none(),
    texts,
    st.sampled_from(["true", "false", "2026-11-22T06:24:00.572Z", "api_error", "42", "1e400"]),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=12),
)


def maps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Map]:
    return st.lists(st.tuples(keys, values), max_size=4).map(Map)


values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | maps(inner), max_leaves=5)
counts = st.integers(0, 2**32 - 1)
records = st.builds(
    Record,
    time=st.one_of(st.just(0), st.integers(0, 2**64 - 1)),
    observed=st.one_of(st.just(0), st.integers(0, 2**64 - 1)),
    severity=st.integers(-3, 40),
    severity_text=st.one_of(texts, st.sampled_from(["WARN", "error", "Level 5"])),
    event_name=st.one_of(texts, st.sampled_from(["event src/main.rs:8", "codex.api_request"])),
    body=values,
    attributes=maps(values),
    dropped=counts,
    flags=counts,
    trace_id=st.one_of(st.binary(max_size=24), st.binary(min_size=16, max_size=16)),
    span_id=st.one_of(st.binary(max_size=12), st.binary(min_size=8, max_size=8)),
)
scopes = st.builds(
    Scope,
    name=st.one_of(texts, st.just("com.anthropic.claude_code.events")),
    version=texts,
    attributes=maps(values),
    dropped=counts,
    schema_url=texts,
    records=st.lists(records, max_size=2),
)
entities = st.builds(
    Entity,
    schema_url=texts,
    type=texts,
    id_keys=st.lists(texts, max_size=2),
    description_keys=st.lists(texts, max_size=2),
)
resources = st.builds(
    Resource,
    attributes=maps(values),
    dropped=counts,
    schema_url=texts,
    entities=st.lists(entities, max_size=2),
    scopes=st.lists(scopes, max_size=2),
)
