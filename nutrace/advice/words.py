"""Figures and places in the sentences of findings."""

from __future__ import annotations

from nutrace.analysis.origins import Caller, Origin
from nutrace.sql.summary import summary

_STATEMENT = 60  # characters


def ms(time_ns: float) -> str:
    """A time in milliseconds."""
    value = time_ns / 1e6
    return f"{value:,.0f} ms" if value >= 100 else f"{value:,.1f} ms" if value >= 1 else f"{value:.3f} ms"


def mb(size: float) -> str:
    """A number of bytes in megabytes."""
    return f"{size / 1e6:,.1f} MB"


def count(number: float, what: str) -> str:
    """A number of things, whole or with a fraction."""
    text = f"{number:,.0f}" if number == round(number) or number >= 10 else f"{number:,.2f}"
    return f"{text} {what if text == '1' else what + 's'}"


def place(caller: Caller) -> str:
    """Function and line of a caller."""
    function = ".".join(caller.function.split(".")[-2:])
    file = "/".join(caller.file.split("/")[-2:])
    return f"{function} ({file}:{caller.line})" if function else "an unknown caller"


def origin(of: Origin) -> str:
    """Where a statement comes from: the span around it, or its caller."""
    return of.path[-1] if of.path else place(of.caller)


def statement(text: str, digest: str) -> str:
    """A statement in a few words."""
    return summary(text, _STATEMENT) or digest
