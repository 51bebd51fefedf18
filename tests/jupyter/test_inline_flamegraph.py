"""The flamegraph in a notebook: the whole page of the exporter, in a sandboxed iframe."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from fakes.otlp import trace_of

from nutrace.errors import UsageError
from nutrace.jupyter import flamegraph
from nutrace.trace import Trace
from nutrace_exporters import html, svg
from nutrace_exporters.runfacts import title_of

HOSTILE = "</iframe><script>alert(1)</script>\"'&amp;"


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    def step(index: int) -> Tuple[object, ...]:
        at = 100 * index
        below = (HOSTILE, at + 1, at + 50, {"nutrace.component": "database"})
        return ("simulation.step", at, at + 90, [below], {"nutrace.step.index": index})

    return trace_of(tmp_path, *(step(index) for index in range(5)))


class Frames(HTMLParser):
    """Attributes of the frames, and the other tags."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: List[Dict[str, Optional[str]]] = []
        self.others: List[str] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        if tag == "iframe":
            self.frames.append(dict(attrs))
        else:
            self.others.append(tag)


def frame_of(shown: str) -> Dict[str, Optional[str]]:
    parser = Frames()
    parser.feed(shown)
    assert parser.others == ["div", "style", "div", "p", "p", "img"]
    (frame,) = parser.frames
    return frame


def test_frame_holds_the_exporters_page(trace: Trace) -> None:
    out = BytesIO()
    html.export(trace, out)
    frame = frame_of(flamegraph(trace)._repr_html_())
    assert frame["srcdoc"] == out.getvalue().decode()
    assert frame["height"] == "600"
    assert frame_of(flamegraph(trace, height=400)._repr_html_())["height"] == "400"


def test_frame_has_an_origin_of_its_own(trace: Trace) -> None:
    assert frame_of(flamegraph(trace)._repr_html_())["sandbox"] == "allow-scripts"


@pytest.mark.parametrize(("steps", "count"), [(3, 1), ("1:3", 2), (range(2, 5), 3)])
def test_steps(trace: Trace, steps: object, count: int) -> None:
    page = flamegraph(trace, steps=steps).page  # type: ignore[arg-type]
    assert f'"spans":{2 * count},' in page


def test_component(trace: Trace) -> None:
    picture = flamegraph(trace, component="database")
    assert '"spans":5,' in picture.page
    assert "component database" in repr(picture)


@pytest.mark.parametrize("wrong", [{"steps": 7}, {"steps": "x"}, {"component": "planner"}, {"height": 0}])
def test_bad_arguments_are_one_line(trace: Trace, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        flamegraph(trace, **wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_numpys_integer_is_a_step(trace: Trace) -> None:
    numpy = pytest.importorskip("numpy")
    assert flamegraph(trace, steps=numpy.int64(3)).of == flamegraph(trace, steps=3).of


def test_without_scripts_and_styles_there_is_a_picture(trace: Trace) -> None:
    shown = flamegraph(trace)
    stripped = re.sub(r"<(style|iframe).*?</\1>", "", shown._repr_html_(), flags=re.DOTALL)
    found = re.search(r'<img alt="Flamegraph" src="data:image/svg\+xml;base64,([^"]*)">', stripped)
    assert found
    picture = base64.b64decode(found[1])
    out = BytesIO()
    svg.export(trace, out, svg.Options(title=title_of(trace), width=1000))
    assert picture == out.getvalue()
    assert "is shown where this notebook is trusted" in stripped
    assert "<script" not in stripped
    words = re.sub(r"<[^>]*>", "\n", stripped)
    assert "Self time: database 0.245 ms (54.4 %), other 0.205 ms (45.6 %)." in words
    assert replace(shown, picture=b"")._repr_html_().count("<img") == 0
