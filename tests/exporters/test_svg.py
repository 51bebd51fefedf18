from __future__ import annotations

import io
from pathlib import Path
from typing import Callable
from xml.etree import ElementTree

import pytest
from fakes.otlp import trace_of
from hypothesis import given, settings
from made_up import traces

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


@settings(max_examples=50, deadline=None)
@given(trace=traces())
def test_any_trace_gives_well_formed_xml(trace: Trace) -> None:
    out = io.BytesIO()
    svg.export(trace, out)
    ElementTree.fromstring(out.getvalue())
