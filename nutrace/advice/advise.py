"""Rank the findings of a run by what they save, each of what those before it leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.registry import KINDS
from nutrace.advice.savings import Saved, Savings
from nutrace.analysis import step_times

#: Of a step, or of the run: what saves less is not worth doing.
WORTH = 0.02
#: A finding that is verified comes before another if so much of the other's saving is of the same spans.
_SHARED = 0.25


@dataclass(frozen=True)
class Ranked:
    """A finding, and what it saves.

    Attributes
    ----------
    kind:
        The name of its kind.
    alone:
        The likely saving if nothing else is changed.
    likely, stretch:
        The likely saving, and that at best, if those ranked before it are made.
    share:
        The likely saving as a part of a step, or of the run; 0 if it is unknown.
    in_steps:
        Whether it is ranked by its saving in the steps, and not by that in the whole run.
    """

    kind: str
    finding: Finding
    alone: Saved
    likely: Saved
    stretch: Saved
    share: float
    in_steps: bool


@dataclass(frozen=True)
class Advice:
    """All findings of a run.

    Attributes
    ----------
    steps, step_ns, interval_s:
        The number of finished steps, the mean time of one, and what they simulate; None if unknown.
    run_ns, wall_ns:
        The time of all threads of the run, and that from its first span to its last.
    scenarios:
        The number of simulations.
    worth:
        The least share of a step, or of the run, that is worth doing.
    in_steps, around:
        What is worth doing, by likely saving: in the steps; in the rest of the run.
    to_look_into:
        Where it is not known what can be saved.
    small:
        What saves less than is worth it, alone or of what the others leave.
    notes:
        What could not be looked at.
    """

    steps: int
    step_ns: float
    run_ns: float
    wall_ns: float
    interval_s: Optional[float]
    scenarios: int
    worth: float
    in_steps: Tuple[Ranked, ...]
    around: Tuple[Ranked, ...]
    to_look_into: Tuple[Ranked, ...]
    small: Tuple[Ranked, ...]
    notes: Tuple[str, ...]

    @property
    def unknown_share(self) -> float:
        """The part of a step that lies in spans to look into, and in none below them."""
        return sum(each.finding.unknown_share for each in self.to_look_into)


_Open = Tuple[str, Finding]  # a finding that is not ranked yet, with the name of its kind


def advise(facts: Facts, worth: float = WORTH) -> Advice:
    """Find what is worth doing.

    Parameters
    ----------
    facts:
        The run.
    worth:
        The least likely saving, as a part of a step, or of the run, 0 to 1.
    """
    savings = Savings(facts)
    found = [(kind.name, finding) for kind in KINDS for finding in kind.find(facts)]
    waiting = [each for each in found if each[1].saves]
    look = [_ranked(facts, savings, each, True) for each in found if not each[1].saves]
    lists: Dict[bool, List[Ranked]] = {True: [], False: []}
    for in_steps in (True, False):
        while waiting:
            best = _best(facts, savings, waiting, in_steps)
            ranked = _ranked(facts, savings, best, in_steps)
            if ranked.share < worth or not ranked.likely.run_ns:
                break
            waiting.remove(best)
            lists[in_steps].append(ranked)
            savings.make(best[1])
    small = [_small(facts, savings, each) for each in waiting]
    return Advice(
        steps=facts.steps,
        step_ns=facts.steps_ns / facts.steps if facts.steps else 0.0,
        run_ns=facts.run_ns,
        wall_ns=facts.wall_ns,
        interval_s=step_times(facts.trace, facts.regions).simulated_interval_s,
        scenarios=facts.scenarios,
        worth=worth,
        in_steps=tuple(lists[True]),
        around=tuple(lists[False]),
        to_look_into=tuple(look),
        small=tuple(sorted(small, key=lambda each: -each.alone.run_ns)),
        notes=tuple(facts.notes),
    )


def _best(facts: Facts, savings: Savings, waiting: Sequence[_Open], in_steps: bool) -> _Open:
    """The finding that likely saves most, or what is verified and saves the same time.

    A cache saves the repeats of a scan. An index, which SQLite's planner says that it uses, leaves little of
    any execution.
    """

    def share(each: _Open) -> float:
        return _share(facts, savings.likely(each[1]), in_steps)

    best = max(waiting, key=share)
    if best[1].sureness is Sureness.VERIFIED:
        return best
    total = sum(best[1].saves.values())
    verified = [
        each
        for each in waiting
        if each[1].sureness is Sureness.VERIFIED
        and sum(time for span, time in best[1].saves.items() if span in each[1].saves) >= _SHARED * total
    ]
    return max(verified, key=share, default=best)


def _share(facts: Facts, saved: Saved, in_steps: bool) -> float:
    if in_steps:
        return saved.step_ns * facts.steps / facts.steps_ns if facts.steps_ns else 0.0
    return saved.run_ns / facts.run_ns if facts.run_ns else 0.0


def _ranked(facts: Facts, savings: Savings, found: _Open, in_steps: bool) -> Ranked:
    kind, finding = found
    likely = savings.likely(finding)
    return Ranked(
        kind,
        finding,
        savings.alone(finding),
        likely,
        savings.stretch(finding),
        _share(facts, likely, in_steps),
        in_steps,
    )


def _small(facts: Facts, savings: Savings, found: _Open) -> Ranked:
    """By the part that it alone saves of the steps or of the run, whichever is larger."""
    alone = savings.alone(found[1])
    in_steps = _share(facts, alone, True) >= _share(facts, alone, False)
    return _ranked(facts, savings, found, in_steps)
