"""Sides that were run one after the other, where the machine became faster or slower in between.

No statistics can tell that from a change of the program: all runs of a side have it. But a change of a
program is somewhere, and the machine is everywhere. If nearly all components changed in one direction, and
the sides were not interleaved, times that changed in that direction are not called changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Sequence

from nutrace.comparison.figures import RunFigures
from nutrace.comparison.judging import Judgement, Row
from nutrace.comparison.result import Verdict

_FEWEST_COMPONENTS = 4
_NEARLY_ALL = 0.75
_PART_OF_LEAST = 0.5  # a drift below the least effect is one, too


def one_after_the_other(base: Sequence[RunFigures], new: Sequence[RunFigures]) -> bool:
    """Whether all runs of one side began before those of the other; False for single runs."""
    times = [[run.identity.begin_ns for run in runs] for runs in (base, new)]
    if min(map(len, times)) < 2:
        return False
    return max(times[0]) < min(times[1]) or max(times[1]) < min(times[0])


def drift_of(components: Sequence[Row]) -> Optional[Verdict]:
    """In which direction nearly all components that are tested changed; None if they did not."""
    tested = [row for row in components if row.tested and row.effects]
    changes = [(row.effects[0].change, _PART_OF_LEAST * row.least) for row in tested]
    if len(changes) >= _FEWEST_COMPONENTS:
        for verdict, sign in ((Verdict.SLOWER, 1), (Verdict.FASTER, -1)):
            if sum(sign * change > least for change, least in changes) >= _NEARLY_ALL * len(changes):
                return verdict
    return None


def doubted(judgements: Sequence[Judgement], drift: Optional[Verdict]) -> List[Judgement]:
    """The judgements, undecided where the drift explains them."""
    if drift is None:
        return list(judgements)
    return [_doubted(each, drift) for each in judgements]


def _doubted(judgement: Judgement, drift: Verdict) -> Judgement:
    found = judgement.effect
    if judgement.verdict is Verdict.SAME or found is None or (found.change > 0) != (drift is Verdict.SLOWER):
        return judgement
    return replace(judgement, verdict=Verdict.UNDECIDED, runs_needed=None)  # more such runs do not help
