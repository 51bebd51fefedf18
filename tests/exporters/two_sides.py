"""Runs to compare, in which somebody can add up every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Tuple

from fakes.otlp import RESOURCE, trace_of

from nutrace.trace import Trace
from nutrace_exporters.difference import Difference, DifferenceBuilder, Side
from nutrace_exporters.difftree import BASE, NEW, DiffTree

PLANNER, DATABASE = {"nutrace.component": "planner"}, {"nutrace.component": "database"}


def step(index: int, start: float, end: float, *children: Any, **attributes: Any) -> Tuple[Any, ...]:
    return ("simulation.step", start, end, list(children), {"nutrace.step.index": index, **attributes})


def run(path: Path, name: str, *tree: Any) -> Trace:
    """A run with an id of its own."""
    folder = path / name
    folder.mkdir()
    return trace_of(folder, *tree, resource={**RESOURCE, "nutrace.run.id": name})


def base_run(path: Path) -> Trace:
    """Two steps (us), which plan for 10 and 12, look something up twice each, and something else once."""
    return run(
        path,
        "base",
        (
            "simulation.run",
            0,
            200,
            [
                step(
                    0,
                    0,
                    40,
                    ("plan", 0, 30, [("rows", 5, 25, DATABASE)], PLANNER),
                    ("rows", 30, 38, DATABASE),
                ),
                step(1, 40, 100, ("plan", 40, 82, [("rows", 45, 75, DATABASE)], PLANNER), ("once", 82, 90)),
                ("metrics", 100, 190),
            ],
        ),
    )


def new_run(path: Path) -> Trace:
    """Three steps, of which the last one is cut short, without lookups outside the planner."""
    return run(
        path,
        "new",
        (
            "simulation.run",
            0,
            150,
            [
                step(0, 0, 30, ("plan", 0, 20, [("rows", 5, 15, DATABASE)], PLANNER)),
                step(1, 30, 60, ("plan", 30, 50, [("cache", 31, 35), ("rows", 35, 45, DATABASE)], PLANNER)),
                step(2, 60, 99, ("plan", 60, 99), **{"nutrace.unfinished": True}),
                ("metrics", 100, 145),
            ],
        ),
    )


def built(base: Trace, new: Trace, component: Any = None) -> Difference:
    builder = DifferenceBuilder(("old", "fresh"), component)
    builder.add(BASE, base)
    builder.add(NEW, new)
    return builder.build()


def merged_difference(base: Trace, new: Trace) -> Difference:
    """Of any two traces, whether it makes sense or not."""
    tree = DiffTree()
    tree.add(BASE, base)
    tree.add(NEW, new)
    tree.sum_up()
    return Difference(tree, (Side("old", (), ()), Side("fresh", (), ())), ("base", "new"), "", "")
