"""How figures, changes and verdicts of a comparison are written."""

from __future__ import annotations

from typing import Optional, Union

from nutrace.cli.report_style import rounded
from nutrace.cli.tones import Tone
from nutrace.comparison.gates import FEWEST_RUNS, Gate, GateResult, Of
from nutrace.comparison.result import Judged, PathChange, Verdict
from nutrace_exporters.labels import counted

UNKNOWN = "-"
_WIDEST = 3.0  # an interval of hundreds of percent says only that there are too few runs
_SHARES = ("_rate", "_share", "gap_closed")
_BETTER = (Verdict.FASTER.value, Verdict.FEWER.value)
_WORSE = (Verdict.SLOWER.value, Verdict.MORE.value)


def is_share(figure: str) -> bool:
    """Whether a figure is a share, which is shown in percent."""
    return figure.endswith(_SHARES)


def number(figure: str, value: Optional[float]) -> str:
    """A figure's value with its unit, which its name ends in."""
    if value is None:
        return UNKNOWN
    if is_share(figure):
        return f"{100 * value:.1f} %"
    if figure.endswith("_factor"):
        return f"{value:.2f}x"
    if figure.endswith("_s"):
        return f"{rounded(value)} s"
    if "_ms" in figure:
        return f"{rounded(value)} ms"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def percent(share: Optional[float]) -> str:
    """A change as a share, with its sign."""
    return UNKNOWN if share is None else f"{_signed(100 * share, 1)} %"


def interval(low: Optional[float], high: Optional[float]) -> str:
    """The ends of a share's interval; empty if there is none."""
    if low is None or high is None:
        return ""
    if max(abs(low), abs(high)) > _WIDEST:
        return "(too wide)"
    return f"({_signed(100 * low, 1)} to {_signed(100 * high, 1)})"


def _signed(value: float, digits: int) -> str:
    shown = round(value, digits)
    return f"{shown:+,.{digits}f}" if shown else f"{0:.{digits}f}"


def count_change(row: Judged) -> str:
    """How a count differs, and by which share."""
    if row.base is None or row.new is None:
        return "not recorded in the " + ("base" if row.base is None else "new runs")
    difference = row.new - row.base
    if is_share(row.figure):
        return f"{100 * difference:+.1f} points"
    plain = f"{difference:+,.0f}" if difference == int(difference) else f"{difference:+,.2f}"
    if row.change is not None:
        plain += f" ({percent(row.change)})"
    return f"{plain}, runs vary" if row.varies else plain


def improvement(row: Judged) -> str:
    """What the new side gains over the base: positive is better, where less is better."""
    if row.base is None or row.new is None:
        return ""
    if row.change is None or is_share(row.figure):
        return count_change(row)
    return percent(-row.change)


def tested_change(row: Judged) -> str:
    """The change that is tested, what it is of, and its interval; empty if there is none."""
    if row.tested is None or row.low is None or row.high is None:
        return ""
    return f"{row.tested_of} {percent(row.tested)} {interval(row.low, row.high)}"


def tested_improvement(row: Judged) -> str:
    """The same as what the new side gains."""
    if row.tested is None or row.low is None or row.high is None:
        return ""
    return f"{row.tested_of} {percent(-row.tested)} {interval(-row.high, -row.low)}"


def verdict(row: Union[Judged, PathChange], runs: int) -> str:
    """A verdict in plain words; `runs` are those of the side that has fewer."""
    if row.verdict is not Verdict.UNDECIDED:
        return str(row.verdict.value)
    if isinstance(row, PathChange):
        if bool(row.calls.base) != bool(row.calls.new):  # no scatter of times can change that
            return "gone" if row.calls.base else "new"
    elif row.base is None or row.new is None:
        return f"only in the {'base' if row.new is None else 'new runs'}"
    elif row.varies:
        return "varies from run to run"
    elif row.change is None and row.new:
        return "new"
    if row.runs_needed is None or runs < FEWEST_RUNS:
        return "undecided"
    return f"undecided: {more_runs(row.runs_needed)}"


def verdict_tone(words: str) -> Tone:
    """Of a verdict's words."""
    if words in _BETTER:
        return Tone.GOOD
    return Tone.BAD if words in _WORSE else Tone.QUIET if words == Verdict.SAME.value else Tone.PLAIN


def more_runs(needed: int) -> str:
    """What would probably decide."""
    return f"{counted(needed, 'more run')} a side would probably decide"


def gate_line(result: GateResult) -> str:
    """One gate: its condition, whether it holds, and what was compared."""
    gate = result.gate
    line = f"{gate.text}: {result.outcome.value}"
    if result.value is not None:
        line += f", {_of(result)} is {_in_unit(gate, result.value)}"
        if result.low is not None and result.high is not None:
            line += f" ({_in_unit(gate, result.low)} to {_in_unit(gate, result.high)})"
    if result.reason:
        line += f": {result.reason}"
    if result.runs_needed is not None:
        line += f"; {more_runs(result.runs_needed)}"
    return line


def _of(result: GateResult) -> str:
    if result.gate.of is Of.VALUE:
        return "the new side"
    return "the change" if result.low is None else "the tested change"


def _in_unit(gate: Gate, value: float) -> str:
    if gate.of is Of.SHARE:
        return percent(value)
    return f"{value:,.4g}" if gate.of is Of.VALUE else f"{value:+,.4g}"
