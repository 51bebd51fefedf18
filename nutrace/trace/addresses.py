"""Number the scenarios of a trace and their steps: ``(scenario, iteration)`` is the address of a step.

A scenario is a span ``simulation.run`` with the steps below it, whatever thread or process they ran on. Such
a span below one of the same token is a part of that simulation: a subclass that calls ``super().run()``.

Where nothing around a step simulates a scenario, the steps of one thread belong together. If they say the
token of their scenario themselves (navsim), so do those of one thread and one token.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.trace.bounds import text, whole
from nutrace.trace.span import ERROR
from nutrace.trace.views import is_registered, views

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace

#: In :class:`Addresses`, of spans outside.
NO_SCENARIO, NO_STEP = 0, -1
FINISHED, FAILED, CUT_SHORT = "finished", "failed", "cut short"


@dataclass(frozen=True)
class Scenario:
    """One simulation of a scenario.

    >>> scenario = trace.simulations[3]
    >>> scenario.number, scenario.type, scenario.planner, scenario.outcome, len(scenario.steps)
    (4, 'stationary_in_traffic', 'IDMPlanner', 'finished', 10)
    >>> trace.select(scenario=scenario.number)
    <Trace 'run.json', scenario 51c342505f877031 (stationary_in_traffic): 207 spans, 10 steps>

    Attributes
    ----------
    number:
        Counts from 1, in the order in which the scenarios of the whole file began; the same in a part of it.
    span:
        The number of the span that simulates it; None if there is none, or it is not in this part.
    token, type, log, planner:
        What the trace says of it, or "". The planner is its name, or else its class.
    attempt:
        1; 2 if an earlier scenario of the run has the same token and planner, and so on.
    outcome:
        "finished"; "failed": an error left it; "cut short": it did not end.
    steps:
        The numbers of the spans that are its steps, in this trace.
    """

    number: int
    span: Optional[int]
    token: str = ""
    type: str = ""
    log: str = ""
    planner: str = ""
    attempt: int = 1
    outcome: str = FINISHED
    steps: Tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its token, with the attempt from the second on (``5f3a#2``); ``scenario 3`` without a token.

        >>> [scenario.name for scenario in trace.simulations]
        ['001d9a88096d3737', '9623d7cfa9ae7a34', 'c27db4ecf72c2c26', '51c342505f877031']
        """
        if not self.token:
            return f"scenario {self.number}"
        return self.token if self.attempt == 1 else f"{self.token}#{self.attempt}"

    def _repr_html_(self) -> Optional[str]:
        return views().scenario_card(self) if is_registered() else None


@dataclass(frozen=True)
class Addresses:
    """Where the spans of a trace lie.

    Attributes
    ----------
    scenarios:
        By number; of a part of a trace those of which it has spans.
    scenario_of, iteration_of:
        For each span the number of its scenario, 0 outside of all, and the iteration of its step, -1 outside.
    """

    scenarios: Tuple[Scenario, ...]
    scenario_of: array[int]
    iteration_of: array[int]

    @cached_property
    def by_number(self) -> Dict[int, Scenario]:
        """The scenarios by their numbers, which are not their places where this is a part of a trace."""
        return {scenario.number: scenario for scenario in self.scenarios}


@dataclass
class _Found:
    """A scenario before it has its number. `around` is the span that tells about it."""

    around: int
    span: Optional[int]
    token: str
    planner: str
    steps: List[int] = field(default_factory=list)


def addresses(trace: Trace) -> Addresses:
    """The scenarios of a whole trace, and the address of each span.

    The iteration is the index that the step's span has. A step without one, or with one that an earlier step
    of its scenario has, gets one that is free, so that addresses are unique.
    """
    found = _find(trace)
    found.sort(key=lambda each: (trace.start_ns[each.around], each.around))
    attempts: Dict[Tuple[str, str], int] = {}
    scenarios = []
    scenario_at: Dict[int, int] = {}
    iteration_at: Dict[int, int] = {}
    for number, each in enumerate(found, 1):
        attempt = 1
        if each.token:
            attempt = attempts[each.token, each.planner] = attempts.get((each.token, each.planner), 0) + 1
        says = trace.attributes(each.around)
        scenarios.append(
            Scenario(
                number,
                each.span,
                each.token,
                text(says.get(semconv.SCENARIO_TYPE)),
                text(says.get(semconv.SCENARIO_LOG)),
                each.planner,
                attempt,
                _outcome(trace, each.steps[-1] if each.span is None else each.span),
                tuple(each.steps),
            )
        )
        if each.span is not None:
            scenario_at[each.span], iteration_at[each.span] = number, -1
        for step, iteration in zip(each.steps, _iterations(trace, each.steps)):
            scenario_at[step], iteration_at[step] = number, iteration
    count = len(trace)
    scenario_of, iteration_of = array("i", bytes(4 * count)), array("q", [-1]) * count
    for begin, end, around in _stretches(sorted(scenario_at), trace.subtree_end):
        scenario_of[begin:end] = array("i", [scenario_at[around]]) * (end - begin)
        iteration_of[begin:end] = array("q", [iteration_at[around]]) * (end - begin)
    return Addresses(tuple(scenarios), scenario_of, iteration_of)


def _stretches(spans: Sequence[int], subtree_end: Sequence[int]) -> Iterator[Tuple[int, int, int]]:
    """The spans that lie in some others, as (begin, end, the innermost of those others)."""
    around: List[int] = []
    at = 0
    for span in (*spans, len(subtree_end)):
        while around and subtree_end[around[-1]] <= span:
            ended = around.pop()
            if at < subtree_end[ended]:
                yield at, subtree_end[ended], ended
                at = subtree_end[ended]
        if around and at < span:
            yield at, span, around[-1]
        around.append(span)
        at = span


def _find(trace: Trace) -> List[_Found]:
    found: List[_Found] = []
    around: List[_Found] = []  # the simulations that the current span lies in
    without: Dict[Tuple[int, int, str], _Found] = {}  # by resource, thread and token: steps that lie in none
    for span in trace.simulation_spans:
        name = trace.name[span]
        while around and trace.subtree_end[around[-1].around] <= span:
            around.pop()
        if name == semconv.STEP_SPAN and around:
            around[-1].steps.append(span)
            continue
        says = trace.attributes(span)
        token = text(says.get(semconv.SCENARIO_TOKEN))
        planner = text(says.get(semconv.PLANNER_NAME)) or text(says.get(semconv.PLANNER_CLASS))
        if name == semconv.STEP_SPAN:
            thread = trace.threads[trace.thread[span]]
            key = thread.resource, thread.thread_id, token
            if key not in without:
                without[key] = _Found(span, None, token, planner)
                found.append(without[key])
            without[key].steps.append(span)
        elif not around or (token and token != around[-1].token):
            around.append(_Found(span, span, token, planner))
            found.append(around[-1])
    return found


def _outcome(trace: Trace, span: int) -> str:
    """How the span ended."""
    if trace.status(span).code == ERROR:
        return FAILED
    return CUT_SHORT if trace.unfinished(span) else FINISHED


def _iterations(trace: Trace, steps: List[int]) -> List[int]:
    """The iterations of one scenario's steps: all different, and where possible what the spans say."""
    said = [whole(trace.attributes(step).get(semconv.STEP_INDEX)) for step in steps]
    taken: Set[int] = set()
    iterations = []
    for index in said:
        iterations.append(-1 if index in taken else index)
        taken.add(index)
    free = 0
    for place, iteration in enumerate(iterations):
        if iteration < 0:
            free = max(free, place)
            while free in taken:
                free += 1
            taken.add(free)
            iterations[place] = free
    return iterations
