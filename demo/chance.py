"""Chance with a seed: the same seed makes the same three days."""

from __future__ import annotations

import random
import uuid

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS


class Chance(random.Random):
    """A source of ids, times and numbers."""

    def uuid(self) -> str:
        """An id as agents make them."""
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def hex(self, digits: int) -> str:
        """So many hex digits."""
        return f"{self.getrandbits(digits * 4):0{digits}x}"

    def ns(self, seconds: float, spread: float = 0.4) -> int:
        """About so many seconds, in nanoseconds."""
        return int(seconds * SECOND_NS * self.uniform(1 - spread, 1 + spread))

    def is_rare(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random() < share
