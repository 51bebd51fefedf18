"""Gates: what a text means, and what holds of a comparison."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.comparison import Comparison, Judged, Kind, PathChange, SideFacts, Verdict
from nutrace.comparison.gates import (
    Gate,
    GateResult,
    Of,
    Outcome,
    UnknownFigureError,
    gate_figures,
    judge,
    parse_gate,
)
from nutrace.comparison.headline import GAP_CLOSED
from nutrace.comparison.judging import judge_count
from nutrace.comparison.result import path_figure
from nutrace.errors import UsageError


def _time(
    change: Optional[float], low: Optional[float], high: Optional[float], base: float = 100.0
) -> Judged:
    new = base * (1 + (change or 0))
    return Judged("steps.p50_ms", Kind.TIME, base, new, change, low, high, Verdict.UNDECIDED, tested=change)


def _count(base: Optional[float], new: Optional[float], **more: Any) -> Judged:
    return Judged("rows", Kind.COUNT, base, new, None, None, None, Verdict.MORE, **more)


def _comparison(*judged: Judged, runs: int = 7, gap: Optional[float] = None) -> Comparison:
    sides = [SideFacts(("run.json",), count, 1, 10) for count in (9, runs)]
    return Comparison(sides[0], sides[1], True, {}, judged, (), gap, ((), ()))


def _outcome(text: str, *judged: Judged, runs: int = 7) -> GateResult:
    return judge([parse_gate(text)], _comparison(*judged, runs=runs))[0]


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("steps.p50_ms > +3%", ("steps.p50_ms", ">", 0.03, Of.SHARE)),
        ("  steps.p50_ms>+3 % ", ("steps.p50_ms", ">", 0.03, Of.SHARE)),
        ("steps.p50_ms <= -10%", ("steps.p50_ms", "<=", -0.1, Of.SHARE)),
        ("database.rows_per_step > +0", ("database.rows_per_step", ">", 0.0, Of.CHANGE)),
        ("steps.p95_ms >= 100", ("steps.p95_ms", ">=", 100.0, Of.VALUE)),
        ("steps.p95_ms < 0.5", ("steps.p95_ms", "<", 0.5, Of.VALUE)),
        ("paths.a->b/<x>.self_ms > +1%", ("paths.a->b/<x>.self_ms", ">", 0.01, Of.SHARE)),
    ],
)  # fmt: skip
def test_what_a_text_means(text: str, gate: Any) -> None:
    parsed = parse_gate(text)
    assert (parsed.figure, parsed.operator, parsed.limit, parsed.of) == gate


@pytest.mark.parametrize(
    "text", ["a", "a >", "> 3", "a >> 3", "a = 3", "a > 3 ms", "a > x", "a > 3%", "a > 1e3"]
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--fail-if"):
        parse_gate(text)


@given(st.text(max_size=60))
def test_any_text_is_a_gate_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):  # any other error fails
        assert isinstance(parse_gate(text), Gate)


@pytest.mark.parametrize(
    ("text", "low", "high", "outcome"),
    [
        ("steps.p50_ms > +3%", 0.031, 0.05, Outcome.HOLDS),
        ("steps.p50_ms > +3%", 0.03, 0.05, Outcome.UNKNOWN),
        ("steps.p50_ms > +3%", 0.0, 0.03, Outcome.DOES_NOT_HOLD),
        ("steps.p50_ms >= +3%", 0.03, 0.05, Outcome.HOLDS),
        ("steps.p50_ms < -3%", -0.05, -0.031, Outcome.HOLDS),
        ("steps.p50_ms < -3%", -0.03, 0.0, Outcome.DOES_NOT_HOLD),
        ("steps.p50_ms > +3", 0.031, 0.05, Outcome.HOLDS),
        ("steps.p50_ms > 103", 0.031, 0.05, Outcome.HOLDS),
        ("steps.p50_ms > 103", -0.05, 0.02, Outcome.DOES_NOT_HOLD),
    ],
)
def test_a_time_is_judged_by_its_whole_interval(text: str, low: float, high: float, outcome: Outcome) -> None:
    assert _outcome(text, _time((low + high) / 2, low, high)).outcome is outcome


def test_a_time_with_too_few_runs_is_never_judged() -> None:
    for change in (0.0, 0.5):
        result = _outcome("steps.p50_ms > +3%", _time(change, change, change), runs=4)
        assert result.outcome is Outcome.UNKNOWN
        assert "needs 5 runs" in result.reason


def test_a_time_without_an_interval_is_not_judged() -> None:
    assert _outcome("steps.p50_ms > +3%", _time(0.5, None, None)).outcome is Outcome.UNKNOWN
    assert _outcome("steps.p50_ms > +3%", _time(None, None, None)).outcome is Outcome.UNKNOWN


def test_runs_that_would_decide_shrink_the_interval_to_the_limit() -> None:
    result = _outcome("steps.p50_ms > +3%", _time(0.01, -0.03, 0.05))
    # The limit is half as far as the end of the interval: four times the runs, 28 for 7.
    assert result.runs_needed == 21


@pytest.mark.parametrize(
    ("text", "base", "new", "holds"),
    [
        ("rows > +0", 2.0, 2.0, False),
        ("rows > +0", 2.0, 2.01, True),
        ("rows > +0", 2.0, 1.0, False),
        ("rows > +10%", 2.0, 2.2, False),
        ("rows > +1", 5.99, 6.99, False),
        ("rows > +10%", 2.0, 2.3, True),
        ("rows > +10%", 0.0, 1.0, True),
        ("rows > +10%", 0.0, 0.0, False),
        ("rows >= 3", None, 3.0, True),
    ],
)
def test_counts_are_exact_and_need_no_runs(text: str, base: Any, new: float, holds: bool) -> None:
    expected = Outcome.HOLDS if holds else Outcome.DOES_NOT_HOLD
    assert _outcome(text, _count(base, new), runs=1).outcome is expected


def test_a_count_that_one_side_lacks_is_not_judged() -> None:
    assert _outcome("rows > +0", _count(None, 1.0)).reason == "the base side does not have this figure"
    assert _outcome("rows > 0", _count(1.0, None)).reason == "the new side does not have this figure"


def test_a_count_that_varies_on_a_side_is_not_judged() -> None:
    varies = Judged("rows", Kind.COUNT, 2.0, 2.5, 0.25, None, None, Verdict.UNDECIDED, varies=True)
    assert _outcome("rows > +0", varies).outcome is Outcome.UNKNOWN


def test_the_gap_closed_has_the_interval_of_the_real_time_factor() -> None:
    factor = Judged(
        "steps.realtime_factor", Kind.TIME, 2.0, 1.5, -0.25, -0.3, -0.2, Verdict.FASTER, tested=-0.25
    )
    comparison = _comparison(factor, gap=0.5)
    figure = gate_figures(comparison)[GAP_CLOSED]
    assert (figure.low, figure.high) == (pytest.approx(0.4), pytest.approx(0.6))
    outcomes = [
        judge([parse_gate(f"{GAP_CLOSED} < {limit}")], comparison)[0].outcome for limit in (0.3, 0.5, 0.7)
    ]
    assert outcomes == [Outcome.DOES_NOT_HOLD, Outcome.UNKNOWN, Outcome.HOLDS]


def test_an_unknown_figure_names_those_that_there_are_the_most_similar_first() -> None:
    with pytest.raises(UnknownFigureError, match=r"did you mean steps\.p50_ms") as caught:
        _outcome("steps.p50 > +3%", _count(1, 1), _time(0, 0, 0))
    assert caught.value.known == ["steps.p50_ms", "rows"]


@pytest.mark.parametrize(
    ("text", "slower", "faster"),
    [
        ("steps.p50_ms > +3%", "cannot be judged", "holds"),
        ("steps.p50_ms > +8%", "does not hold", "cannot be judged"),
        ("steps.p50_ms < +3%", "cannot be judged", "does not hold"),
    ],
)
def test_what_the_machine_may_have_done_is_no_result(text: str, slower: str, faster: str) -> None:
    """Every outcome that a slower machine explains, if it became slower; and the same for a faster one."""
    comparison = _comparison(_time(0.05, 0.04, 0.06))
    for drift, outcome in ((Verdict.SLOWER, slower), (Verdict.FASTER, faster)):
        (result,) = judge([parse_gate(text)], replace(comparison, drift=drift))
        assert result.outcome.value == outcome


def test_calls_of_a_path_that_vary_cannot_be_judged() -> None:
    calls = judge_count(path_figure(("step", "query"), "calls_per_step"), [3, 4, 3, 4, 3], [3, 4, 4, 4, 3])
    path = PathChange(("step", "query"), "database", 1.0, 1.0, 0.0, None, None, Verdict.UNDECIDED, calls)
    comparison = replace(_comparison(), paths=(path,))
    (result,) = judge([parse_gate("paths.step/query.calls_per_step > +0")], comparison)
    assert (result.outcome, result.value) == (Outcome.UNKNOWN, 1.0)
