"""What spans spend their self time in: the parts add up, and each has an interval."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fakes.joined_samples import with_samples
from fakes.otlp import trace_of
from hypothesis import given
from hypothesis import strategies as st

from nutrace.analysis import InsideSpans, divide, inside_spans, samples_of
from nutrace.intervals import FEWEST_SAMPLES, wilson
from nutrace.trace import Trace, select
from nutrace.trace.sampled import SPAN, Sampled, SampledFunction, SampledGroup

C = "nutrace.component"
HEAVY, LIGHT, RARE = ("heavy", "/p.py", 10), ("light", "/p.py", 20), ("rare", "/p.py", 30)


def _code(name: str, line: int) -> Dict[str, Any]:
    return {C: "planner", "code.function.name": name, "code.file.path": "/p.py", "code.line.number": line}


def _step(index: int) -> Any:
    begin = 10_000 * index
    plan = ("plan", begin + 1000, begin + 5000, [("lights", begin + 2000, begin + 3000)], _code("a.plan", 1))
    attributes = {**_code("a.begin", 3), C: "simulation", "nutrace.step.index": index}
    return ("simulation.step", begin, begin + 8000, [plan], attributes)


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    tree = ("simulation.run", 0, 100_000, [_step(index) for index in range(4)], _code("a.run", 2))
    return trace_of(tmp_path, tree)


def _inside(trace: Trace) -> List[InsideSpans]:
    return list(inside_spans(trace, divide(trace)))


def test_a_span_is_divided_as_its_samples_are(trace: Trace) -> None:
    sampled = with_samples(trace, {"plan": [((), 20), ((HEAVY,), 50), ((HEAVY, LIGHT), 25), ((RARE,), 5)]})
    (plan,) = _inside(sampled)
    assert (plan.span, plan.component, plan.samples, plan.blocks) == ("plan", "planner", 100, ())
    assert (plan.self_ns, plan.self_in_steps_ns, plan.not_sampled_ns) == (12_000_000, 12_000_000, 0)
    heavy, light, itself = plan.functions
    assert (heavy.function, heavy.file, heavy.line, heavy.samples) == (*HEAVY, 50)
    assert (heavy.own_ns, heavy.total_ns, heavy.total_samples) == (6_000_000, 9_000_000, 75)
    assert (heavy.share, heavy.share_low, heavy.share_high) == (0.5, *wilson(50, 100))
    assert (heavy.total_share, heavy.total_low, heavy.total_high) == (0.75, *wilson(75, 100))
    assert (light.function, light.own_ns, light.total_ns) == ("light", 3_000_000, 3_000_000)
    assert (itself.function, itself.itself, itself.own_ns, itself.line) == ("a.plan", True, 2_400_000, 1)
    assert (plan.others.functions, plan.others.samples, plan.others.own_ns) == (1, 5, 600_000)


def test_a_part_has_the_same_shares(trace: Trace) -> None:
    sampled = with_samples(trace, {"plan": [((HEAVY,), 75), ((LIGHT,), 25)]})
    (plan,) = _inside(select(sampled, steps="1:3"))
    assert [(row.own_ns, row.share) for row in plan.functions if not row.itself] == [
        (4_500_000, 0.75),
        (1_500_000, 0.25),
    ]


def test_recursion_counts_once(trace: Trace) -> None:
    sampled = with_samples(trace, {"plan": [((HEAVY, LIGHT, HEAVY), 50), ((HEAVY,), 50)]})
    heavy = _inside(sampled)[0].functions[0]
    assert (heavy.own_ns, heavy.total_ns, heavy.total_samples) == (12_000_000, 12_000_000, 100)


def test_blocks_share_the_group_of_the_function_around_them(trace: Trace) -> None:
    sampled = with_samples(trace, {"simulation.run": [((HEAVY,), 30)]})
    assert sampled.sampled is not None
    run = sampled.sampled.group_of[0]
    group_of = array("i", [run if name.startswith("simulation") else -1 for name in trace.name])
    sampled = replace(sampled, sampled=replace(sampled.sampled, group_of=group_of))
    (row,) = _inside(sampled)
    assert (row.span, row.blocks) == ("simulation.run", ("simulation.step",))
    assert row.self_ns == trace.self_ns[0] + 4 * 4_000_000
    assert row.self_in_steps_ns == 4 * 4_000_000


def test_a_block_in_a_selected_part(trace: Trace) -> None:
    sampled = with_samples(trace, {"simulation.step": [((), 30)]})
    (row,) = _inside(select(sampled, steps="1:3"))
    assert (row.span, row.functions[0].function, row.functions[0].file) == (
        "simulation.step",
        "simulation.step",
        "",
    )


def _grouped(trace: Trace, groups: List[SampledGroup], of: Dict[int, int]) -> Trace:
    functions = tuple(SampledFunction(f"f{number}") for number in range(10))
    group_of = array("i", [of.get(span, -1) for span in range(len(trace))])
    return replace(trace, sampled=Sampled(functions, tuple(groups), group_of, 0, 0))


def _group(own: int, *nodes: Tuple[int, int, int]) -> SampledGroup:
    columns = list(zip(*nodes)) or [(), (), ()]
    return SampledGroup(own, array("i", columns[0]), array("i", columns[1]), array("q", columns[2]))


def test_thinly_sampled_groups_widen_the_interval(trace: Trace) -> None:
    plans = [span for span, name in enumerate(trace.name) if name == "plan"]
    half = _group(0, (SPAN, 0, 50), (SPAN, 1, 50))
    few = _group(0, (SPAN, 0, 5), (SPAN, 1, 5))
    (evenly,) = _inside(_grouped(trace, [half, half], {plans[0]: 0, plans[1]: 1}))
    (thinly,) = _inside(_grouped(trace, [half, few], {plans[0]: 0, plans[1]: 1}))
    assert evenly.functions[0].share == thinly.functions[0].share == 0.5
    assert evenly.functions[0].share_low == wilson(100, 200)[0]
    # Half of the time has 100 samples, and half 10: as much as 1 / (0.25 / 100 + 0.25 / 10) of one group.
    assert thinly.functions[0].share_low == pytest.approx(wilson(400 / 22, 400 / 11)[0])


def test_spans_without_samples_are_said(trace: Trace) -> None:
    plans = [span for span, name in enumerate(trace.name) if name == "plan"]
    (row,) = _inside(_grouped(trace, [_group(30)], {plans[0]: 0}))
    assert (row.self_ns, row.not_sampled_ns) == (3_000_000, 9_000_000)


def test_no_samples(trace: Trace) -> None:
    assert _inside(trace) == []
    assert samples_of(trace) is None


@st.composite
def _groups(draw: Any) -> SampledGroup:
    parents: List[int] = []
    path: List[int] = []
    for node in range(draw(st.integers(0, 12))):
        path = path[: draw(st.integers(0, len(path)))]
        parents.append(path[-1] if path else SPAN)
        path.append(node)
    counts = [draw(st.integers(0, 30)) for _ in parents]
    functions = [draw(st.integers(0, 5)) for _ in parents]
    return _group(draw(st.integers(1, 30)), *zip(parents, functions, counts))


@given(st.lists(_groups(), min_size=1, max_size=4), st.data())
def test_parts_add_up(
    tmp_path_factory: pytest.TempPathFactory, groups: List[SampledGroup], data: Any
) -> None:
    tree = ("simulation.run", 0, 100_000, [_step(index) for index in range(4)], _code("a.run", 2))
    trace = trace_of(tmp_path_factory.mktemp("inside"), tree)
    of = {span: data.draw(st.integers(-1, len(groups) - 1)) for span in range(len(trace))}
    for row in _inside(_grouped(trace, groups, of)):
        assert sum(function.own_ns for function in row.functions) + row.others.own_ns == row.self_ns
        assert sum(function.samples for function in row.functions) + row.others.samples == row.samples
        assert (
            sum(f.own_in_steps_ns for f in row.functions) + row.others.own_in_steps_ns == row.self_in_steps_ns
        )
        for function in row.functions:
            assert 0 <= function.own_ns <= function.total_ns <= row.self_ns
            assert 0 <= function.samples <= function.total_samples <= row.samples
            assert function.total_samples >= FEWEST_SAMPLES
            assert 0 <= function.share_low <= function.share <= function.share_high <= 1
            assert 0 <= function.total_low <= function.total_share <= function.total_high <= 1
