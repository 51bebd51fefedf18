"""Verdicts on times and counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import mean, median
from typing import List, Optional, Sequence, Tuple

from nutrace.comparison.result import Judged, Kind, Verdict
from nutrace.comparison.statistics import ERROR_RATE, NOTHING, Effect, effect, holm, runs_needed
from nutrace.comparison.times import Times


@dataclass(frozen=True)
class Options:
    """What is called a change.

    Parameters
    ----------
    least_effect:
        The smallest change that counts, as a part of the time itself.
    least_of_whole:
        The smallest change that counts, as a part of the mean step; outside the steps, of the run.
    fewest_runs:
        How many runs each side needs for a time to be called faster, slower or the same.
    least_tested:
        A component or path below this part of the step or run, on both sides, is not tested, as each test
        makes the others weaker.
    most_paths:
        How many paths are tested, the costliest first.
    """

    least_effect: float = 0.02
    least_of_whole: float = 0.001
    fewest_runs: int = 5
    least_tested: float = 0.005
    most_paths: int = 20


@dataclass(frozen=True)
class Row:
    """A time on both sides: `effects` are those of its usual steps, if it has them, and of its mean."""

    base_runs: Tuple[float, ...]
    new_runs: Tuple[float, ...]
    effects: Tuple[Effect, ...]
    least: float
    tested: bool

    def shown_as(self, values: Sequence[float], bases: int) -> Row:
        """The same, made of usual steps, with other times of the runs to show."""
        times = tuple(map(float, values))
        usual = tuple(replace(found, usual=True) for found in self.effects)
        return replace(self, base_runs=times[:bases], new_runs=times[bases:], effects=usual)

    def untested(self) -> Row:
        """The same, and not tested."""
        return replace(self, tested=False)

    @property
    def base(self) -> float:
        """The median of the runs."""
        return median(self.base_runs)

    @property
    def new(self) -> float:
        """The median of the runs."""
        return median(self.new_runs)

    def in_ms(self, part: float, found: Effect) -> float:
        """A change, or an end of its interval, as a time in ms."""
        if found.of_new:
            return part * self.new
        # Where less than half of the base's runs have any of it, their median is none.
        return part * (self.base if self.base > NOTHING else mean(self.base_runs))


@dataclass(frozen=True)
class Judgement:
    """What a row's times mean, and the effect that says so."""

    verdict: Verdict
    effect: Optional[Effect]
    runs_needed: Optional[int] = None


def row_of(times: Times, bases: int, whole_ms: float, options: Options) -> Row:
    """Make a row of times; runs of the base come first.

    Parameters
    ----------
    times:
        The times.
    bases:
        Number of the base's runs.
    whole_ms:
        What they are a part of, such as the mean step, in ms; 0 if they are not.
    options:
        What is called a change.
    """
    sums = [float(value) for value in times.mean.sum(axis=1)]
    base, new = tuple(sums[:bases]), tuple(sums[bases:])
    found = [effect(times.mean[:bases], times.mean[bases:])]
    if times.usual is not None:
        usual = effect(times.usual[:bases], times.usual[bases:])
        found.insert(0, usual and replace(usual, usual=True))
    # A base that has a time in few steps has none in its usual step: the mean is what can be compared.
    came_up = mean(base) <= NOTHING
    effects = tuple(each for each in found if each is not None and each.of_new == came_up)
    level = median(base)
    largest = max(level, median(new))
    least = options.least_effect
    part_of = level if level > NOTHING else largest
    if part_of > 0:
        least = max(least, options.least_of_whole * whole_ms / part_of)
    return Row(base, new, effects, least, largest >= options.least_tested * whole_ms)


def judge(rows: Sequence[Row], options: Options) -> List[Judgement]:
    """Judge the rows of one table together: the chance of any false change among them is at most 5 %."""
    tests = [(place, found) for place, row in enumerate(rows) if row.tested for found in row.effects]
    known = [(place, found) for place, found in tests if found.p is not None]
    corrected = holm([found.p or 0.0 for _, found in known])
    passed = {(place, id(found)) for (place, found), p in zip(known, corrected) if p <= ERROR_RATE}
    rate = ERROR_RATE / max(len(known), 1)
    return [
        _judge(row, [found for found in row.effects if (place, id(found)) in passed], rate, options)
        for place, row in enumerate(rows)
    ]


def _judge(row: Row, passed: List[Effect], rate: float, options: Options) -> Judgement:
    first = row.effects[0] if row.effects else None
    runs = min(len(row.base_runs), len(row.new_runs))
    if runs < options.fewest_runs:
        return Judgement(Verdict.UNDECIDED, first, options.fewest_runs - runs)
    if first is None:  # neither side has any of it
        return Judgement(Verdict.SAME, None)
    changed = [found for found in passed if abs(found.change) >= row.least]
    if changed:
        # If the usual steps became faster and the mean slower, the mean is what the figure is.
        one_way = len({found.change > 0 for found in changed}) == 1
        found = changed[0] if one_way else changed[-1]
        return Judgement(Verdict.SLOWER if found.change > 0 else Verdict.FASTER, found)
    within = first.low is not None and first.high is not None
    within = within and -row.least <= (first.low or 0.0) and (first.high or 0.0) <= row.least
    # A mean that moved without the usual steps is no proof, but a reason for doubt.
    if within and abs(row.effects[-1].change) <= row.least:
        return Judgement(Verdict.SAME, first)
    # What is not tested is never called faster or slower, however many runs there are.
    needed = runs_needed(first, runs, row.least, rate) if row.tested else None
    return Judgement(Verdict.UNDECIDED, first, needed)


def judged_time(figure: str, row: Row, judgement: Judgement, scale: float = 1.0) -> Judged:
    """A figure in the result; `scale` makes its unit of ms."""
    found = judgement.effect
    change = tested = low = high = lowest = highest = None
    if found is not None and row.base > NOTHING and not found.of_new:
        change = (row.new - row.base) / row.base
        tested, low, high = found.change, found.low, found.high
    elif found is not None and found.low is not None and found.high is not None:
        lowest, highest = (row.in_ms(end, found) * scale for end in (found.low, found.high))
    return Judged(
        figure=figure,
        kind=Kind.TIME,
        base=row.base * scale,
        new=row.new * scale,
        change=change,
        low=low,
        high=high,
        verdict=judgement.verdict,
        runs_needed=judgement.runs_needed,
        difference_low=lowest,
        difference_high=highest,
        tested=tested,
        tested_of=tested_of(found),
    )


def tested_of(found: Optional[Effect]) -> str:
    """Which times an effect is that of."""
    return "" if found is None else "usual" if found.usual else "mean"


def judge_count(figure: str, base: Sequence[Optional[float]], new: Sequence[Optional[float]]) -> Judged:
    """Judge a count: any difference is one.

    If a side's runs differ among themselves, it is a difference only if all runs of one side have more than
    all runs of the other.
    """
    sides = [[value for value in side if value is not None] for side in (base, new)]
    varies = any(len(set(side)) > 1 for side in sides)
    middles = [median(side) if side else None for side in sides]
    before, after = middles
    verdict = Verdict.UNDECIDED
    if sides[0] and sides[1]:
        if max(sides[0]) < min(sides[1]):
            verdict = Verdict.MORE
        elif min(sides[0]) > max(sides[1]):
            verdict = Verdict.FEWER
        elif not varies:
            verdict = Verdict.EQUAL
    change = None
    if before is not None and after is not None:
        change = (after - before) / before if before else (0.0 if after == before else None)
    return Judged(figure, Kind.COUNT, before, after, change, None, None, verdict, varies=varies)
