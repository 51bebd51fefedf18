from __future__ import annotations

import io
from pathlib import Path
from typing import Callable
from xml.etree import ElementTree

import pytest
from fakes.otlp import trace_of
from hypothesis import given, settings
from made_up import sampled_traces

from nutrace.trace import Trace
from nutrace_exporters import svg

NS = {"s": "http://www.w3.org/2000/svg"}


def test_widths_are_shares_of_the_whole(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    trace = trace_of(tmp_path, ("top", 0, 100, [("half", 0, 50), ("fifth", 60, 80)]))
    picture = ElementTree.fromstring(rendered(svg, trace, width=216))
    boxes = {
        group.findtext("s:title", "", NS).split("\n")[0]: group.find("s:rect", NS)
        for group in picture.findall("s:g", NS)
    }
    assert [round(float(box.get("width"))) for box in boxes.values()] == [200, 100, 40]  # type: ignore[union-attr, arg-type]
    assert list(boxes) == ["top", "half", "fifth"]


def test_many_narrow_boxes_become_one(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    children = [(f"f{k}", k, k + 1) for k in range(5000)]
    output = rendered(svg, trace_of(tmp_path, ("top", 0, 5000, children)))
    assert b"(5000 narrower)" in output
    assert len(output) < 3000


def test_deep_stacks_are_cut_and_said(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    tree = ("leaf", 0, 10)
    for _ in range(300):
        tree = ("level", 0, 10, [tree])  # type: ignore[assignment]
    output = rendered(svg, trace_of(tmp_path, tree)).decode()
    assert "100 of 301 levels drawn" in output


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", '" onload="x', "]]>", "nul \x00"])
def test_names_are_escaped(bad: str, tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    picture = ElementTree.fromstring(rendered(svg, trace_of(tmp_path, (bad, 0, 10)), title=bad))
    assert [element.tag for element in picture.iter() if "script" in element.tag] == []
    assert picture.findtext("s:g/s:title", "", NS).startswith(bad.replace("\x00", "\ufffd"))


def test_what_was_sampled_is_hatched_and_says_how_sure_it_is(
    sampled: Trace, rendered: Callable[..., bytes]
) -> None:
    picture = ElementTree.fromstring(rendered(svg, sampled))
    patterns = {f"url(#{pattern.get('id')})" for pattern in picture.findall("s:pattern", NS)}
    assert len(patterns) == 2, "one for each component with samples"
    tips = {
        group.findtext("s:title", "", NS): group.find("s:rect", NS).get("fill")  # type: ignore[union-attr]
        for group in picture.findall("s:g", NS)
    }
    assert {fill in patterns for tip, fill in tips.items() if "\nsampled in " in tip} == {True}
    assert {fill in patterns for tip, fill in tips.items() if "\nsampled in " not in tip} == {False}
    norm = next(tip for tip in tips if tip.startswith("norm") and "db.rows" in tip)
    assert "about 25 % (17 to 35) of its self time, from 20 of 80 samples" in norm
    assert "\nwork/planner/scorer.py:90\n" in norm, "the end of its path"
    assert "289 samples at 100 Hz by py-spy 0.4.3" in "".join(picture.itertext())


@settings(max_examples=50, deadline=None)
@given(trace=sampled_traces())
def test_any_trace_gives_well_formed_xml(trace: Trace) -> None:
    out = io.BytesIO()
    svg.export(trace, out)
    ElementTree.fromstring(out.getvalue())
