"""Deep copies are added up once: by source, in the steps and outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.otlp import RESOURCE, trace_of

from nutrace import semconv
from nutrace.analysis.deepcopies import Amount, TypeInside, deep_copies
from nutrace.analysis.origins import Caller

C = semconv.COMPONENT
STEP = {C: "simulation"}


def copies(
    begin: float,
    end: float,
    objects: int = 0,
    *,
    name: str = "copy.deepcopy",
    line: int = 7,
    root_type: str = "dict",
    calls: int = 1,
    below: Any = (),
    **more: Any,
) -> Any:
    """A span of copies; times in microseconds."""
    attributes: Dict[str, Any] = {
        C: "deepcopy",
        semconv.CODE_FUNCTION: "pkg.caller",
        semconv.CODE_FILE: "/pkg.py",
        semconv.CODE_LINE: line,
        semconv.COPY_ROOT_TYPE: root_type,
        **more,
    }
    if objects:
        attributes[semconv.COPY_OBJECTS] = objects
    if calls != 1:
        attributes[semconv.COMPOSITE_COUNT] = calls
    return (name, begin, end, list(below), attributes)


def test_inside_beside_and_outside_the_steps(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        copies(0, 10, 5),
        (
            semconv.STEP_SPAN,
            100,
            200,
            [
                ("planner.compute", 110, 150, [copies(120, 140, 30, calls=4)], {C: "planner"}),
                copies(160, 165, 2, **{"thread.id": 9}),
            ],
            STEP,
        ),
    )
    result = deep_copies(trace)
    assert result.steps == 1
    assert result.amount == Amount(6, 37, 35_000)
    assert result.in_steps == Amount(4, 30, 20_000)
    assert result.beside_steps == Amount(1, 2, 5_000)
    where = [(source.component, source.amount.root_calls) for source in result.sources]
    assert where == [("planner", 4), ("other", 1), ("simulation", 1)]


def test_sources_are_callers_types_and_components(tmp_path: Path) -> None:
    spans = [
        copies(0, 1, 1),
        copies(2, 4, 1),
        copies(5, 8, 1, line=8),
        copies(9, 15, 1, root_type="list"),
    ]
    result = deep_copies(trace_of(tmp_path, *spans))
    assert [(source.caller.line, source.root_type, source.amount.total_ns) for source in result.sources] == [
        (7, "list", 6_000),
        (7, "dict", 3_000),
        (8, "dict", 3_000),
    ]
    assert result.sources[0].caller == Caller("pkg.caller", "/pkg.py", 7)


def test_numbers_of_nested_roots(tmp_path: Path) -> None:
    nested = {
        semconv.COPY_NESTED: 3,
        semconv.COPY_NESTED_OBJECTS: 12,
        semconv.COPY_DEPTH: 2,
    }
    (source,) = deep_copies(trace_of(tmp_path, copies(0, 1, 1, **nested), copies(2, 3, 1))).sources
    assert (source.nested_calls, source.nested_objects, source.depth) == (3, 12, 2)
    assert source.amount == Amount(2, 2, 2_000)


def test_types_add_up(tmp_path: Path) -> None:
    inside = {"a": {"objects": 1, "bytes": 10}, "b": {"objects": 2, "bytes": 400}}
    spans = [copies(start, start + 1, 1, **{semconv.COPY_TYPES: inside}) for start in (0, 2)]
    (source,) = deep_copies(trace_of(tmp_path, *spans)).sources
    assert source.types == (TypeInside("b", 4, 800), TypeInside("a", 2, 20))


def test_a_deep_copy_in_another_is_part_of_it(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, copies(0, 10, 5, below=[("work", 1, 9, [copies(2, 8, 3, line=9)], {C: "map"})])
    )
    result = deep_copies(trace)
    assert result.amount == Amount(1, 5, 10_000)


def test_times_of_copies_of_all_kinds_add_up(tmp_path: Path) -> None:
    # A pickle that makes a deep copy that makes a shallow one and a pickle; a shallow copy in a
    # shallow copy; a shallow copy in a pickle.
    trace = trace_of(
        tmp_path,
        copies(
            0,
            100,
            name="pickle.dumps",
            below=[
                copies(
                    10,
                    60,
                    4,
                    line=8,
                    below=[
                        copies(20, 30, name="copy.copy", line=1),
                        copies(30, 50, name="pickle.dumps", line=2),
                    ],
                ),
                copies(70, 80, name="copy.copy", line=3),
            ],
        ),
        copies(200, 220, name="copy.copy", line=4, below=[copies(205, 210, name="copy.copy", line=5)]),
    )
    result = deep_copies(trace)
    assert result.amount == Amount(1, 4, 50_000)
    others = {(other.kind, other.caller.line): (other.calls, other.total_ns) for other in result.others}
    assert others == {
        ("pickle.dumps", 7): (1, 50_000),
        ("copy.copy", 1): (1, 0),
        ("pickle.dumps", 2): (0, 0),  # within the first: one call
        ("copy.copy", 3): (1, 0),
        ("copy.copy", 4): (1, 20_000),
        ("copy.copy", 5): (0, 0),
    }
    whole = result.amount.total_ns + sum(other.total_ns for other in result.others)
    assert whole == sum(trace.busy_ns[root] for root in trace.roots)


@pytest.mark.parametrize(
    ("probes", "recorded"), [(["copy:deepcopy", "x:y"], True), (["x:y"], False), ("copy:deepcopy", False)]
)
def test_whether_anybody_looked(tmp_path: Path, probes: Any, recorded: bool) -> None:
    trace = trace_of(tmp_path, ("work", 0, 1), resource={**RESOURCE, semconv.PROBES: probes})
    assert deep_copies(trace).recorded is recorded


def test_spans_of_others_with_these_names_do_not_count(tmp_path: Path) -> None:
    assert deep_copies(trace_of(tmp_path, ("copy.deepcopy", 0, 1), ("copy.copy", 2, 3))).amount == Amount()
