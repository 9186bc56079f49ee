"""Sessions with Claude Code and Codex CLI, as each of them tells its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from demo import otlp
from demo.chance import SECOND_NS, Chance
from demo.otlp import Json
from demo.scripts import Step, Task

CLAUDE = {"service.name": "claude-code", "service.version": "2.1.230", "os.type": "linux"}
CLAUDE_SCOPE = "com.anthropic.claude_code.events"
CODEX = {"service.name": "codex_cli", "service.version": "0.169.0", "env": "dev"}
CODEX_SCOPE = "codex_otel.log_only"

MODELS = ("claude-sonnet-4-5", "claude-sonnet-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
DOLLARS = {"claude-sonnet-4-5": (3.0, 15.0), "claude-haiku-4-5": (1.0, 5.0)}
"""US dollars for a million tokens in and out, which Claude Code reckons by itself."""

USERS = ("ada@example.com", "linus@example.com", "grace@example.com")
REJECTED = "The user rejected this command."
PEOPLE_THINK_SECONDS = 90


def claude(chance: Chance, tasks: tuple[Task, ...], begin_ns: int) -> tuple[Json, int]:
    """An export of one session with Claude Code, and when it ended."""
    session = _Claude(chance, begin_ns)
    for task in tasks:
        session.tell(task)
    return otlp.logs(CLAUDE, CLAUDE_SCOPE, session.records), session.now_ns


def codex(chance: Chance, tasks: tuple[Task, ...], begin_ns: int) -> tuple[Json, int]:
    """The same with Codex CLI."""
    session = _Codex(chance, begin_ns)
    for task in tasks:
        session.tell(task)
    return otlp.logs(CODEX, CODEX_SCOPE, session.records), session.now_ns


class _Session:
    """A session that is told record by record; time passes in it."""

    def __init__(self, chance: Chance, begin_ns: int) -> None:
        self.chance = chance
        self.now_ns = begin_ns
        self.session = chance.uuid()
        self.user = chance.choice(USERS)
        self.context = chance.randrange(14_000, 22_000)
        """Tokens that each request brings along, which grow."""
        self.records: list[Json] = []

    def tell(self, task: Task) -> None:
        """A prompt and what followed; then somebody thinks."""
        self.ask(task.prompt)
        for step in task.steps:
            self.call(self.chance.randrange(60, 420))
            self.use(step)
        self.call(len(task.answer) // 3)
        self.answer(task.answer)
        self.now_ns += self.chance.ns(PEOPLE_THINK_SECONDS, 0.8)

    def ask(self, prompt: str) -> None:
        raise NotImplementedError

    def call(self, tokens_out: int) -> None:
        raise NotImplementedError

    def use(self, step: Step) -> None:
        raise NotImplementedError

    def answer(self, text: str) -> None:
        raise NotImplementedError


class _Claude(_Session):
    def __init__(self, chance: Chance, begin_ns: int) -> None:
        super().__init__(chance, begin_ns)
        self.model = chance.choice(MODELS)
        self.prompt_id = ""

    def ask(self, prompt: str) -> None:
        self.prompt_id = self.chance.uuid()
        self._say("user_prompt", prompt=prompt, prompt_length=str(len(prompt)))

    def call(self, tokens_out: int) -> None:
        while self.chance.is_rare(0.08):
            self.now_ns += self.chance.ns(1.5)
            self._say(
                "api_error", model=self.model, status_code="529", attempt="1",
                error='529 {"type":"overloaded_error","message":"Overloaded"}',
                duration_ms=str(self.chance.randrange(400, 2_500)), request_id=None,
            )  # fmt: skip
            self.now_ns += self.chance.ns(4)
        taken = self.chance.ns(1.2 + tokens_out / 70)
        self.now_ns += taken
        fresh, write = self.chance.randrange(3, 40), self.chance.randrange(200, 2_400)
        per_in, per_out = DOLLARS[self.model]
        weighed = fresh + 0.1 * self.context + 1.25 * write
        cost = (weighed * per_in + tokens_out * per_out) / 1_000_000
        self._say(
            "api_request", model=self.model, cost_usd=f"{cost:.6f}",
            duration_ms=str(taken // 1_000_000), input_tokens=str(fresh),
            output_tokens=str(tokens_out), cache_read_tokens=str(self.context),
            cache_creation_tokens=str(write), request_id=f"req_{self.chance.hex(24)}",
            speed="normal",
        )  # fmt: skip
        self.context += write

    def use(self, step: Step) -> None:
        call = f"toolu_{self.chance.hex(24)}"
        arguments = otlp.written(step.arguments)
        refused = step.failure == REJECTED
        self.now_ns += self.chance.ns(6 if refused else 0.02)
        self._say(
            "tool_decision", tool_name=step.tool, tool_use_id=call,
            decision="reject" if refused else "accept",
            source="user_reject" if refused else "config",
        )  # fmt: skip
        if refused:
            return
        taken = self.chance.ns(step.seconds)
        self.now_ns += taken
        self._say(
            "tool_result", tool_name=step.tool, tool_use_id=call,
            success="false" if step.failure else "true", duration_ms=str(taken // 1_000_000),
            tool_input=arguments, output=step.result, error=step.failure,
            tool_result_size_bytes=str(len(step.result)),
        )  # fmt: skip

    def answer(self, text: str) -> None:
        self.now_ns += SECOND_NS // 50
        self._say("assistant_response", response=text, model=self.model)

    def _say(self, event: str, **given: Any) -> None:
        known = {
            "event.name": event,
            "event.timestamp": _iso(self.now_ns),
            "event.sequence": len(self.records) + 1,
            "session.id": self.session,
            "prompt.id": self.prompt_id,
            "user.email": self.user,
            "terminal.type": "xterm-256color",
        }
        body = {"body": otlp.value(f"claude_code.{event}")}
        self.records.append(otlp.log(self.now_ns, "", known | given, **body))


class _Codex(_Session):
    MODEL = "gpt-5.1-codex"

    def ask(self, prompt: str) -> None:
        if not self.records:
            self._say("codex.conversation_starts", approval_policy="on-request")
        self._say("codex.user_prompt", prompt=prompt, prompt_length=str(len(prompt)))

    def call(self, tokens_out: int) -> None:
        self.now_ns += self.chance.ns(1.0 + tokens_out / 60)
        reasoning = self.chance.randrange(0, 200)
        self._say(
            "codex.sse_event",
            **{"event.kind": "response.completed"},
            input_token_count=str(self.context),
            output_token_count=str(tokens_out + reasoning),
            cached_token_count=str(self.context * 4 // 5),
            reasoning_token_count=str(reasoning),
        )
        self.context += tokens_out

    def use(self, step: Step) -> None:
        call = f"call_{self.chance.hex(20)}"
        tool = "exec_command" if step.tool == "Bash" else step.tool.lower()
        refused = step.failure == REJECTED
        self._say(
            "codex.tool_decision", tool_name=tool, call_id=call,
            decision="denied" if refused else "approved", source="User" if refused else "Config",
        )  # fmt: skip
        if refused:
            return
        taken = self.chance.ns(step.seconds)
        self.now_ns += taken
        self._say(
            "codex.tool_result", tool_name=tool, call_id=call, duration_ms=str(taken // 1_000_000),
            success="false" if step.failure else "true", arguments=otlp.written(step.arguments),
            output=step.result or step.failure or "",
        )  # fmt: skip

    def answer(self, text: str) -> None:
        """Codex does not send what the model answered."""

    def _say(self, event: str, **given: Any) -> None:
        known = {
            "event.name": event,
            "event.timestamp": _iso(self.now_ns),
            "conversation.id": self.session,
            "user.email": self.user,
            "model": self.MODEL,
            "slug": self.MODEL,
        }
        self.now_ns += SECOND_NS // 1_000
        record = otlp.log(self.now_ns, "", known | given, severityNumber=9, severityText="INFO")
        self.records.append(record)


def _iso(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03d}Z"


def sessions(
    chance: Chance, scripts: tuple[tuple[Task, ...], ...], begins: list[int]
) -> Iterator[Mapping[str, Any]]:
    """An export for each beginning, of either agent."""
    for begin_ns in begins:
        told = codex if chance.is_rare(0.35) else claude
        yield told(chance, chance.choice(scripts), begin_ns)[0]
