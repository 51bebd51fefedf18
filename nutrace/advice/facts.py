"""What the kinds of findings ask of a run; each answer is worked out once."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Dict, Iterable, List, Optional, Tuple

from nutrace.analysis import InsideSpans, divide, inside_spans
from nutrace.analysis.collections import Collections, collections
from nutrace.analysis.database import Database, database
from nutrace.analysis.deepcopies import DeepCopies, deep_copies
from nutrace.analysis.evaluation.lanes import Lanes, lanes_of
from nutrace.analysis.executions import Batch, batches
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.analysis.origins import Origins
from nutrace.analysis.regions import Region, Regions
from nutrace.analysis.run import command_of, settings_of
from nutrace.errors import MissingDependencyError
from nutrace.plans import findings as plans
from nutrace.trace import Trace

#: The functions that execute all of the devkit's queries, and that speedups answer.
_QUERY_SESSION = ".query_session.execute_"


class Facts:
    """A run, or a part of it.

    Parameters
    ----------
    file:
        The run file, as it was typed.
    trace, part:
        All of the run, and what is looked at.
    """

    def __init__(self, file: str, trace: Trace, part: Trace) -> None:
        self.file = file
        self.whole = trace
        self.trace = part
        self.notes: List[str] = []

    @property
    def is_part(self) -> bool:
        """Whether only a part of the run is looked at."""
        return bool(self.trace.selection)

    @cached_property
    def regions(self) -> Regions:
        """How the trace is divided."""
        return divide(self.trace)

    @property
    def steps(self) -> int:
        """The number of finished steps."""
        return len(self.regions.steps)

    @cached_property
    def steps_ns(self) -> int:
        """The time of the steps."""
        return sum(self.trace.busy_ns[step] for step in self.regions.steps)

    @cached_property
    def scenarios(self) -> int:
        """The number of simulations."""
        return len(self.trace.simulations)

    @cached_property
    def run_ns(self) -> int:
        """The time of all threads of the run; at least that from its first span to its last."""
        trace = self.trace
        return max(self.wall_ns, sum(trace.busy_ns[root] for root in trace.roots))

    @cached_property
    def wall_ns(self) -> int:
        """The time from the run's first span to its last; of a part of it, what its spans took."""
        trace = self.trace
        if self.is_part:
            return sum(trace.busy_ns[root] for root in trace.roots)
        return trace.finish_ns - trace.begin_ns

    @cached_property
    def command(self) -> str:
        """The run's command line, for a shell."""
        return command_of(self.whole.resources)

    @cached_property
    def settings(self) -> Dict[str, Any]:
        """nutrace's settings in the first process that says them."""
        return settings_of(self.whole.resources)

    @cached_property
    def speedups(self) -> Tuple[str, ...]:
        """The speedups that were at work."""
        return tuple(each.name for each in installed_speedups(self.whole).speedups if each.at_work)

    @cached_property
    def database(self) -> Database:
        """The work with databases."""
        return database(self.trace, self.regions, self.batches)

    @cached_property
    def batches(self) -> List[Batch]:
        """The executions of statements."""
        return list(batches(self.trace))

    @cached_property
    def origins(self) -> Origins:
        """Where statements come from."""
        return Origins(self.trace, self.regions)

    @cached_property
    def plans(self) -> plans.Findings:
        """The plans of the statements, and the indexes that they lack."""
        try:
            return plans.examine(self.database)
        except MissingDependencyError as error:
            self.notes.append(f"missing indexes were not looked for: {error}")
            return plans.Findings((), (), (), False)

    @cached_property
    def copies(self) -> DeepCopies:
        """The deep copies."""
        return deep_copies(self.trace, self.regions)

    @cached_property
    def collections(self) -> Optional[Collections]:
        """The garbage collections; None if they were not recorded."""
        return collections(self.trace, self.regions)

    @cached_property
    def lanes(self) -> Optional[Lanes]:
        """What the workers of the whole run did; None without scenarios."""
        return lanes_of(self.whole)

    @cached_property
    def inside(self) -> Tuple[InsideSpans, ...]:
        """What sampled spans spend their self time in."""
        return inside_spans(self.trace, self.regions)

    def is_set_off_by_step(self, span: int) -> bool:
        """Whether a span lies in a step, or beside it on another thread."""
        return self.regions.region[span] != Region.OUTSIDE

    def is_devkits_query(self, span: int) -> bool:
        """Whether a span of the database was called where the devkit executes its queries."""
        return _QUERY_SESSION in self.trace[span].function

    def in_step(self, span: int) -> bool:
        """Whether a span is part of a step's time."""
        return self.regions.region[span] == Region.INSIDE

    def per_step(self, number: float) -> str:
        """A number for each step, for people."""
        return f"{number / self.steps:,.2f} a step" if self.steps else f"{number:,.0f} in the run"

    def subtrees(self, spans: Iterable[int]) -> Dict[int, float]:
        """All of the time of some spans, and of what is nested in them: by span its self time."""
        trace = self.trace
        times: Dict[int, float] = {}
        for span in spans:
            inside = {span}
            for below in range(span + 1, trace.subtree_end[span]):
                if trace.nested(below) and trace.parent[below] in inside:
                    inside.add(below)
            times.update((each, float(trace.self_ns[each])) for each in inside)
        return times
