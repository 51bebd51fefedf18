"""The data of the page that draws two sides."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, List

from fakes.otlp import trace_of
from hypothesis import given, settings
from made_up import HOSTILE, traces
from test_html import Page, data_of
from two_sides import base_run, built, merged_difference, new_run

from nutrace.trace import Trace
from nutrace_exporters import diffpage
from nutrace_exporters.difference import Difference
from nutrace_exporters.difftree import BASE, NEW


def page(difference: Difference, **options: Any) -> bytes:
    out = io.BytesIO()
    diffpage.export(difference, out, diffpage.Options(**options))
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(base=traces(), new=traces())
def test_columns_hold_the_tree(base: Trace, new: Trace) -> None:
    difference = merged_difference(base, new)
    data, columns = data_of(page(difference))
    nodes = list(difference.tree.heaviest_first())
    depth = 0
    depths: List[int] = []
    for rise in columns["rise"]:
        depth += 1 - rise
        depths.append(depth)
    assert depths == [level for level, _ in nodes]
    for side, name in ((BASE, "base"), (NEW, "new")):
        assert columns[f"{name}_self"] == [node.self_ns[side] for _, node in nodes]
        assert columns[f"{name}_calls"] == [node.calls[side] for _, node in nodes]
        assert columns[f"{name}_spans"] == [node.spans[side] for _, node in nodes]
    names = [data["strings"][data["frames"][frame][0]] for frame in columns["frame"]]
    assert names == [node.frame.name for _, node in nodes]


def test_what_is_told_of_the_sides(tmp_path: Path) -> None:
    data, _ = data_of(page(built(base_run(tmp_path), new_run(tmp_path)), title="my title"))
    assert data["run"]["title"] == "my title"
    assert [1, "", [50_000, 30_000], [50_000, 30_000]] in data["difference"].pop("scatters")
    assert data["difference"] == {
        "unit": "step",
        "units": [2, 2],
        "words": ["base", "new"],
        "names": ["old", "fresh"],
        "runs": [1, 1],
        "steps": [2, 2],
    }
    assert data["run"]["warnings"] == ["New: 1 span never ended; drawn up to the last known time."]
    facts = dict(data["run"]["facts"])
    assert facts["New"] == "fresh, 1 run, 2 finished steps"
    assert facts["Host"] == "testhost", "what both sides have in common is said once"


def test_equal_sides_give_equal_bytes(tmp_path: Path) -> None:
    base, new = base_run(tmp_path), new_run(tmp_path)
    assert page(built(base, new)) == page(built(base, new))


def test_names_are_text(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, *((name, 10 * k, 10 * k + 5) for k, name in enumerate(HOSTILE)))
    told = Page(page(merged_difference(trace, trace)))
    assert [tag for tag, _ in told.tags if tag in ("img", "iframe")] == []
    assert sum(1 for tag, _ in told.tags if tag == "script") == 3
