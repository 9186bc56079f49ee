"""Times as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time as people read it; estimates have no more digits than these."""
    if seconds < 0.001:  # noqa: PLR2004  (a millisecond)
        return "< 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004  (a minute)
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min"
