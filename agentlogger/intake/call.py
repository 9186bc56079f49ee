"""What a record may say of one call of a model: its tokens, and by which names it is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(init=False, slots=True)
class Usage:
    """Tokens as the provider bills them, after the emitter's rule was applied.

    None is a count that was not sent and so is unknown; it is never 0.
    """

    input: int | None
    """All of it: fresh, read from a cache, written to one, and of tools."""
    cache_read: int | None
    cache_write: int | None
    tool: int | None
    """Tokens of tool-use prompts, which Gemini counts apart."""
    output: int | None
    """All of it, reasoning included."""
    reasoning: int | None
    rule: str
    """Which rule made these numbers of those that were sent: see `readers/rules.py`."""

    def __init__(
        self,
        *,
        input: int | None = None,  # noqa: A002  (as the column and every emitter calls it)
        cache_read: int | None = None,
        cache_write: int | None = None,
        tool: int | None = None,
        output: int | None = None,
        reasoning: int | None = None,
        rule: str = "",
    ) -> None:
        self.input = input
        self.cache_read = cache_read
        self.cache_write = cache_write
        self.tool = tool
        self.output = output
        self.reasoning = reasoning
        self.rule = rule


@dataclass(init=False, slots=True)
class CallReport:
    """One report of one call.

    A call is reported at most once by each source, apart from retries of the same record, which
    identities catch.
    """

    source: str
    """Which kind of record reports it: "log", "span", "detail", ..."""
    keys: tuple[str, ...]
    """Names of the call that mean the same wherever they are met: "response:resp_1",
    "request:req_2", "span:<trace>:<span>"."""
    fingerprint: str | None
    """What reports of one call that share no name all say alike. The n-th report of a source with
    a fingerprint is about the n-th call that has it."""
    rank: int
    """Whose word counts where two reports tell a field differently: the higher one's."""
    ok: bool | None
    """Whether it worked; None where the report does not say, as a request that has no answer."""
    failed_before: int
    """Attempts that failed before this one and that nothing else tells."""
    usage: Usage | None
    cost_micro_usd: int | None
    """As the emitter reports it, in millionths of a US dollar."""
    api_key: str | None
    """The first characters of the key that it came with; the door says so, not the record."""

    def __init__(
        self,
        source: str,
        keys: tuple[str, ...],
        rank: int,
        *,
        fingerprint: str | None = None,
        ok: bool | None = None,
        failed_before: int = 0,
        usage: Usage | None = None,
        cost_micro_usd: int | None = None,
        api_key: str | None = None,
    ) -> None:
        self.source = source
        self.keys = keys
        self.fingerprint = fingerprint
        self.rank = rank
        self.ok = ok
        self.failed_before = failed_before
        self.usage = usage
        self.cost_micro_usd = cost_micro_usd
        self.api_key = api_key
