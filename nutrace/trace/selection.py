"""Select a part of a trace: scenarios, their steps, a component."""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate
from operator import index as as_int
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple, Union

from nutrace.errors import UsageError
from nutrace.trace.addresses import Addresses, Scenario
from nutrace.trace.scenario_choice import choose_scenarios
from nutrace.trace.trace import RawColumns, Trace
from nutrace.trace.views import Steps

_STEPS = re.compile(r"(\d*)(:?)(\d*)\Z", re.ASCII)
_DASHED = re.compile(r"(\d+)(?:-|\.\.|,)(\d+)\Z", re.ASCII)  # what others write for a range


def parse_steps(text: str) -> range:
    """Read ``--steps``: ``10:20`` is steps 10 to 19, ``5`` is step 5, ``10:`` is 10 to the last.

    Raises
    ------
    UsageError
        If it is written in another way, or holds no step.
    """
    match = _STEPS.match(text.strip())
    if match is None or not any(match.groups()) or len(text) > 40:
        near = _DASHED.match(text.strip()[:40])
        raise UsageError(
            f"bad --steps {text[:40]!r}: write A:B (from A up to, not including, B), A: or one number"
            + (f"; did you mean {near[1]}:{near[2]}?" if near else "")
        )
    first, colon, last = match.groups()
    start = int(first or 0)
    stop = (int(last) if last else sys.maxsize) if colon else start + 1
    if stop <= start:
        raise UsageError(f"bad --steps {text!r}: it holds no step, {stop} is not after {start}")
    return range(start, stop)


def select(
    trace: Trace,
    steps: Optional[Steps] = None,
    component: Optional[str] = None,
    scenario: Optional[Union[str, int]] = None,
) -> Trace:
    """The part of a trace with the given scenarios, of these the given steps, and of these a component.

    The selected subtrees become roots; within them, self times and totals stay. Addresses stay as well:
    scenarios and steps keep their numbers.

    Parameters
    ----------
    steps:
        A range of iterations, one of them, or text that :func:`parse_steps` reads. They are selected in each
        of the scenarios.
    component:
        A component's name: its outermost spans.
    scenario:
        A token or its beginning, a type, or a number, an integer or as text; see
        :func:`nutrace.trace.scenario_choice.choose_scenarios`.

    Raises
    ------
    UsageError
        If there is no such scenario, no such step, or no span of that component.
    """
    if steps is None and component is None and scenario is None:
        return trace
    tops, where = chosen_tops(trace, steps, scenario)
    chosen = [where]
    if component is not None:
        chosen.append(f"component {component}")
        tops = outermost(trace, tops, trace.component, {component})
        if not tops:
            has = ", ".join(sorted(set(trace.component)))
            raise UsageError(
                f"no span of component {component!r} in what is selected of {trace.path}: it has {has}"
            )
    return replace(subtrees(trace, tops), selection=narrowed(trace, *chosen))


def narrowed(trace: Trace, *words: str) -> str:
    """What the selection of a part of a trace is, in words; empty ones are left out."""
    return ", ".join(each for each in (trace.selection, *words) if each)


def chosen_tops(
    trace: Trace, steps: Optional[Steps] = None, scenario: Optional[Union[str, int]] = None
) -> Tuple[List[int], str]:
    """The outermost spans of some scenarios, or of their steps, and words for them; all roots without these.

    Parameters and errors are those of :func:`select`.
    """
    tops: List[int] = trace.roots
    scenarios, where = trace.simulations, ""
    if scenario is not None:
        scenarios, where = choose_scenarios(trace, scenario)
        numbers = {each.number for each in scenarios}
        tops = outermost(trace, tops, trace.addresses.scenario_of, numbers)
    if steps is not None:
        steps = _as_range(steps)
        tops, has = _steps_of(trace, steps, scenarios)
        if not tops:
            within = f"{where} of " if where else ""
            raise UsageError(f"no step {_words(steps)} in {within}{trace.path}: {has}")
        where = _steps_chosen(trace, steps, tops, scenarios, where)
    return tops, where


def _as_range(steps: Steps) -> range:
    if isinstance(steps, range):
        return steps
    if isinstance(steps, str):
        return parse_steps(steps)
    step = as_int(steps)  # numpy's integers too
    return range(step, step + 1)


def _words(steps: range) -> str:
    if len(steps) == 1:
        return str(steps.start)
    return f"{steps.start}:{'' if steps.stop == sys.maxsize else steps.stop}"


def _steps_of(trace: Trace, steps: range, scenarios: Sequence[Scenario]) -> Tuple[List[int], str]:
    """The outermost of the steps that some scenarios have, and which steps these have, in words."""
    numbers = {each.number for each in scenarios}
    tops: List[int] = []
    first = last = -1
    for span, (number, iteration) in zip(trace.step_indices, trace.step_addresses):
        if number in numbers:
            first, last = iteration if first < 0 else min(first, iteration), max(last, iteration)
            if iteration in steps and not (tops and span < trace.subtree_end[tops[-1]]):
                tops.append(span)
    return tops, "it has no steps" if first < 0 else f"it has steps {first} to {last}"


def _steps_chosen(
    trace: Trace, steps: range, tops: Sequence[int], scenarios: Sequence[Scenario], where: str
) -> str:
    """What was selected: ``steps 10 to 19 of each of 12 scenarios``."""
    if len(steps) == 1:
        words = f"step {steps.start}"
    elif steps.stop != sys.maxsize:
        words = f"steps {steps.start} to {steps[-1]}"
    else:
        words = f"steps from {steps.start} on" if steps.start else "all steps"
    if len(steps) > 1 and steps.step != 1:
        words += f" by {steps.step}"
    if len(scenarios) == 1:
        return f"{words} of {where}" if where else words
    having = len({trace.addresses.scenario_of[top] for top in tops})
    if having == len(scenarios):
        return f"{words} of each of {where or f'{having:,} scenarios'}"
    return f"{words} of {having:,} of {where or f'{len(scenarios):,} scenarios'}"


def outermost(trace: Trace, tops: Iterable[int], column: Sequence[Any], wanted: Set[Any]) -> List[int]:
    """The outermost spans below `tops`, these included, of which a column has one of the values `wanted`."""
    found = []
    for top in tops:
        span, end = top, trace.subtree_end[top]
        while span < end:
            if column[span] in wanted:
                found.append(span)
                span = trace.subtree_end[span]
            else:
                span += 1
    return found


def subtrees(trace: Trace, tops: List[int]) -> Trace:
    """The subtrees of some spans, of which none is in another's, as a trace."""
    ends = [trace.subtree_end[top] for top in tops]

    def cut(column: Any) -> Any:
        result = column[:0]
        for top, end in zip(tops, ends):
            result += column[top:end]
        return result

    parent, depth, subtree_end = array("i"), array("i"), array("i")
    for top, end in zip(tops, ends):
        shift, rise = len(parent) - top, trace.depth[top]
        parent.append(-1)
        parent.extend([up + shift for up in trace.parent[top + 1 : end]])
        depth.extend([level - rise for level in trace.depth[top:end]])
        subtree_end.extend([after + shift for after in trace.subtree_end[top:end]])

    begins = [0, *accumulate(end - top for top, end in zip(tops, ends))]

    def number(span: int) -> int:
        """The number that a span gets; -1 if it is left out."""
        at = bisect_left(ends, span + 1)
        return begins[at] + span - tops[at] if at < len(tops) and span >= tops[at] else -1

    def moved(extras: Dict[int, bytes]) -> Dict[int, bytes]:
        return {number(span): value for span, value in extras.items() if number(span) >= 0}

    scenario_of = cut(trace.addresses.scenario_of)
    scenarios = moved_scenarios(trace, scenario_of, number)
    raw, sampled = trace.raw, trace.sampled
    columns = (
        *("name", "component", "start_ns", "end_ns", "busy_ns", "self_ns", "own_ns"),
        *("calls", "yielded", "thread"),
    )
    return replace(
        trace,
        **{column: cut(getattr(trace, column)) for column in columns},
        parent=parent,
        depth=depth,
        subtree_end=subtree_end,
        sampled=replace(sampled, group_of=cut(sampled.group_of)) if sampled else None,
        kept=Addresses(scenarios, scenario_of, cut(trace.addresses.iteration_of)),
        raw=RawColumns(
            span_id=cut(raw.span_id),
            trace_id=cut(raw.trace_id),
            kind=cut(raw.kind),
            by_api=cut(raw.by_api),
            unfinished=cut(raw.unfinished),
            attributes=cut(raw.attributes),
            single_rows=cut(trace.single_rows),
            clocked_ns=cut(trace.clocked_ns),
            events=moved(raw.events),
            status=moved(raw.status),
            trace_ids=raw.trace_ids,
            odd_ids=raw.odd_ids,
        ),
    )


def moved_scenarios(
    trace: Trace, scenario_of: Sequence[int], number: Callable[[int], int]
) -> Tuple[Scenario, ...]:
    """The scenarios that a part of a trace has spans of.

    Parameters
    ----------
    scenario_of:
        The scenario of each span of the part.
    number:
        The number in the part that a span of the whole gets; -1 if it is left out.
    """
    left = set(scenario_of)
    return tuple(
        replace(
            scenario,
            span=None if scenario.span is None or number(scenario.span) < 0 else number(scenario.span),
            steps=tuple(number(step) for step in scenario.steps if number(step) >= 0),
        )
        for scenario in trace.simulations
        if scenario.number in left
    )
