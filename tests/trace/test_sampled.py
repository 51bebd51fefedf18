"""Samples of groups of spans."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from nutrace.trace.sampled import SampledGroup


def group(own: int, nodes: List[Tuple[int, int, int]]) -> SampledGroup:
    return SampledGroup(own, *(array(kind, [node[at] for node in nodes]) for at, kind in enumerate("iiq")))


stacks = st.dictionaries(
    st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple), st.integers(1, 9), max_size=8
)


@given(stacks)
def test_functions_have_the_samples_of_their_stacks(counts: dict[Tuple[int, ...], int]) -> None:
    paths = sorted({stack[:depth] for stack in counts for depth in range(1, len(stack) + 1)})
    numbers = {path: number for number, path in enumerate(paths)}
    nodes = [(numbers.get(path[:-1], -1), path[-1], counts.get(path, 0)) for path in paths]
    own, total = Counter(), Counter()  # type: Counter[int], Counter[int]
    for stack, count in counts.items():
        own[stack[-1]] += count
        total.update(dict.fromkeys(set(stack), count))
    assert group(3, nodes).by_function() == {function: (own[function], total[function]) for function in total}


@given(st.integers(0, 10**13), st.integers(0, 50), st.lists(st.integers(0, 50), max_size=6))
def test_a_self_time_is_divided_without_rest(self_ns: int, own: int, counts: List[int]) -> None:
    made = group(own, [(-1, 0, count) for count in counts])
    own_ns, parts = made.spread(self_ns)
    assert own_ns + sum(parts) == self_ns
    for part, count in zip([own_ns, *parts], [own, *counts]):
        if made.samples:
            assert abs(part - self_ns * count / made.samples) <= max(1, self_ns * 1e-12)
