"""What ``--until decided`` waits for."""

from __future__ import annotations

from typing import Optional

from nutrace.bench.session import undecided
from nutrace.comparison import Comparison, Judged, Kind, Options, SideFacts, Verdict
from nutrace.comparison.judging import judge, row_of
from nutrace.comparison.times import Times

BASE, NEW = (1.0, 1.1, 0.9, 1.05, 0.95), (1.2, 1.3, 1.1, 1.25, 0.8)


def _needed(part_of_whole: float) -> Optional[int]:
    times = Times.of_runs([*BASE, *NEW])
    (judgement,) = judge([row_of(times, 5, 1.0 / part_of_whole, Options())], Options())
    assert judgement.verdict is Verdict.UNDECIDED
    return judgement.runs_needed


def test_more_runs_are_asked_for_only_where_they_may_decide() -> None:
    assert _needed(0.5)
    assert _needed(0.004) is None, "so small a part of the step is not tested, however many runs there are"


def test_only_what_more_runs_may_decide_is_waited_for() -> None:
    judged = tuple(
        Judged(f"components.{name}.self_ms_per_step", Kind.TIME, 1.0, 1.1, 0.1, -0.1, 0.3, verdict, needed)
        for name, verdict, needed in (
            ("planner", Verdict.UNDECIDED, 3),
            ("new", Verdict.UNDECIDED, None),
            ("database", Verdict.SLOWER, None),
        )
    )
    sides = SideFacts((), 5, 1, 1), SideFacts((), 5, 1, 1)
    comparison = Comparison(*sides, True, {}, judged, (), None, ((), ()))
    assert undecided({"cache": comparison}) == ["cache components.planner.self_ms_per_step"]
