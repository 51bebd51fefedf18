"""One sentence for each difference between a profile and the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Sequence

from nutrace.analysis.function_kinds import Kind
from nutrace.analysis.profile_file import Counted
from nutrace.analysis.traced_functions import Traced

if TYPE_CHECKING:
    from nutrace.analysis.profile import Made

_OUT_OF_LINE = 1.5  # times as far from the median ratio of times: worth a sentence
_LEAST_S = 0.01


def together(counted: Counted, traced: Traced, kind: Kind, made: Made) -> List[str]:
    """Why the count of a function that a trace knows is not its calls."""
    reasons = []
    total = counted.count
    if made.calls != total:
        sum_ = " + ".join(_terms(made, kind))
        meaning = _meaning(counted, traced, kind, made)
        reasons.append(f"{total:,} = {sum_}" + (f": {meaning}" if meaning else ""))
    if made.unexplained:
        reasons.append(_unexplained(counted, traced, made))
    if traced.gave is not None and not made.resumptions:
        reasons.append("gives generators of another function, counted there; in the run its time has theirs")
    return reasons


def _terms(made: Made, kind: Kind) -> List[str]:
    of_itself = "recursive calls" if kind is not Kind.CONTEXT_MANAGER else "entries within itself"
    calls = "root calls" if made.recursion else "calls"
    terms = [_plural(made.calls or 0, calls)]
    if made.resumptions:
        terms.append(_plural(made.resumptions, "resumptions"))
    if made.recursion:
        terms.append(_plural(made.recursion, of_itself))
    if made.unexplained:
        terms.append(f"({made.unexplained:,})" if made.unexplained < 0 else f"{made.unexplained:,} more")
    return terms


def _meaning(counted: Counted, traced: Traced, kind: Kind, made: Made) -> str:
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
        return f"a generator is counted once more than it yields, here {each:,.1f} values on average"
    if made.recursion:
        return _recursion(counted)
    return ""


def _recursion(counted: Counted) -> str:
    if counted.name == "deepcopy":
        return "copying one object calls deepcopy again for every object inside it"
    return "the function calls itself, directly or through others"


def _unexplained(counted: Counted, traced: Traced, made: Made) -> str:
    gap = made.unexplained
    if gap < 0 and -gap <= traced.abandoned:
        given_up = _plural(traced.abandoned, "generators")
        return f"{given_up} given up before the end: not entered a last time, so counted once less"
    if gap < 0 and -gap == traced.elsewhere:
        return f"{-gap:,} were in other threads or processes than the one that cProfile was started in"
    if gap > 0 and traced.given:
        return f"{gap:,} more than probes saw: others call it as well, or some were dropped unused"
    more = "more" if gap > 0 else "less"
    return f"{abs(gap):,} {more} than the run has: the two runs did not do the same here"


def alone(counted: Counted, kind: Kind, made: Made) -> List[str]:
    """What a profile alone says of a count that is not calls."""
    total = counted.count
    if kind is Kind.GENERATOR:
        return [f"a generator: {total:,} = calls + resumptions, N + 1 for a call that yields N values"]
    if kind is Kind.COROUTINE:
        return [f"a coroutine: {total:,} = calls + one for each time it went on after a wait"]
    if kind is Kind.CONTEXT_MANAGER and made.calls is not None:
        return [f"a context manager, entered twice for each with-block: {_plural(made.calls, 'with-blocks')}"]
    if kind is Kind.CONTEXT_MANAGER:
        return [f"a context manager: {total:,} = two entries for each with-block"]
    if kind is Kind.UNKNOWN and made.calls is None:
        inner = total - counted.primitive
        return [
            f"{total:,} = {counted.primitive:,} entries from outside + {inner:,} from within itself; "
            "without its source nobody knows whether some are resumptions"
        ]
    if made.recursion:
        parts = f"{_plural(made.calls or 0, 'root calls')} + {_plural(made.recursion, 'recursive calls')}"
        return [f"{total:,} = {parts}: {_recursion(counted)}"]
    return []


def time_differs(counted: Counted, traced: Traced, ratio: Optional[float]) -> List[str]:
    """A sentence if cProfile's time is out of line with the other functions' times."""
    ours_s = traced.total_ns / 1e9
    if traced.gave is not None or ratio is None or ratio <= 0 or max(ours_s, counted.cumulative_s) < _LEAST_S:
        return []
    if ours_s <= 0 or counted.cumulative_s <= 0:
        return ["time: one of the two has none"]
    own = counted.cumulative_s / ours_s
    why = ""
    if own > _OUT_OF_LINE * ratio:
        why = "cProfile pays at every call, and many short ones lie inside"
    elif own * _OUT_OF_LINE < ratio and traced.given:
        why = "the run's has that of the calls that gave it"
    elif own * _OUT_OF_LINE < ratio:
        why = "few calls for cProfile to pay at lie inside, or the run was slower here"
    if not why:
        return []
    return [f"its time is {own:,.2f} times the run's, of all functions {ratio:,.2f} times: {why}"]


def inside_copying(helpers: Sequence[Counted]) -> List[str]:
    """What the functions of copy.py are that nobody calls but copy.py."""
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
