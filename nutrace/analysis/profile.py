"""Why cProfile's counts differ from the true ones: each count, and what it is made of.

cProfile counts how often a function was entered. A generator is entered at its start and at each
resumption; a recursive function from within itself as well. What remains is calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Dict, List, Optional, Sequence, Set, Tuple

from nutrace.analysis.function_kinds import Kind, kind_of
from nutrace.analysis.profile_file import Counted
from nutrace.analysis.profile_match import match
from nutrace.analysis.profile_reasons import alone, inside_copying, time_differs, together
from nutrace.analysis.traced_functions import Traced, traced_functions
from nutrace.trace import Trace

_LEAST_S = 1e-3  # shorter times are no basis for a ratio
_COPYING = ("deepcopy", "copy", "replace", "__init__", "<module>")  # of copy.py, for others to call


@dataclass(frozen=True)
class Made:
    """What a count is made of; the parts sum to it. ``None``: a profile alone cannot tell.

    Attributes
    ----------
    calls:
        From outside the function.
    resumptions:
        Of generators, after each value they yielded.
    recursion:
        Calls from within the function itself.
    unexplained:
        The rest: what the two runs did not do alike, if they were not the same.
    """

    calls: Optional[int]
    resumptions: Optional[int]
    recursion: Optional[int]
    unexplained: int = 0


@dataclass(frozen=True)
class Row:
    """One function of a profile.

    ``traced`` is what the trace knows of it; ``reasons`` has a sentence for each difference.
    """

    counted: Counted
    kind: Kind
    made: Made
    traced: Optional[Traced]
    reasons: Tuple[str, ...]

    @property
    def is_calls(self) -> bool:
        """Whether the count is the number of calls."""
        return self.made.calls == self.counted.count


@dataclass(frozen=True)
class Reconciliation:
    """A profile held against a trace, or read alone.

    Attributes
    ----------
    functions, counted:
        Of the whole profile: rows, and the sum of their counts.
    known:
        The functions that the trace knows as well; first those whose count is not calls, the
        largest excess first.
    alone:
        Functions that only the profile knows and whose count is not calls, likewise.
    unreadable:
        Functions counted more than once whose source is not here, so that their kind is not known.
    time_ratio:
        cProfile's times over the trace's, the median of the functions known; None without any.
    """

    functions: int
    counted: int
    known: Tuple[Row, ...]
    alone: Tuple[Row, ...]
    unreadable: int
    time_ratio: Optional[float]


def reconcile(profile: Sequence[Counted], trace: Optional[Trace] = None) -> Reconciliation:
    """Say what each count of a profile is made of.

    Source files that the profile names are read, if they are here, to know the generators.
    """
    copying = _copy_files(profile)
    matches: Dict[int, Tuple[Traced, bool]] = {}
    if trace is not None:
        matches = match(profile, traced_functions(trace), copying)
    ratio = _time_ratio([(profile[row], traced) for row, (traced, _) in matches.items()])
    known = [_known(profile[row], traced, same, ratio) for row, (traced, same) in matches.items()]
    unknown = [_alone(row, copying) for at, row in enumerate(profile) if at not in matches]
    helpers = [row for row in profile if row.file in copying and row.name not in _COPYING]
    known, unknown = ([_with_helpers(row, copying, helpers) for row in rows] for rows in (known, unknown))
    unknown = [row for row in unknown if row.counted not in helpers]
    return Reconciliation(
        functions=len(profile),
        counted=sum(row.count for row in profile),
        known=_sorted(known),
        alone=_sorted([row for row in unknown if not row.is_calls]),
        unreadable=sum(row.kind is Kind.UNKNOWN and row.counted.count > 1 for row in unknown),
        time_ratio=ratio,
    )


def _sorted(rows: List[Row]) -> Tuple[Row, ...]:
    def order(row: Row) -> Tuple[bool, int, float, str]:
        counted, calls = row.counted, row.made.calls
        if calls is None:
            calls = counted.primitive if row.kind is Kind.UNKNOWN else 0
        return (row.is_calls, calls - counted.count, -counted.cumulative_s, counted.name)

    return tuple(sorted(rows, key=order))


def _copy_files(profile: Sequence[Counted]) -> Set[str]:
    """The files that are the standard library's copy.py."""
    names: Dict[str, Set[str]] = {}
    for row in profile:
        if row.file.replace("\\", "/").rpartition("/")[2] == "copy.py":
            names.setdefault(row.file, set()).add(row.name)
    return {file for file, known in names.items() if "deepcopy" in known or "_reconstruct" in known}


def _known(counted: Counted, traced: Traced, same: bool, ratio: Optional[float]) -> Row:
    """A function that the trace knows as well; `same`: on the same line."""
    kind = Kind.GENERATOR if traced.yielded else kind_of(counted.file, counted.line, counted.name)
    within = traced.calls + traced.nested
    if traced.gave is not None and (kind is Kind.FUNCTION or counted.count <= within):
        made = Made(traced.calls, 0, traced.nested, unexplained=counted.count - within)
    elif kind is Kind.COROUTINE:
        made = Made(traced.calls, counted.count - traced.calls, 0)
    elif kind is Kind.CONTEXT_MANAGER:
        # The trace has its with-blocks; each enters the function twice.
        recursion = 2 * traced.nested
        rest = counted.count - 2 * traced.calls - recursion
        made = Made(traced.calls, traced.calls, recursion, rest)
    elif kind is Kind.GENERATOR:
        # If both it and what it gave are generators a decorator's hands on what its own yields.
        parts = (traced.calls, traced.yielded + (traced.gave or 0), traced.nested)
        made = Made(*parts, unexplained=counted.count - sum(parts))
    else:
        made = Made(
            traced.calls, 0, counted.count - counted.primitive, unexplained=counted.primitive - traced.calls
        )
    reasons = together(counted, traced, kind, made)
    if not same:
        reasons.append(f"begins on line {traced.line} in the run: another version of the file")
    reasons += time_differs(counted, traced, ratio)
    return Row(counted, kind, made, traced, tuple(reasons))


def _with_helpers(row: Row, copying: Set[str], helpers: Sequence[Counted]) -> Row:
    """Say at copy.deepcopy what its helpers' rows are, instead of at each of them."""
    if row.counted.name != "deepcopy" or row.counted.file not in copying:
        return row
    return replace(row, reasons=(*row.reasons, *inside_copying(helpers)))


def _alone(counted: Counted, copying: Set[str]) -> Row:
    # A function entered once was called once, whatever it is; and what is written in C is called,
    # even if from inside itself: hash() of a tuple.
    plain = counted.count <= 1 or counted.file == "~" or counted.file in copying
    kind = Kind.FUNCTION if plain else kind_of(counted.file, counted.line, counted.name)
    recursion = counted.count - counted.primitive if counted.file != "~" else 0
    if kind is Kind.CONTEXT_MANAGER and not recursion:
        half = (counted.count + 1) // 2
        made = Made(half, counted.count - half, 0)
    elif kind is Kind.FUNCTION or (kind is Kind.UNKNOWN and not recursion):
        made = Made(counted.count - recursion, 0, recursion)
    else:
        made = Made(None, None, None)
    return Row(counted, kind, made, None, tuple(alone(counted, kind, made)))


def _time_ratio(pairs: Sequence[Tuple[Counted, Traced]]) -> Optional[float]:
    ratios = [
        counted.cumulative_s / (traced.total_ns / 1e9)
        for counted, traced in pairs
        if traced.gave is None
        and not traced.given
        and traced.total_ns / 1e9 >= _LEAST_S
        and counted.cumulative_s >= _LEAST_S
    ]
    return median(ratios) if ratios else None
