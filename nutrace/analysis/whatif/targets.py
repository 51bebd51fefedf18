"""What may take another time: ``planner=0.8``, ``span:planner.compute=50%``, ``statement:lidar=0``."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Dict, Iterator, List, Sequence, Tuple

from nutrace.analysis.executions import batches
from nutrace.errors import UsageError, did_you_mean
from nutrace.printable import printable
from nutrace.sql.summary import summary
from nutrace.trace import Trace

_KINDS = ("component", "span", "statement")
_MOST_NAMES = 12  # that a message lists
_NAME = 60  # characters of one
_LARGEST = 1000.0


@dataclass(frozen=True)
class Target:
    """A component, a kind of span or statements, and the part of its time that it is to take.

    ``kind`` is ``component``, ``span`` or ``statement``.
    """

    kind: str
    name: str
    fraction: float

    def __str__(self) -> str:
        return self.name if self.kind == "component" else f"{self.kind}:{self.name}"


def parse_target(text: str) -> Target:
    """Read ``NAME=FRACTION``; a name without ``component:``, ``span:`` or ``statement:`` is a component's.

    Raises
    ------
    UsageError
        If it is written in another way, or the fraction is negative or above 1000.
    """
    name, equals, fraction = text.rpartition("=")
    kind, colon, rest = name.partition(":")
    if not colon or kind not in _KINDS:
        kind, rest = "component", name
    value = _fraction(fraction)
    if not equals or not rest or value < 0:
        raise UsageError(
            f"bad change {printable(text, _NAME)}: write component=0.8, span:NAME=50% or statement:TEXT=0.5, "
            "the part of its time that it is to take"
        )
    return Target(kind, rest, value)


def _fraction(text: str) -> float:
    """A number, -1 if it is none or out of bounds."""
    text = text.strip()
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return -1.0
    return value if 0 <= value <= _LARGEST else -1.0


@dataclass(frozen=True)
class Matched:
    """The spans of a target whose self time changes, and the statements that it names, by their texts."""

    target: Target
    spans: array[int]
    statements: Tuple[str, ...] = ()


def match(trace: Trace, targets: Sequence[Target]) -> List[Matched]:
    """Find what the targets name.

    A component and a statement have their self time, a span has all that lies below it on its thread, too.

    Raises
    ------
    UsageError
        If the run has no such component, span or statement: the message lists some that it has.
    """
    return [_FINDERS[target.kind](trace, target) for target in targets]


def _component(trace: Trace, target: Target) -> Matched:
    spans = array("q", (span for span, name in enumerate(trace.component) if name == target.name))
    if not spans:
        hint = f"; for the span of that name write span:{target.name}" if target.name in trace.name else ""
        raise _unknown(target, "component", _by_time(trace, trace.component), hint)
    return Matched(target, spans)


def _span(trace: Trace, target: Target) -> Matched:
    spans = array("q", _subtrees(trace, target.name))
    if not spans:
        raise _unknown(target, "span", _by_time(trace, trace.name))
    return Matched(target, spans)


def _subtrees(trace: Trace, name: str) -> Iterator[int]:
    """The spans of a name, and what is nested in them."""
    inside = bytearray(len(trace))
    for span, named in enumerate(trace.name):
        if named == name or (trace.nested(span) and inside[trace.parent[span]]):
            inside[span] = 1
            yield span


def _statement(trace: Trace, target: Target) -> Matched:
    texts: Dict[str, str] = {}
    spans: Dict[str, List[int]] = {}
    for batch in batches(trace):
        texts[batch.statement] = texts.get(batch.statement) or batch.text
        spans.setdefault(batch.statement, []).append(batch.span)
    wanted = target.name.lower()
    named = [
        digest for digest, text in texts.items() if wanted in text.lower() or digest.startswith(target.name)
    ]
    if not named:
        hashes = sorted(texts, key=lambda digest: -sum(trace.busy_ns[span] for span in spans[digest]))
        raise _unknown(target, "statement", [summary(texts[digest], _NAME) or digest for digest in hashes])
    matched = array("q", sorted({span for digest in named for span in spans[digest]}))
    return Matched(target, matched, tuple(texts[digest] or digest for digest in named))


_FINDERS = {"component": _component, "span": _span, "statement": _statement}


def _by_time(trace: Trace, names: Sequence[str]) -> List[str]:
    """The different names, those with the most self time first."""
    times: Dict[str, int] = {}
    for name, own in zip(names, trace.self_ns):
        times[name] = times.get(name, 0) + own
    return sorted(times, key=lambda name: (-times[name], name))


def _unknown(target: Target, kind: str, names: Sequence[str], hint: str = "") -> UsageError:
    listed = ", ".join(printable(name, _NAME) for name in names[:_MOST_NAMES]) or "none"
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    what = f"that has {printable(target.name, _NAME)} in its text" if kind == "statement" else ""
    what = what or f"called {printable(target.name, _NAME)}"
    near = "" if hint else did_you_mean(target.name, (printable(name, _NAME) for name in names))
    return UsageError(f"this run has no {kind} {what}{hint}; it has: {listed}{more}{near}")
