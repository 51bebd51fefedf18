from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple
from xml.etree import ElementTree

import pytest
from fakes.otlp import RESOURCE, trace_of
from hypothesis import given, settings
from made_up import sampled_traces
from simulations import run_file

from nutrace.cli.main import main
from nutrace.trace import Trace, load, select
from nutrace_exporters import svg
from nutrace_exporters.labels import counted, duration
from nutrace_exporters.palette import COLOURS
from nutrace_exporters.svghead import percent

NS = {"s": "http://www.w3.org/2000/svg"}


def test_widths_are_shares_of_the_whole(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    trace = trace_of(tmp_path, ("top", 0, 100, [("half", 0, 50), ("fifth", 60, 80)]))
    picture = ElementTree.fromstring(rendered(svg, trace, width=216))
    boxes = {
        group.findtext("s:title", "", NS).split("\n")[0]: group.find("s:rect", NS)
        for group in picture.findall("s:g/s:g", NS)
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
    assert picture.findtext("s:g/s:g/s:title", "", NS).startswith(bad.replace("\x00", "\ufffd"))


def test_what_was_sampled_is_hatched_and_says_how_sure_it_is(
    sampled: Trace, rendered: Callable[..., bytes]
) -> None:
    picture = ElementTree.fromstring(rendered(svg, sampled))
    patterns = {f"url(#{pattern.get('id')})" for pattern in picture.findall("s:pattern", NS)}
    assert len(patterns) == 2, "one for each component with samples"
    tips = {
        group.findtext("s:title", "", NS): group.find("s:rect", NS).get("fill")  # type: ignore[union-attr]
        for group in picture.findall("s:g/s:g", NS)
    }
    assert {fill in patterns for tip, fill in tips.items() if "\nsampled in " in tip} == {True}
    assert {fill for tip, fill in tips.items() if "\nsampled in " not in tip} == {None}
    norm = next(tip for tip in tips if tip.startswith("norm") and "db.rows" in tip)
    assert "about 25 % (17 to 35) of its self time, from 20 of 80 samples" in norm
    assert "\nwork/planner/scorer.py:90\n" in norm, "the end of its path"
    assert "289 samples at 100 Hz by py-spy 0.4.3" in "".join(picture.itertext())


def test_threads_are_merged_and_said(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    def step(start: int, thread: int) -> Any:
        below = ("plan", start, start + 5, {"thread.id": thread})
        return ("simulation.step", start, start + 10, [below], {"thread.id": thread})

    trace = trace_of(tmp_path, step(0, 1), step(20, 1), step(0, 2), step(20, 2))
    picture = ElementTree.fromstring(rendered(svg, trace))
    tips = [tip.text or "" for tip in picture.iterfind("s:g/s:g/s:title", NS)]
    assert tips == [
        "simulation.step\nother · 4 calls\ntotal 40 µs (100.0 %), self 20 µs\n10 µs per step",
        "plan\nother · 4 calls\ntotal 20 µs (50.0 %), self 20 µs\n5 µs per step",
    ]
    assert "40 µs on 2 threads in all" in _head(picture)[0]


def _head(picture: ElementTree.Element) -> Tuple[List[str], Dict[str, str], str]:
    """The facts, the legend's figures by name, and the warnings."""
    lines: Dict[str, List[ElementTree.Element]] = {}
    for element in picture.findall("s:text", NS):
        lines.setdefault(element.get("class", ""), []).append(element)
    facts = " · ".join("".join(line.itertext()) for line in lines.get("m", [])).split(" · ")
    legend = {line.text or "": line.findtext("s:tspan", "", NS) for line in lines.get("l", [])}
    return facts, legend, " ".join("".join(line.itertext()) for line in lines.get("w", []))


@pytest.mark.parametrize(
    "chosen", [{}, {"steps": "1:5"}, {"scenario": "aaaa"}, {"scenario": "5", "steps": "2"}], ids=str
)
@pytest.mark.parametrize("seed", range(3))
def test_the_head_says_what_the_report_says(
    seed: int,
    chosen: Dict[str, str],
    tmp_path: Path,
    rendered: Callable[..., bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = run_file(tmp_path / "made-up.json", seed)
    trace = select(load(file), **chosen)  # type: ignore[arg-type]
    options = [word for key, value in chosen.items() for word in (f"--{key}", value)]
    assert main(["report", str(file), "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    for width in (1200, 300):
        facts, legend, lost = _head(ElementTree.fromstring(rendered(svg, trace, width=width)))
        assert facts[0] == "made-up.json"
        assert f"only {trace.selection}" in facts or not chosen
        steps, interval = told["steps"], told["steps"]["simulated_interval_s"]
        simulating = f" that simulates {duration(interval * 1e9)}" if interval else ""
        if steps["count"]:
            assert counted(steps["count"], "step") in facts
            assert f"{duration(steps['mean_ms'] * 1e6)} per step{simulating}" in facts
        else:
            assert "no finished step" in facts
        factor = steps["realtime_factor"]
        assert ([f"real-time factor {factor:.2f}×"] if factor else []) == [f for f in facts if "factor" in f]
        self_ns: Counter[str] = Counter()
        for part in ("components", "concurrent", "outside_steps"):
            for row in told[part]:
                self_ns[row["component"]] += round(row["self_ms"] * 1e6)
        whole = sum(self_ns.values())
        called, of = ("Self time", 1)
        if steps["count"] > 1 and not told["outside_steps"]:
            called, of = ("Self time per step", steps["count"])
        small = [name for name, ns in self_ns.items() if ns < whole / 1000]
        shown = {
            name: f"{duration(ns / of)} · {percent(ns / whole)}"
            for name, ns in self_ns.items()
            if name not in small or len(small) == 1
        }
        rest = len(self_ns) - len(shown)
        assert legend.pop(called) == ""
        if rest:
            assert legend.pop(f"{rest} more").endswith(" %")
        assert legend == shown
        assert any(fact.startswith(duration(whole)) for fact in facts)
        for key in ("dropped", "truncated", "unfinished"):
            count = told["lost"][key]
            assert not count or f"{count:,} span" in lost


def _luminance(colour: Sequence[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(text: str, behind: str, opacity: float = 1.0) -> float:
    """As WCAG defines it."""
    sides = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in (text, behind)]
    seen = [opacity * a + (1 - opacity) * b for a, b in zip(*sides)]
    light, dark = sorted((_luminance(seen), _luminance(sides[1])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str, sampled: Trace, rendered: Callable[..., bytes]) -> None:
    css = rendered(svg, sampled, theme=theme).decode()
    ground = re.search(r"\.g\{fill:(#\w{6})\}", css)[1]  # type: ignore[index]
    for name in ("t,.l", "m", "w"):
        assert _contrast(re.search(rf"\.{name}\{{fill:(#\w{{6}})\}}", css)[1], ground) >= 4.5  # type: ignore[index]
    ink = re.search(r"\.b text\{fill:(#\w{6})", css)[1]  # type: ignore[index]
    opacity = float(re.search(r"\.s\{fill-opacity:([.\d]+)\}", css)[1])  # type: ignore[index]
    weak = {name: _contrast(ink, getattr(colour, theme), opacity) for name, colour in COLOURS.items()}
    assert {name: round(contrast, 1) for name, contrast in weak.items() if contrast < 4.5} == {}


def test_a_run_from_standard_input_has_no_file(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    trace = replace(trace_of(tmp_path, ("f", 0, 10)), path="-")
    picture = ElementTree.fromstring(rendered(svg, trace))
    assert picture.findtext("s:text", "", NS) == "trace"
    assert _head(picture)[0] == ["10 µs in all", "1 span"]


def test_what_is_missing_is_said(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    resource = {**RESOURCE, "nutrace.run.complete": False}
    trace = trace_of(tmp_path, ("simulation.step", 0, 10, {"nutrace.unfinished": True}), resource=resource)
    facts, _, lost = _head(ElementTree.fromstring(rendered(svg, trace)))
    assert lost.startswith("The run was cut short")
    assert "1 span never ended" in lost
    assert [fact for fact in facts if "step" in fact] == ["no finished step"]


@settings(max_examples=50, deadline=None)
@given(trace=sampled_traces())
def test_any_trace_gives_well_formed_xml(trace: Trace) -> None:
    out = io.BytesIO()
    svg.export(trace, out)
    ElementTree.fromstring(out.getvalue())
