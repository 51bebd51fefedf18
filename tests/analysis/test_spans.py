"""The table of span kinds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List

from fakes.otlp import merged, trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.analysis import SpanCost, divide, span_costs
from nutrace.percentiles import percentile
from nutrace.sketch import ERROR


def _table(tmp_path: Path, *spans: Any) -> Dict[str, SpanCost]:
    trace = trace_of(tmp_path, *spans)
    return {cost.name: cost for cost in span_costs(trace, divide(trace))}


def test_calls_total_self_and_percentiles(tmp_path: Path) -> None:
    plans = [("plan", 100 * i, 100 * i + i, [("query", 100 * i, 100 * i + 1)]) for i in range(1, 101)]
    table = _table(tmp_path, ("run", 0, 20_000, plans))
    plan = table["plan"]
    assert (plan.calls, plan.total_ns, plan.self_ns) == (100, 5_050_000, 4_950_000)
    assert (plan.mean_ns, plan.p50_ns, plan.p95_ns) == (50_500, 50_000, 95_000)
    assert list(table) == ["run", "plan", "query"]


def test_recursion_is_one_call(tmp_path: Path) -> None:
    cost = _table(tmp_path, ("copy", 0, 100, [("copy", 10, 90, [("copy", 20, 30)])]))["copy"]
    assert (cost.calls, cost.total_ns, cost.self_ns, cost.mean_ns) == (1, 100_000, 100_000, 100_000)


def test_composites_of_which_only_the_mean_is_known_have_no_percentiles(tmp_path: Path) -> None:
    many = {"nutrace.busy_ns": 90_000, "nutrace.composite.count": 90}
    cost = _table(
        tmp_path, ("leaf", 0, 100, many), *((("leaf", 200 * i, 200 * i + 50)) for i in range(1, 11))
    )["leaf"]
    assert (cost.calls, cost.total_ns, cost.mean_ns) == (100, 590_000, 5_900)
    assert (cost.p50_ns, cost.p95_ns) == (None, None)


def test_composites_of_equal_times_need_no_buckets(tmp_path: Path) -> None:
    """Nor do those of up to three calls: so it is in older files, too."""
    equal, three = merged([1_000] * 90), merged([2_000, 40_000, 3_000])
    assert "nutrace.composite.times" not in {**equal, **three}
    cost = _table(tmp_path, ("leaf", 0, 100, equal), ("leaf", 200, 250, three))["leaf"]
    assert (cost.calls, cost.p50_ns, cost.p95_ns) == (93, 1_000, 1_000)
    assert _table(tmp_path, ("leaf", 0, 100, three))["leaf"].p50_ns == 3_000


@given(
    st.lists(st.lists(st.integers(1, 200_000), min_size=1, max_size=40), min_size=1, max_size=8),
    st.lists(st.integers(1, 10**9), max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_percentiles_of_merged_calls_are_right_to_five_percent(
    parts: List[List[int]], alone: List[int]
) -> None:
    """Of several composite spans, and calls that were not merged."""
    spans: List[Any] = [("leaf", 10_000 * i, 10_000 * i + 9_000, merged(m)) for i, m in enumerate(parts)]
    spans += [
        ("leaf", 10_000_000 * i, 10_000_000 * i + 9_000_000, {"nutrace.busy_ns": took})
        for i, took in enumerate(alone, start=1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        cost = _table(Path(folder), *spans)["leaf"]
    times = [took for many in parts for took in many] + alone
    for percent, found in ((50, cost.p50_ns), (95, cost.p95_ns)):
        exact = percentile(times, percent)
        assert found is not None
        assert abs(found - exact) <= ERROR * exact + 0.5


def test_a_generator_resumed_elsewhere_is_one_call(tmp_path: Path) -> None:
    first = {"nutrace.busy_ns": 3_000, "nutrace.generator.yielded": 2}
    more = {
        "nutrace.busy_ns": 4_000,
        "nutrace.generator.yielded": 5,
        "nutrace.generator.continues": f"{2:016x}",
    }
    cost = _table(tmp_path, ("a", 0, 10, [("rows", 0, 9, first)]), ("b", 20, 30, [("rows", 20, 29, more)]))[
        "rows"
    ]
    assert (cost.calls, cost.yielded, cost.total_ns) == (1, 7, 7_000)
    assert (cost.mean_ns, cost.p50_ns, cost.p95_ns) == (7_000, 7_000, 7_000)


def test_one_name_in_two_components_is_two_rows(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        ("get", 0, 1, {"nutrace.component": "map"}),
        ("get", 2, 4, {"nutrace.component": "database"}),
    )
    assert [(cost.name, cost.component) for cost in span_costs(trace, divide(trace))] == [
        ("get", "database"),
        ("get", "map"),
    ]
