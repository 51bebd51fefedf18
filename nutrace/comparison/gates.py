"""Gates: limits that the figures of a comparison must keep, as ``--fail-if`` states them."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.comparison.headline import GAP_CLOSED, gap_closed_figure
from nutrace.comparison.result import Comparison, Judged, Kind, Verdict, path_figure
from nutrace.errors import UsageError
from nutrace.printable import printable

#: A time that was measured in fewer runs a side is never judged.
FEWEST_RUNS = 5
_CLOSE = 5
_DIGITS = 9

_EXAMPLE = "'steps.p50_ms > +3%', 'database.statements_per_step > +0' or 'steps.p95_ms > 100'"
#: The last operator of the text counts: span names may have others.
_FORM = re.compile(
    r"\s*(?P<figure>.+)(?<![<>])(?P<operator>>=|<=|>|<)\s*(?P<limit>[+-]?\s*\d+(\.\d+)?)\s*(?P<percent>%?)\s*\Z"
)
_LONGEST = 200


class Of(Enum):
    """What a limit is compared with."""

    SHARE = "the change, in percent of the base"
    CHANGE = "the change, in the figure's unit"
    VALUE = "the figure of the new side"


@dataclass(frozen=True)
class Gate:
    """A condition under which the comparison fails.

    ``limit`` is a share for :attr:`Of.SHARE` (0.03 for 3 %), else in the figure's unit.
    """

    text: str
    figure: str
    operator: str
    limit: float
    of: Of


class Outcome(str, Enum):
    """Whether a gate's condition holds: if so, the comparison has failed."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    UNKNOWN = "cannot be judged"


@dataclass(frozen=True)
class GateResult:
    """What a gate says of a comparison.

    Attributes
    ----------
    value, low, high:
        What was compared with the limit, in its unit, and the interval of 95 %; None if unknown. A count has
        no interval. Of a time, it is the change that is tested.
    reason:
        Why it cannot be judged; empty if it can.
    runs_needed:
        How many more runs a side would probably decide; None if unknown.
    """

    gate: Gate
    outcome: Outcome
    value: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    reason: str = ""
    runs_needed: Optional[int] = None


def parse_gate(text: str) -> Gate:
    """Read ``FIGURE OPERATOR LIMIT``.

    Raises
    ------
    UsageError
        If the text has another form.
    """
    match = _FORM.match(text) if len(text) <= 10_000 else None
    if match is None:
        raise UsageError(f"cannot read --fail-if {printable(text, _LONGEST)!r}: write {_EXAMPLE}")
    words = match["limit"].replace(" ", "")
    signed, percent = words[0] in "+-", bool(match["percent"])
    if percent and not signed:
        raise UsageError(
            f"--fail-if {printable(text, _LONGEST)!r}: a limit in percent is a change and needs its sign: "
            f"{match['operator']} +{words}%"
        )
    limit = float(words) / (100 if percent else 1)
    of = Of.SHARE if percent else Of.CHANGE if signed else Of.VALUE
    return Gate(" ".join(text.split()), match["figure"].strip(), match["operator"], limit, of)


def gate_figures(comparison: Comparison) -> Dict[str, Judged]:
    """Every figure that a gate can name: those judged, statements, span paths, and the gap closed."""
    figures = {judged.figure: judged for judged in comparison.judged}
    figures.update((each.figure, each) for statement in comparison.statements for each in statement.figures)
    for path in comparison.paths:
        base, tested = path.base_ms_per_step, path.tested_ms_per_step
        known = base > 0
        name = path_figure(path.path, "self_ms_per_step")
        figures[name] = Judged(
            name,
            Kind.TIME,
            base,
            path.new_ms_per_step,
            path.change_ms_per_step / base if known else None,
            path.low / base if known and path.low is not None else None,
            path.high / base if known and path.high is not None else None,
            path.verdict,
            difference_low=None if known else path.low,
            difference_high=None if known else path.high,
            tested=tested / base if known and tested is not None else None,
            tested_of=path.tested_of,
        )
        figures[path.calls.figure] = path.calls
    gap = gap_closed_figure(comparison)
    return figures if gap is None else {**figures, gap.figure: gap}


def judge(gates: Sequence[Gate], comparison: Comparison) -> List[GateResult]:
    """Judge every gate.

    Raises
    ------
    UsageError
        If a gate names a figure that this comparison does not have.
    """
    figures = gate_figures(comparison)
    for gate in gates:
        if gate.figure not in figures:
            raise UnknownFigureError(gate.figure, list(figures))
    return [_judged(gate, figures[gate.figure], comparison) for gate in gates]


class UnknownFigureError(UsageError):
    """A gate names no figure of the comparison; `known` has those that it could, the most similar first."""

    def __init__(self, figure: str, known: List[str]) -> None:
        close = difflib.get_close_matches(figure, known, n=_CLOSE, cutoff=0.4)
        self.known = close + sorted(set(known) - set(close))
        named = ", ".join(printable(name, _LONGEST) for name in self.known[:_CLOSE])
        hint = "did you mean" if close else "some that there are:"
        super().__init__(f"--fail-if: no figure {printable(figure, _LONGEST)!r}: {hint} {named}")


def _judged(gate: Gate, figure: Judged, comparison: Comparison) -> GateResult:
    base, new = figure.base, figure.new
    if new is None or (base is None and gate.of is not Of.VALUE):
        side = "new" if new is None else "base"
        return GateResult(gate, Outcome.UNKNOWN, reason=f"the {side} side does not have this figure")
    if figure.kind is Kind.COUNT:
        value = _exact(gate, base, new)
        if figure.varies and figure.verdict is Verdict.UNDECIDED:
            return GateResult(
                gate, Outcome.UNKNOWN, value, reason="this count differs among the runs of a side as well"
            )
        holds = _passed(gate.operator, value, gate.limit)
        return GateResult(gate, Outcome.HOLDS if holds else Outcome.DOES_NOT_HOLD, value)
    return _time(gate, figure, new, comparison)


def _exact(gate: Gate, base: Optional[float], new: float) -> float:
    if gate.of is Of.VALUE or base is None:
        return new
    # Counts per step are quotients: what is left of them beyond these digits is rounding.
    if gate.of is Of.CHANGE:
        return round(new - base, _DIGITS)
    if base:
        return round((new - base) / base, _DIGITS)
    return math.copysign(math.inf, new) if new else 0.0


def _time(gate: Gate, figure: Judged, new: float, comparison: Comparison) -> GateResult:
    runs = min(comparison.base.runs, comparison.new.runs)
    value, low, high = _scaled(gate, figure, new)
    result = GateResult(gate, Outcome.UNKNOWN, value, low, high)
    if runs < FEWEST_RUNS:
        reason = f"a time needs {FEWEST_RUNS} runs a side, and a side has {runs}"
        shown = replace(figure, tested=figure.change, low=None, high=None)
        return replace(result, value=_scaled(gate, shown, new)[0], low=None, high=None, reason=reason)
    if value is None or low is None or high is None:
        return replace(result, reason="the change of this time has no interval")
    nearest, farthest = (low, high) if gate.operator[0] == ">" else (high, low)
    holds = _passed(gate.operator, nearest, gate.limit)
    if holds or not _passed(gate.operator, farthest, gate.limit):
        if _is_drift(comparison.drift, gate, holds):
            reason = "the machine seems to have changed between the sides: interleave them (nutrace bench)"
            return replace(result, reason=reason)
        return replace(result, outcome=Outcome.HOLDS if holds else Outcome.DOES_NOT_HOLD)
    return replace(
        result,
        reason="the limit lies within the interval",
        runs_needed=_runs_needed(value, low, high, gate.limit, runs),
    )


def _is_drift(drift: Optional[Verdict], gate: Gate, holds: bool) -> bool:
    """Whether a machine that became slower, or faster, may be why a time is, or is not, beyond a limit."""
    above = holds == (gate.operator[0] == ">")
    became_slower = above != (gate.figure == GAP_CLOSED)
    return drift is (Verdict.SLOWER if became_slower else Verdict.FASTER)


def _scaled(
    gate: Gate, figure: Judged, new: float
) -> Tuple[Optional[float], Optional[float], Optional[float]]:
    """The value and its interval in the unit of the limit."""
    base, tested, low, high = figure.base, figure.tested, figure.low, figure.high
    if figure.figure == GAP_CLOSED:
        return (new, low, high) if gate.of is not Of.SHARE else (None, None, None)
    if base is not None and figure.difference_low is not None and figure.difference_high is not None:
        return _came_up(gate, new - base, figure.difference_low, figure.difference_high)
    if tested is None or base is None:
        return (None if gate.of is not Of.VALUE else new), None, None
    if gate.of is Of.SHARE:
        return tested, low, high
    middle = new if gate.of is Of.VALUE else tested * base
    if low is None or high is None:
        return middle, None, None
    return middle, middle + (low - tested) * base, middle + (high - tested) * base


def _came_up(
    gate: Gate, value: float, low: float, high: float
) -> Tuple[Optional[float], Optional[float], Optional[float]]:
    """A time that the base does not have: its new side, its change, and more than any share."""
    if gate.of is not Of.SHARE:
        return value, low, high
    return (math.inf, math.inf, math.inf) if low > 0 else (None, None, None)


def _passed(operator: str, value: float, limit: float) -> bool:
    if operator == ">":
        return value > limit
    if operator == ">=":
        return value >= limit
    return value < limit if operator == "<" else value <= limit


def _runs_needed(value: float, low: float, high: float, limit: float, runs: int) -> Optional[int]:
    """More runs a side until the limit lies outside: an interval shrinks with the root of their number."""
    distance = abs(value - limit)
    if not distance:
        return None
    reach = high - value if limit > value else value - low
    return max(1, math.ceil(round(runs * (reach / distance) ** 2, _DIGITS)) - runs)
