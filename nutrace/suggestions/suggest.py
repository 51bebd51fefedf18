"""From a trace with samples to suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from nutrace.probes.probe import Probe
from nutrace.suggestions.candidates import Candidate, Unprobed, applied_targets, candidates, look
from nutrace.suggestions.choice import choose, covered_ns
from nutrace.suggestions.cost import MOST, Price, price, unit_ns
from nutrace.suggestions.counting import Counts
from nutrace.suggestions.forest import Forest, grow
from nutrace.trace import Trace
from nutrace.trace.sampled import Sampled

#: Why a function counts as called too often: what its probe alone, or all probes, would cost too much of.
OF_FUNCTION = "its own time"
OF_STEP = "a step"
TOGETHER = "a step, with the others"


@dataclass(frozen=True)
class Suggestion:
    """A function to put a probe on; without a price it is not known how often it is called."""

    candidate: Candidate
    price: Optional[Price] = None


@dataclass(frozen=True)
class TooOften:
    """A function that would be worth a span if it were not called so often.

    ``reason`` says of what its probe costs too much: :data:`OF_FUNCTION`, :data:`OF_STEP`, :data:`TOGETHER`.
    """

    candidate: Candidate
    price: Price
    reason: str


@dataclass(frozen=True)
class Suggestions:
    """What to probe.

    Attributes
    ----------
    covered:
        For each of the forest's spans the part of its self time, 0 to 1, that lies in the functions.
    unprobed:
        The user's functions on which no probe can be put.
    """

    forest: Forest
    suggested: Tuple[Suggestion, ...]
    too_often: Tuple[TooOften, ...]
    unprobed: Tuple[Unprobed, ...]
    covered: Tuple[float, ...]

    @property
    def cost(self) -> Optional[Tuple[float, float]]:
        """What all probes cost: ns a step (or run), and as a part of it; None if it is not known."""
        prices = [each.price for each in self.suggested if each.price is not None]
        if not prices or len(prices) < len(self.suggested):
            return None
        return sum(one.cost_ns for one in prices), sum(one.of_step for one in prices)


@dataclass(frozen=True)
class Survey:
    """What can be probed of what the samples show."""

    forest: Forest
    possible: Sequence[Candidate]
    unprobed: Sequence[Unprobed]
    min_share: float

    def to_count(self, limit: int) -> List[Probe]:
        """The probes whose calls are worth counting: some are called too often, so twice as many."""
        chosen = choose(self.forest, self.possible, 2 * limit, self.min_share)
        return [candidate.probe for candidate in chosen]

    def suggest(self, limit: int, counts: Optional[Counts] = None) -> Suggestions:
        """Choose at most `limit` functions, 0 for all; with `counts`, none that is called too often."""
        if counts is None or counts.trace is None:
            return self._settled([Suggestion(each) for each in self._choose(limit)], [], [])
        prices = self._prices(counts, unit_ns(counts.trace) or 0.0)
        applied = applied_targets(counts.trace)
        lost = {target for target, one in prices.items() if not one.calls and target not in applied}
        affordable = prices.keys() - lost
        barred = {
            target: OF_FUNCTION if one.of_function > MOST else OF_STEP
            for target, one in prices.items()
            if max(one.of_function, one.of_step) > MOST
        }
        while True:
            chosen = self._choose(limit, affordable - barred.keys())
            costs = {each.probe.target: prices[each.probe.target] for each in chosen}
            if sum(one.of_step for one in costs.values()) <= MOST:
                break
            # The one that says the least for its cost.
            barred[max(costs, key=lambda target: costs[target].of_function)] = TOGETHER
        wanted = self._choose(limit, affordable)
        return self._settled(
            [Suggestion(each, prices[each.probe.target]) for each in chosen],
            [
                TooOften(each, prices[each.probe.target], barred[each.probe.target])
                for each in wanted
                if each.probe.target in barred
            ],
            [
                Unprobed(each.seen, "no probe could be put on it in the run that counted")
                for each in self.possible
                if each.probe.target in lost
            ],
        )

    def _prices(self, counts: Counts, unit: float) -> Dict[str, Price]:
        steps = self.forest.steps if counts.steps else 0
        step_ns = self.forest.step_ns / steps if steps else 0.0
        return {
            each.probe.target: price(
                counts.by_name[each.probe.span_name],
                counts,
                unit,
                each.seen.total_ns / steps if steps else 0.0,
                step_ns,
            )
            for each in self.possible
            if each.probe.span_name in counts.by_name
        }

    def _choose(self, limit: int, targets: Optional[Iterable[str]] = None) -> List[Candidate]:
        among: Sequence[Candidate] = self.possible
        if targets is not None:
            wanted = set(targets)
            among = [each for each in among if each.probe.target in wanted]
        return choose(self.forest, among, limit, self.min_share)

    def _settled(
        self, suggested: List[Suggestion], too_often: List[TooOften], unprobed: List[Unprobed]
    ) -> Suggestions:
        covered = covered_ns(self.forest, [each.candidate for each in suggested])
        return Suggestions(
            self.forest,
            tuple(suggested),
            tuple(too_often),
            (*self.unprobed, *unprobed),
            tuple(
                part / span.self_ns if span.self_ns else 0.0 for part, span in zip(covered, self.forest.spans)
            ),
        )


def survey(
    trace: Trace, sampled: Sampled, probed: Sequence[Probe], span: Optional[str], min_share: float
) -> Survey:
    """Find the functions that could be probed.

    Parameters
    ----------
    probed:
        The probes that the program has already, of all levels.
    span:
        Look into the spans of this name; None for those with the most self time.
    min_share:
        The least share of a span's self time, 0 to 1.
    """
    forest = grow(trace, sampled, span)
    possible, unprobed = candidates(trace, look(forest, min_share), probed)
    return Survey(forest, possible, unprobed, min_share)
