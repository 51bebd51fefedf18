"""Make text of a trace safe to write into any format.

Span names, paths and attributes come from the traced program and may hold anything: NUL, lone surrogates,
ten megabytes. Escaping for a format is left to that format.
"""

from __future__ import annotations

import re
from typing import Any

#: The longest label; a longer one is cut, and its length appended.
LIMIT_CHARS = 1000

#: Control characters, lone surrogates, no characters at all, and those that turn text around: what follows
#: one would be shown as something else than it is.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_NOT_PLAIN = re.compile("[^ -~]")


def label(text: str, limit: int = LIMIT_CHARS) -> str:
    """`text` without control characters and surrogates; a text of more than `limit` characters is cut."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text):,} characters)"
    if _NOT_PLAIN.search(text):
        text = _UNFIT.sub("\ufffd", text)
    return text or "(no name)"


def value(item: Any, limit: int = LIMIT_CHARS) -> str:
    """An attribute's value as a label; an empty one and None give ""."""
    if item is None:
        return ""
    if isinstance(item, bool):
        return "true" if item else "false"
    text = item if isinstance(item, str) else str(item)
    return label(text, limit) if text else ""


def duration(ns: float) -> str:
    """Nanoseconds for people: ``1.23 s``, ``45.6 ms``, ``789 µs``, ``12 ns``."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:,.0f} {unit}"
    return f"{ns:.0f} ns"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number of things: ``1 step``, ``1,234 steps``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def estimate(share: float, low: float, high: float) -> str:
    """A share and its interval in percent: ``about 12 % (10 to 14)``."""
    digits = 0 if 0.1 <= share <= 0.9 else 1 if share >= 0.01 else 2
    middle, least, most = (f"{100 * part:.{digits}f}" for part in (share, low, high))
    return f"about {middle} % ({least} to {most})"
