"""Why cProfile's counts differ from the true ones: the parts of each count.

cProfile counts how often a function was entered. A generator is entered at its start and again at each
resumption, and a recursive function also from within itself. The rest are calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Dict, List, Optional, Sequence, Set, Tuple

from nutrace.analysis.function_kinds import Kind, kind_of
from nutrace.analysis.profile_file import Counted
from nutrace.analysis.profile_match import match
from nutrace.analysis.profile_reasons import Parts, alone, inside_copying, time_differs, together
from nutrace.analysis.traced_functions import Traced, traced_functions
from nutrace.trace import Trace

_LEAST_S = 1e-3  # shorter times say nothing about a ratio
_COPYING = ("deepcopy", "copy", "replace", "__init__", "<module>")  # functions of copy.py that others call


@dataclass(frozen=True)
class Row:
    """One function of a profile.

    ``traced`` is the same function in the trace, if it is there; ``reasons`` has a sentence for each
    difference.
    """

    counted: Counted
    kind: Kind
    parts: Parts
    traced: Optional[Traced]
    reasons: Tuple[str, ...]

    @property
    def is_calls(self) -> bool:
        """Whether the count is the number of calls."""
        return self.parts.calls == self.counted.count


@dataclass(frozen=True)
class Reconciliation:
    """A profile compared with a trace, or read alone.

    Attributes
    ----------
    functions, counted:
        The rows of the whole profile, and the sum of their counts.
    known:
        Functions that are in the trace as well. Those whose count is not the number of calls come first,
        in the order of how far it is off.
    alone:
        Functions that are in the profile only, and whose count is not the number of calls; in the same
        order.
    unreadable:
        Functions entered more than once whose kind is unknown, as their source is not here.
    time_ratio:
        cProfile's time divided by the trace's, the median over the functions in both; None without any.
    """

    functions: int
    counted: int
    known: Tuple[Row, ...]
    alone: Tuple[Row, ...]
    unreadable: int
    time_ratio: Optional[float]


def reconcile(profile: Sequence[Counted], trace: Optional[Trace] = None) -> Reconciliation:
    """Divide each count of a profile into its parts.

    To know which functions are generators, the source files that the profile names are read, if they are
    here.

    Parameters
    ----------
    profile:
        Its rows.
    trace:
        A run of the same program; without one, the profile is read alone.
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
        counted, calls = row.counted, row.parts.calls
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
    """The row of a function that is in the trace as well; `same` says whether on the same line."""
    kind = Kind.GENERATOR if traced.yielded else kind_of(counted.file, counted.line, counted.name)
    within = traced.calls + traced.nested
    if traced.gave is not None and (kind is Kind.FUNCTION or counted.count <= within):
        parts = Parts(traced.calls, 0, traced.nested, unexplained=counted.count - within)
    elif kind is Kind.COROUTINE:
        parts = Parts(traced.calls, counted.count - traced.calls, 0)
    elif kind is Kind.CONTEXT_MANAGER:
        # The calls in the trace are with-blocks, and each enters the function twice.
        recursion = 2 * traced.nested
        rest = counted.count - 2 * traced.calls - recursion
        parts = Parts(traced.calls, traced.calls, recursion, rest)
    elif kind is Kind.GENERATOR:
        # If a generator returns a generator, it is a decorated one: its resumptions are those of both.
        resumptions = traced.yielded + (traced.gave or 0)
        rest = counted.count - traced.calls - resumptions - traced.nested
        parts = Parts(traced.calls, resumptions, traced.nested, rest)
    else:
        parts = Parts(
            traced.calls, 0, counted.count - counted.primitive, unexplained=counted.primitive - traced.calls
        )
    reasons = together(counted, traced, kind, parts)
    if not same:
        reasons.append(f"begins on line {traced.line} in the run: another version of the file")
    reasons += time_differs(counted, traced, ratio)
    return Row(counted, kind, parts, traced, tuple(reasons))


def _with_helpers(row: Row, copying: Set[str], helpers: Sequence[Counted]) -> Row:
    """Explain the rows of copy.py's helpers once, at the row of copy.deepcopy."""
    if row.counted.name != "deepcopy" or row.counted.file not in copying:
        return row
    return replace(row, reasons=(*row.reasons, *inside_copying(helpers)))


def _alone(counted: Counted, copying: Set[str]) -> Row:
    # A function that was entered once was called once, whatever its kind. Functions written in C are
    # always called, even from inside themselves, as hash() of a tuple of tuples is.
    plain = counted.count <= 1 or counted.file == "~" or counted.file in copying
    kind = Kind.FUNCTION if plain else kind_of(counted.file, counted.line, counted.name)
    recursion = counted.count - counted.primitive if counted.file != "~" else 0
    if kind is Kind.CONTEXT_MANAGER and not recursion:
        half = (counted.count + 1) // 2
        parts = Parts(half, counted.count - half, 0)
    elif kind is Kind.FUNCTION or (kind is Kind.UNKNOWN and not recursion):
        parts = Parts(counted.count - recursion, 0, recursion)
    else:
        parts = Parts(None, None, None)
    return Row(counted, kind, parts, None, tuple(alone(counted, kind, parts)))


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
