"""What findings save, each of what earlier ones leave."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Dict, Optional

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding
from nutrace.analysis.regions import Region
from nutrace.analysis.whatif import Rescaling


@dataclass(frozen=True)
class Saved:
    """Time in ns: of a step on average, and of the run."""

    step_ns: float
    run_ns: float


class Savings:
    """Savings of self times, of which changes that were made have taken a part."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._left = array("d", [1.0]) * len(facts.trace)
        self._untouched = array("d", self._left)
        self._rescaling: Optional[Rescaling] = None

    def likely(self, finding: Finding) -> Saved:
        """What is likely, of what is left."""
        return self._saved(finding, finding.likely_part, self._left)

    def stretch(self, finding: Finding) -> Saved:
        """What it is at best, of what is left."""
        return self._saved(finding, 1.0, self._left)

    def alone(self, finding: Finding) -> Saved:
        """What is likely if nothing else is changed."""
        return self._saved(finding, finding.likely_part, self._untouched)

    def make(self, finding: Finding) -> None:
        """Make a change: others save only what it leaves, even at best.

        Of two changes that save the same time, the second one is no more than another way to do it.
        """
        for span, time in finding.saves.items():
            own = self._facts.trace.self_ns[span]
            if own:
                self._left[span] *= max(1 - time / own, 0.0)

    def _saved(self, finding: Finding, part: float, left: array[float]) -> Saved:
        facts = self._facts
        region = facts.regions.region
        saved = {span: time * part * left[span] for span, time in finding.saves.items()}
        if any(region[span] == Region.BESIDE for span in saved):
            in_steps = self._along_threads(saved, left)
        else:
            in_steps = sum(time for span, time in saved.items() if region[span] == Region.INSIDE)
        return Saved(in_steps / facts.steps if facts.steps else 0.0, sum(saved.values()))

    def _along_threads(self, saved: Dict[int, float], left: array[float]) -> float:
        """What the steps save where work runs beside them."""
        facts = self._facts
        if self._rescaling is None:
            self._rescaling = Rescaling(facts.trace, facts.regions)
        factors = array("d", left)
        for span, time in saved.items():
            own = facts.trace.self_ns[span]
            factors[span] = max(left[span] - time / own, 0.0) if own else left[span]
        return sum(self._rescaling.steps_ns(left)) - sum(self._rescaling.steps_ns(factors))
