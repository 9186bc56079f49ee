"""What was seen and cannot be written: each is one sentence on standard error."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field


@dataclass
class Sayings:
    """The sentences of one comparison, each once."""

    sentences: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Keep a sentence for the end, unless it was said."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def tell(self) -> None:
        """Write all of them."""
        for sentence in self.sentences:
            print(sentence, file=sys.stderr)  # noqa: T201
