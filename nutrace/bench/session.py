"""Run the rounds of a benchmark, until there are enough runs of each variant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Mapping, Sequence

from nutrace.bench.folder import FAILED
from nutrace.bench.record import Ran, Record, load_share
from nutrace.bench.runs import Outcome, measured_again, run_once
from nutrace.bench.variants import Variant
from nutrace.comparison import Comparison, Kind, RunFigures, Verdict, compare
from nutrace.errors import BenchError

Say = Callable[[str], None]


class ProgramFailedError(BenchError):
    """A variant's program fails; `output` holds the last lines that it printed."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Plan:
    """How much is run.

    Parameters
    ----------
    runs:
        Runs of each variant.
    most:
        Runs of each variant at most, if `until_decided`; the verdicts are looked at from `runs` on.
    warm_up:
        Whether each variant runs once before, without counting.
    retries:
        How many runs of a variant may fail, once one has not.
    """

    runs: int
    most: int
    until_decided: bool
    warm_up: bool
    retries: int


class Session:
    """The runs of a benchmark, with what comparing needs of each."""

    def __init__(self, record: Record, plan: Plan, commands: Mapping[str, Sequence[str]]) -> None:
        """Begin, or go on with what the record has.

        Parameters
        ----------
        commands:
            What is run for each variant, by its name.
        """
        self.record = record
        self.idle: List[str] = []  # speedups that were not at work, with the variant and the reason
        self._plan = plan
        self._commands = commands
        self._figures: Dict[str, List[RunFigures]] = {variant.name: [] for variant in record.variants}
        for variant in record.variants:
            for run in record.counted(variant):
                figures, idle = measured_again(record, run)
                self._add(run, figures, idle)

    def figures(self, variant: Variant) -> List[RunFigures]:
        """What comparing needs of the runs of a variant that count."""
        return self._figures[variant.name]

    def compared(self) -> Dict[str, Comparison]:
        """Each variant but the first, compared with the first; those that have run."""
        base, *others = self.record.variants
        return {
            variant.name: compare(self.figures(base), self.figures(variant))
            for variant in others
            if self.figures(base) and self.figures(variant)
        }

    def go(self, say: Say, tick: Callable[[str], None]) -> None:
        """Run what is not done yet.

        Parameters
        ----------
        say:
            Called with a line on each run that has ended.
        tick:
            Called some times a second with what is being done, and what is left.

        Raises
        ------
        ProgramFailedError
            If a variant fails at once, or too often.
        """
        if self._plan.warm_up:
            for variant in self.record.variants:
                if not self.record.done(variant, 0) and not self.figures(variant):
                    self._run(variant, 0, say, tick)
        for round in range(1, self._plan.most + 1):
            for variant in self.record.order(round):
                if not self.record.done(variant, round):
                    self._run(variant, round, say, tick)
            if round >= self._plan.runs and self._enough(say):
                return

    def _enough(self, say: Say) -> bool:
        if not self._plan.until_decided:
            return True
        open_rows = undecided(self.compared())
        if open_rows:
            say(f"undecided after {self._rounds()} rounds: {', '.join(open_rows[:3])}")
        return not open_rows

    def _rounds(self) -> int:
        return min(len(runs) for runs in self._figures.values())

    def _run(self, variant: Variant, round: int, say: Say, tick: Callable[[str], None]) -> None:
        """Run a variant, again if it fails."""
        what = f"{variant.name}, {f'round {round}' if round else 'warming up'}"
        doing = f"{what}; {self._left()}"
        while True:
            outcome = run_once(self.record, variant, round, self._commands[variant.name], lambda: tick(doing))
            self.record.add(outcome.ran)
            if not outcome.ran.problem:
                break
            self._failed(variant, outcome)
            say(f"{what}: failed ({outcome.ran.problem}), and is repeated")
        if outcome.figures is not None and round:
            self._add(outcome.ran, outcome.figures, outcome.idle)
        say(f"{what}: {outcome.ran.seconds:.1f} s; {self._left()}")

    def _failed(self, variant: Variant, outcome: Outcome) -> None:
        failures = self.record.failures(variant)
        problem = f"{outcome.ran.problem}; what it printed is in {self.record.folder / FAILED}"
        if not any(run.variant == variant.name and not run.problem for run in self.record.ran):
            raise ProgramFailedError(f"variant {variant.name} fails at once: {problem}", outcome.output)
        if failures > self._plan.retries:
            raise ProgramFailedError(
                f"variant {variant.name} failed {failures} times, the last with {problem}", outcome.output
            )

    def _add(self, ran: Ran, figures: RunFigures, idle: Sequence[str]) -> None:
        share = load_share(ran, self.record.machine)
        self._figures[ran.variant].append(replace(figures, identity=replace(figures.identity, load=share)))
        reasons = [f"{ran.variant}: {reason}" for reason in idle]
        self.idle += [reason for reason in reasons if reason not in self.idle]

    def _left(self) -> str:
        """What is left to do, and how long that will probably take."""
        plan, record = self._plan, self.record
        left, seconds = 0, 0.0
        for variant in record.variants:
            took = [run.seconds for run in record.ran if run.variant == variant.name and not run.problem]
            runs = max(plan.runs - len(record.counted(variant)), 0)
            runs += plan.warm_up and not took
            known = took or [run.seconds for run in record.ran if not run.problem]
            left += runs
            seconds += runs * (sum(known) / len(known) if known else 0.0)
        words = f"{left} of {len(record.variants) * (plan.runs + plan.warm_up)} runs left"
        return f"{words}, about {_duration(seconds)}" if seconds else words


def undecided(compared: Mapping[str, Comparison]) -> List[str]:
    """The times of the headlines and the components that more runs may decide, as ``VARIANT FIGURE``."""
    return [
        f"{name} {row.figure}"
        for name, comparison in compared.items()
        for row in comparison.judged
        if row.kind is Kind.TIME
        and row.verdict is Verdict.UNDECIDED
        and row.runs_needed is not None
        and (row.figure in comparison.headline or row.figure.startswith("components."))
    ]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
