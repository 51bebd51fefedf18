"""Regions and addresses of any tree are what their definitions say of each span."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Sequence

from fakes.otlp import trace_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nutrace.analysis import Region, Regions, divide
from nutrace.trace import Trace

NAMES = "simulation.run", "simulation.step", "simulation.step", "plan", "query"
COMPONENTS = "database", "planner", "simulation"


@st.composite
def trees(draw: st.DrawFn, start: int = 0, end: int = 600, depth: int = 5) -> List[Any]:
    """Nested tuples on two threads; simulations and steps anywhere, some of them unfinished."""
    made = []
    at = start
    while depth and end - at > 3 and draw(st.booleans()):
        begin = draw(st.integers(at, end - 2))
        finish = draw(st.integers(begin, end))
        more = {
            "nutrace.component": draw(st.sampled_from(COMPONENTS)),
            "thread.id": draw(st.sampled_from([1, 1, 1, 2])),
            "nuplan.scenario.token": draw(st.sampled_from("ab")),
            "nutrace.unfinished": draw(st.integers(0, 5)) == 5,
        }
        name = draw(st.sampled_from(NAMES))
        made.append((name, begin, finish, draw(trees(begin, finish, depth - 1)), more))
        at = finish
    return made


def _above(trace: Trace, span: int) -> Iterator[int]:
    """The span and its ancestors, the innermost first."""
    while span >= 0:
        yield span
        span = trace.parent[span]


def _region(trace: Trace, span: int) -> Region:
    path = list(_above(trace, span))
    steps = [place for place, each in enumerate(path) if each in trace.finished_steps]
    if not steps:
        return Region.OUTSIDE
    nested = all(trace.nested(each) for each in path[: steps[0]])
    return Region.INSIDE if nested else Region.BESIDE


def _is_outermost(trace: Trace, regions: Regions, values: Sequence[str], span: int) -> bool:
    for each in _above(trace, span):
        if each != span and values[each] == values[span]:
            return False
        if not trace.nested(each) or each in regions.steps:
            break
    return True


def _inner_step_ns(trace: Trace, regions: Regions, span: int) -> int:
    def lies_in(step: int) -> bool:
        for each in _above(trace, step):
            if each == span:
                return each != step
            if not trace.nested(each):
                break
        return False

    return sum(trace.busy_ns[step] for step in regions.steps if lies_in(step))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_every_span_is_where_it_ran(tree: List[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        trace = trace_of(Path(directory), ("main", 0, 600, tree))
    regions, spans = divide(trace), range(len(trace))
    assert list(regions.region) == [_region(trace, span) for span in spans]
    for outermost, values in (
        (regions.outermost_component, trace.component),
        (regions.outermost_name, trace.name),
    ):
        assert list(outermost) == [_is_outermost(trace, regions, values, span) for span in spans]
    assert list(regions.inner_step_ns) == [_inner_step_ns(trace, regions, span) for span in spans]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_every_span_has_the_address_of_the_innermost_simulation_or_step(tree: List[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        trace = trace_of(Path(directory), ("main", 0, 600, tree))
    step_addresses = dict(zip(trace.step_indices, trace.step_addresses))
    addresses = {**{scenario.span: (scenario.number, -1) for scenario in trace.simulations}, **step_addresses}
    for span in range(len(trace)):
        around = (addresses[each] for each in _above(trace, span) if each in addresses)
        scenario, iteration = next(around, (0, -1))
        assert (trace.addresses.scenario_of[span], trace.addresses.iteration_of[span]) == (
            scenario,
            iteration,
        )
