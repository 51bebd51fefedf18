from __future__ import annotations

import base64
import io
import json
import re
import zlib
from array import array
from dataclasses import replace
from html.parser import HTMLParser
from itertools import accumulate
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from fakes.otlp import merged, priced, trace_of
from hypothesis import given, settings
from made_up import HOSTILE, group, sampled_traces, traces, with_samples

from nutrace.sketch import ERROR
from nutrace.trace import Trace
from nutrace.trace.layout import layout
from nutrace.trace.sampled import SampledFunction
from nutrace_exporters import html
from nutrace_exporters.insidetree import shown_groups

Rendered = Callable[..., bytes]


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts by id."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Dict[str, Any]]] = []
        self.scripts: Dict[str, str] = {}
        self._open = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Any]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id", "code") if tag == "script" else ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.scripts[self._open] = self.scripts.get(self._open, "") + data


def data_of(content: bytes) -> Tuple[Dict[str, Any], Dict[str, List[int]]]:
    """The page's data, and its columns unpacked as the page's script does it."""
    page = Page(content)
    data = json.loads(page.scripts["data"])
    raw = zlib.decompress(base64.b64decode(page.scripts["columns"]))
    columns: Dict[str, List[int]] = {}
    at = 0
    for column in data["columns"]:
        length = column["length"]
        numbers = [column["base"]] * length
        for plane in range(column["planes"]):
            for k in range(length):
                numbers[k] += raw[at + k] << (8 * plane)
            at += length
        columns[column["name"]] = numbers
    assert at == len(raw)
    return data, columns


def test_columns_hold_the_trace(sample: Trace, rendered: Rendered) -> None:
    data, columns = data_of(rendered(html, sample))
    assert data["spans"] == len(sample)
    assert columns["busy"] == list(sample.busy_ns)
    names = [data["strings"][data["frames"][frame][0]] for frame in columns["frame"]]
    assert names == sample.name
    assert list(accumulate(columns["step_at"])) == sample.step_indices
    assert columns["step_iteration"] == [0, 1]
    assert [data["intervals"][known] for known in columns["step_interval"]] == [0.1, 0.1]
    assert [scenario[0] for scenario in data["scenarios"]] == [1]


def test_percentiles_of_merged_calls_are_columns(tmp_path: Path, rendered: Rendered) -> None:
    known, unknown = merged([2_000] * 90 + [100_000] * 10), merged([2_000] * 9 + [100_000])
    del unknown["nutrace.composite.times"]
    trace = trace_of(tmp_path, ("leaf", 0, 2_000, known), ("leaf", 2_000, 3_000, unknown))
    data, columns = data_of(rendered(html, trace))
    assert columns["p50"] == [pytest.approx(2_000, rel=ERROR), 0]
    assert columns["p95"] == [pytest.approx(100_000, rel=ERROR), 0]
    assert not any("composite" in text for text in data["strings"])


def test_what_was_taken_out_is_a_column(tmp_path: Path, rendered: Rendered) -> None:
    """Of a generator the page says how long it was open, and of no other span."""
    inside = [("called", 10, 20), ("rows", 30, 80, {"nutrace.busy_ns": 9_000})]
    _, columns = data_of(
        rendered(html, trace_of(tmp_path, ("top", 0, 100, inside), resource=priced(call=700)))
    )
    assert (columns["own_at"], columns["own"]) == ([0], [1400])
    assert (columns["wall_at"], columns["wall"]) == ([2], [50_000])


def test_a_step_has_no_place_of_its_own(tmp_path: Path, rendered: Rendered) -> None:
    """It lies between two calls of callbacks. A function that somebody gave that name has its place."""
    place = {"code.function.name": "on_step_start", "code.file.path": "callback.py", "code.line.number": 40}
    steps = [
        ("simulation.step", 0, 5, {**place, "nutrace.block": True}),
        ("simulation.step", 6, 9, place),
        ("block", 10, 11, {**place, "nutrace.block": True}),
    ]
    data, columns = data_of(rendered(html, trace_of(tmp_path, *steps)))
    frames = [data["frames"][frame] for frame in columns["frame"]]
    assert [(data["strings"][frame[2]], data["strings"][frame[3]], frame[4]) for frame in frames] == [
        ("", "", 0),
        ("on_step_start", "callback.py", 40),
        ("on_step_start", "callback.py", 40),
    ]


def test_large_times_survive(tmp_path: Path, rendered: Rendered) -> None:
    day_us = 86_400 * 10**6
    _, columns = data_of(
        rendered(html, trace_of(tmp_path, ("a", 0, 30 * day_us), ("b", 30 * day_us, 31 * day_us)))
    )
    assert columns["busy"] == [30 * day_us * 1000, day_us * 1000]


def test_the_page_asks_for_nothing(sample: Trace, rendered: Rendered) -> None:
    content = rendered(html, sample)
    page = Page(content)
    for tag, attributes in page.tags:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes), "the policy forbids inline handlers"
        assert "style" not in attributes, "the policy forbids inline styles"
        if tag == "link":
            assert attributes["href"].startswith("data:")
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(
        rb"\bfetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write|eval\(", content
    )


def test_no_list_becomes_arguments(sample: Trace, rendered: Rendered) -> None:
    """A call takes some 100,000 arguments, and a run may have more steps than that."""
    script = Page(rendered(html, sample)).scripts["code"]
    spread = re.findall(r"(?:Math\.(?:min|max)|\.push|\.unshift)\(\.\.\.(\w+)", script)
    assert sorted(spread) == ["grounds", "insideList"], "those are short"


def test_hostile_names_stay_text(tmp_path: Path, rendered: Rendered) -> None:
    plain = Page(rendered(html, trace_of(tmp_path, *((f"n{k}", k, k + 1) for k in range(len(HOSTILE))))))
    spans = [(name, k, k + 1, {name: name}) for k, name in enumerate(HOSTILE)]
    content = rendered(html, trace_of(tmp_path, *spans), title="</title><script>@@data@@</script>")
    page = Page(content)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    data = json.loads(page.scripts["data"])
    assert "<script>alert(1)</script>" in data["strings"]
    assert "<" not in page.scripts["data"]
    assert data["run"]["title"] == "</title><script>@@data@@</script>"


def test_a_huge_name_is_cut_and_said(tmp_path: Path, rendered: Rendered) -> None:
    content = rendered(html, trace_of(tmp_path, ("x" * 10_000_000, 0, 1, {"sql": "y" * 5_000_000})))
    assert len(content) < 500_000
    strings = json.loads(Page(content).scripts["data"])["strings"]
    assert any(text.endswith("… (10,000,000 characters)") for text in strings)


def test_attributes_beyond_the_budget_are_said(tmp_path: Path, rendered: Rendered, monkeypatch: Any) -> None:
    monkeypatch.setattr("nutrace_exporters.attributes.BUDGET_SETS", 2)
    trace = trace_of(tmp_path, *(("f", k, k + 1, {"k": k}) for k in range(10)))
    data, columns = data_of(rendered(html, trace))
    shown = [[data["strings"][number] for number in data["sets"][each]] for each in columns["set"]]
    assert shown == [
        ["k", "0"],
        ["k", "1"],
        *[["(other attributes)", "left out, to keep this file small"]] * 8,
    ]
    assert data["run"]["warnings"] == ["8 spans shown without some attributes, to keep this file small."]


def test_texts_that_spans_share_are_shown_beyond_the_budget(
    tmp_path: Path, rendered: Rendered, monkeypatch: Any
) -> None:
    """A run of millions of spans has other numbers in each, and a few statements and types."""
    monkeypatch.setattr("nutrace_exporters.attributes.BUDGET_SETS", 3)
    statements = [("s", k, k + 1, {"text": f"SELECT {k % 3}", "rows": k}) for k in range(9)]
    trace = trace_of(
        tmp_path, *statements, ("plain", 10, 11, {"kind": "a"}), ("known", 12, 13, statements[0][3])
    )
    data, columns = data_of(rendered(html, trace))
    shown = [[data["strings"][number] for number in data["sets"][each]] for each in columns["set"]]
    left_out = ["(other attributes)", "left out, to keep this file small"]
    assert shown[:3] == [["text", f"SELECT {k}", "rows", str(k)] for k in range(3)]
    assert shown[3:9] == [["text", f"SELECT {k % 3}", *left_out] for k in range(3, 9)]
    assert shown[9:] == [["kind", "a"], ["text", "SELECT 0", "rows", "0"]]
    assert data["run"]["warnings"] == ["6 spans shown without some attributes, to keep this file small."]


def test_warnings_tell_what_is_missing(tmp_path: Path, rendered: Rendered) -> None:
    resource = {"nutrace.run.id": "r", "nutrace.run.complete": False, "nutrace.spans.dropped": 3}
    data, _ = data_of(rendered(html, trace_of(tmp_path, ("f", 0, 1), resource=resource)))
    assert data["run"]["warnings"] == [
        "The run was cut short: this is what was written until then.",
        "3 spans lost: dropped while recording.",
    ]


def test_the_page_says_where_samples_come_from(sampled: Trace, rendered: Rendered) -> None:
    assert sampled.sampled is not None
    noted = replace(sampled, sampled=replace(sampled.sampled, notes=("A second passed.", "<b>Two</b>")))
    facts = dict(data_of(rendered(html, noted))[0]["run"]["facts"])
    assert facts["Samples"] == "289 samples at 100 Hz by py-spy 0.4.3, of 294 stacks taken"
    assert facts["Not drawn"] == "5 outside of spans"
    assert facts["On the samples"] == "A second passed. <b>Two</b>"


def test_hostile_functions_stay_text(tmp_path: Path, rendered: Rendered) -> None:
    functions = [SampledFunction(name, name, 1) for name in HOSTILE]
    nodes = [(-1, number, 50) for number in range(len(HOSTILE))]
    trace = with_samples(trace_of(tmp_path, ("span", 0, 10)), [0], [group(1, *nodes)], functions)
    content = rendered(html, trace)
    assert b"<img" not in content
    assert content.count(b"</script>") == rendered(html, trace, samples=False).count(b"</script>")
    data, _ = data_of(content)
    assert len(data["inside"]["functions"]) == len(HOSTILE)


@settings(max_examples=100, deadline=None)
@given(trace=sampled_traces())
def test_any_samples_come_back_from_the_page(trace: Trace) -> None:
    out = io.BytesIO()
    html.export(trace, out)
    data, columns = data_of(out.getvalue())
    groups = shown_groups(trace)
    if not groups:
        assert "inside" not in data
        return
    assert trace.sampled is not None
    spans = dict(zip(accumulate(columns["group_at"]), columns["group"]))
    order = list(groups)
    assert [order[spans[span]] if span in spans else -1 for span in range(len(trace))] == list(
        trace.sampled.group_of
    )
    node = row = 0
    for number, (own, nodes, rows) in enumerate(
        zip(columns["group_own"], columns["group_nodes"], columns["group_functions"])
    ):
        tree, _, joined = groups[order[number]]
        part = slice(node, node + nodes)
        assert own == tree.own
        assert columns["node_count"][part] == list(tree.count)
        assert columns["node_joined"][part] == joined
        callers = [k - back if back else -1 for k, back in enumerate(columns["node_above"][part])]
        assert callers == list(tree.parent)
        counted = zip(columns["function_own"][row : row + rows], columns["function_total"][row : row + rows])
        assert list(counted) == list(trace.sampled.groups[order[number]].by_function().values())
        node, row = node + nodes, row + rows


@settings(max_examples=50, deadline=None)
@given(trace=traces())
def test_any_trace_comes_back_from_the_page(trace: Trace) -> None:
    out = io.BytesIO()
    html.export(trace, out)
    data, columns = data_of(out.getvalue())
    n = len(trace)
    left = array("q")
    at = depth = 0
    for k in range(n):
        at += columns["left"][k]
        left.append(at)
        depth += 1 - columns["rise"][k]
        assert depth == trace.depth[k]
    assert left == layout(trace)[0]
    assert columns["busy"] == list(trace.busy_ns)
    assert columns["thread"] == list(trace.thread)
    assert [data["components"][data["frames"][f][1]]["name"] for f in columns["frame"]] == trace.component
