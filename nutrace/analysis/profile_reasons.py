"""The parts of a profile's count, and one sentence for each difference from the number of calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from nutrace.analysis.function_kinds import Kind
from nutrace.analysis.profile_file import Counted
from nutrace.analysis.traced_functions import Traced

_OUT_OF_LINE = 1.5  # a ratio of times that differs from the median by this factor gets a sentence
_LEAST_S = 0.01


@dataclass(frozen=True)
class Parts:
    """The parts of a count, which sum to it; ``None`` where a profile alone cannot tell.

    Attributes
    ----------
    calls:
        Calls from outside the function.
    resumptions:
        How often a generator went on after a value that it had yielded.
    recursion:
        Calls from within the function itself.
    unexplained:
        The rest, if the profiled run and the traced run did not do the same.
    """

    calls: Optional[int]
    resumptions: Optional[int]
    recursion: Optional[int]
    unexplained: int = 0


def together(counted: Counted, traced: Traced, kind: Kind, parts: Parts) -> List[str]:
    """Why the count of a function that is in the trace is not the number of its calls."""
    reasons = []
    total = counted.count
    if parts.calls != total:
        sum_ = " + ".join(_terms(parts, kind))
        meaning = _meaning(counted, traced, kind, parts)
        reasons.append(f"{total:,} = {sum_}" + (f": {meaning}" if meaning else ""))
    if parts.unexplained:
        reasons.append(_unexplained(counted, traced, parts))
    if traced.gave is not None and not parts.resumptions:
        reasons.append(
            "returns generators of another function, counted there; its time in the run includes theirs"
        )
    return reasons


def _terms(parts: Parts, kind: Kind) -> List[str]:
    of_itself = "recursive calls" if kind is not Kind.CONTEXT_MANAGER else "entries within itself"
    calls = "root calls" if parts.recursion else "calls"
    terms = [_plural(parts.calls or 0, calls)]
    if parts.resumptions:
        terms.append(_plural(parts.resumptions, "resumptions"))
    if parts.recursion:
        terms.append(_plural(parts.recursion, of_itself))
    if parts.unexplained:
        terms.append(f"({parts.unexplained:,})" if parts.unexplained < 0 else f"{parts.unexplained:,} more")
    return terms


def _meaning(counted: Counted, traced: Traced, kind: Kind, parts: Parts) -> str:
    if kind is Kind.CONTEXT_MANAGER:
        return "a context manager is entered once before and once after its with-block"
    if kind is Kind.COROUTINE:
        return "a coroutine is entered again after each wait"
    calls = traced.calls + traced.nested
    if traced.yielded and calls:
        each = traced.yielded / calls
        if traced.yielded % calls == 0:
            number = int(each)
            return f"a generator that yields {_plural(number, 'values')} is counted {_times(number + 1)}"
        return f"a generator is counted once more than it yields values, here {each:,.1f} on average"
    if parts.recursion:
        return _recursion(counted)
    return ""


def _recursion(counted: Counted) -> str:
    if counted.name == "deepcopy":
        return "copying one object calls deepcopy again for every object inside it"
    return "the function calls itself, directly or through others"


def _unexplained(counted: Counted, traced: Traced, parts: Parts) -> str:
    gap = parts.unexplained
    if gap < 0 and -gap <= traced.abandoned:
        given_up = _plural(traced.abandoned, "generators")
        return f"{given_up} abandoned before the end: not entered a last time, so counted once less"
    if gap < 0 and -gap == traced.elsewhere:
        return f"{-gap:,} were in threads or processes other than the one that cProfile was started in"
    if gap > 0 and traced.given:
        return f"{gap:,} more than probes saw: it was called by others as well, or was never iterated over"
    more = "more" if gap > 0 else "fewer"
    return f"{abs(gap):,} {more} than in the run: the two runs did not do the same here"


def alone(counted: Counted, kind: Kind, parts: Parts) -> List[str]:
    """What a profile alone tells about a count that is not the number of calls."""
    total = counted.count
    if kind is Kind.GENERATOR:
        return [f"a generator: {total:,} = calls + resumptions, N + 1 for a call that yields N values"]
    if kind is Kind.COROUTINE:
        return [f"a coroutine: {total:,} = calls + one for each time that it went on after a wait"]
    if kind is Kind.CONTEXT_MANAGER and parts.calls is not None:
        return [
            f"a context manager, entered twice for each with-block: {_plural(parts.calls, 'with-blocks')}"
        ]
    if kind is Kind.CONTEXT_MANAGER:
        return [f"a context manager: {total:,} = two entries for each with-block"]
    if kind is Kind.UNKNOWN and parts.calls is None:
        inner = total - counted.primitive
        return [
            f"{total:,} = {counted.primitive:,} entries from outside + {inner:,} from within itself; "
            "without its source it is unknown whether some are resumptions"
        ]
    if parts.recursion:
        terms = f"{_plural(parts.calls or 0, 'root calls')} + {_plural(parts.recursion, 'recursive calls')}"
        return [f"{total:,} = {terms}: {_recursion(counted)}"]
    return []


def time_differs(counted: Counted, traced: Traced, ratio: Optional[float]) -> List[str]:
    """A sentence if the ratio of the two times is far from that of the other functions."""
    ours_s = traced.total_ns / 1e9
    if traced.gave is not None or ratio is None or ratio <= 0 or max(ours_s, counted.cumulative_s) < _LEAST_S:
        return []
    if ours_s <= 0 or counted.cumulative_s <= 0:
        return ["its time is 0 in the profile or in the run"]
    own = counted.cumulative_s / ours_s
    why = ""
    if own > _OUT_OF_LINE * ratio:
        why = "many short calls lie inside, and cProfile adds time to each"
    elif own * _OUT_OF_LINE < ratio and traced.given:
        why = "in the run it includes the calls that returned the generators"
    elif own * _OUT_OF_LINE < ratio:
        why = "few calls that cProfile adds time to lie inside, or the run was slower here"
    if not why:
        return []
    return [
        f"its time is {own:,.2f} times that in the run, for all functions it is {ratio:,.2f} times: {why}"
    ]


def inside_copying(helpers: Sequence[Counted]) -> List[str]:
    """A sentence on the functions of copy.py that only copy.py calls."""
    if not helpers:
        return []
    largest = sorted(helpers, key=lambda row: -row.count)
    named = ", ".join(f"{row.name} {row.count:,}" for row in largest[:4])
    more = f" and {len(largest) - 4} more" if len(largest) > 4 else ""
    return [f"copy.py's helpers run inside these and copy nothing of their own: {named}{more}"]


def _plural(number: int, things: str) -> str:
    return f"{number:,} {things[:-1] if number == 1 else things}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
