"""Sampled functions below spans in the merged call tree."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from fakes.otlp import trace_of
from hypothesis import given, settings
from made_up import group, sampled_traces, with_samples

from nutrace.intervals import FEWEST_SAMPLES
from nutrace.trace import Trace, select
from nutrace.trace.sampled import SampledFunction
from nutrace_exporters.calltree import Node, SampledNode, merge, walk
from nutrace_exporters.insidetree import shown_group

F, G, H = (SampledFunction(name, "x.py", line) for line, name in enumerate("fgh", 1))


def sampled_nodes(trace: Trace) -> Dict[str, SampledNode]:
    return {node.name: node for _, node in walk(merge(trace)) if isinstance(node, SampledNode)}


def test_a_self_time_is_divided_as_its_samples(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("span", 0, 100, [("inner", 0, 20)]))
    trace = with_samples(trace, [0, -1], [group(10, (-1, 0, 30), (0, 1, 60))], [F, G])
    nodes = sampled_nodes(trace)
    # 80 us of self time: a tenth is the span's own, nine tenths are in f, two thirds of these in g.
    assert {name: (node.total_ns, node.own_ns) for name, node in nodes.items()} == {
        "f": (72_000, 24_000),
        "g": (48_000, 48_000),
    }
    assert merge(trace).children["span"].own_ns == 8_000
    assert nodes["f"].share == "about 90 % (83 to 94)", "Wilson's interval of 90 in 100"
    assert (nodes["f"].samples, nodes["f"].inside.samples) == (90, 100)


def test_a_part_of_a_trace_has_the_same_shares(tmp_path: Path) -> None:
    step = {"nutrace.step.index": 0}
    trace = trace_of(
        tmp_path,
        ("simulation.step", 0, 100, step),
        ("simulation.step", 100, 400, {"nutrace.step.index": 1}),
    )
    trace = with_samples(trace, [0, 0], [group(50, (-1, 0, 50))], [F])
    assert sampled_nodes(trace)["f"].total_ns == 200_000
    assert sampled_nodes(select(trace, steps=1))["f"].total_ns == 150_000


def test_groups_that_meet_in_a_node_are_one_tree(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("span", 0, 100), ("span", 100, 400))
    trace = with_samples(trace, [0, 1], [group(50, (-1, 0, 50)), group(0, (-1, 0, 20))], [F])
    node = sampled_nodes(trace)["f"]
    assert (node.total_ns, node.samples, node.inside.samples) == (350_000, 70, 120)
    # A quarter of the time has 100 samples, three quarters have 20: worth 34.8 samples of one whole.
    assert node.inside.effective_samples == pytest.approx(1 / (0.25**2 / 100 + 0.75**2 / 20))
    assert node.share == "about 88 % (73 to 95)"


def test_functions_with_few_samples_are_joined() -> None:
    few = FEWEST_SAMPLES - 1
    tree = group(5, (-1, 0, 100), (0, 1, few), (0, 2, 4), (2, 1, 5), (0, 0, 50), (-1, 2, 1))
    shown = shown_group(tree)
    rows = list(zip(shown.tree.parent, shown.tree.function, shown.tree.count, shown.joined))
    assert rows == [(-1, 0, 100, 1), (0, 0, 50, 1), (0, -1, few + 4 + 5, 2), (-1, -1, 1, 1)]
    assert shown.samples == [100 + 50 + few + 9, 50, few + 9, 1]
    assert shown.tree.samples == tree.samples


def test_too_few_samples_divide_nothing() -> None:
    shown = shown_group(group(1, (-1, 0, FEWEST_SAMPLES - 2)))
    assert (shown.tree.own, list(shown.tree.count)) == (FEWEST_SAMPLES - 1, [])


def test_names_without_number_do_not_multiply_the_tree(tmp_path: Path) -> None:
    """A block may have a name of its own each time; all of them are in one group."""
    blocks = [(f"item {number}", number, number + 1) for number in range(3000)]
    trace = trace_of(tmp_path, *blocks, ("usual", 3000, 6000))
    deep = [(level - 1, level % 2, 2) for level in range(100)]
    trace = with_samples(trace, [0] * 3001, [group(0, *deep)], [F, G])
    nodes = [node for _, node in walk(merge(trace)) if isinstance(node, SampledNode)]
    assert {node.inside.node.name for node in nodes} == {"usual"}
    assert len(nodes) == 97


@settings(max_examples=200, deadline=None)
@given(trace=sampled_traces())
def test_widths_add_up(trace: Trace) -> None:
    with_them, without = merge(trace), merge(trace, samples=False)
    assert _spans(with_them) == _spans(without), "nothing that was measured changes"
    for _, node in [(0, with_them), *walk(with_them)]:
        functions = [child for child in node.children.values() if isinstance(child, SampledNode)]
        spans = sum(child.total_ns for child in node.children.values()) - sum(f.total_ns for f in functions)
        assert min(node.own_ns, node.total_ns, node.self_ns) >= 0
        if isinstance(node, SampledNode):
            assert node.total_ns == node.own_ns + sum(f.total_ns for f in functions)
            assert node.total_ns <= node.inside.self_ns <= node.inside.node.self_ns
        elif node.calls or not node.children:
            assert node.self_ns == node.own_ns + sum(f.total_ns for f in functions)
            assert node.total_ns == node.self_ns + spans


def _spans(top: Node) -> List[Tuple[int, str, int, int, int]]:
    nodes = [(depth, node) for depth, node in walk(top) if not isinstance(node, SampledNode)]
    return [(depth, node.name, node.calls, node.self_ns, node.total_ns) for depth, node in nodes]
