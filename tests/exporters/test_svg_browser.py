"""Static pictures in a browser: bars stay apart at any size, and labels fit."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from fakes.otlp import trace_of

from nutrace.trace import Trace
from nutrace_exporters import svg
from nutrace_exporters.fitting import width_of

pytestmark = pytest.mark.browser

#: The lightness (0 to 255) along a row of pixels of a picture, drawn as wide as it is asked for.
PIXELS = """
const [source, width, row, done] = arguments;
const image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  const scale = width / image.naturalWidth;
  [canvas.width, canvas.height] = [width, Math.ceil(image.naturalHeight * scale)];
  const c = canvas.getContext("2d", { willReadFrequently: true });
  c.drawImage(image, 0, 0, width, image.naturalHeight * scale);
  const { data } = c.getImageData(0, Math.floor(row * scale), width, 1);
  done(Array.from({ length: width }, (_, x) => (data[4 * x] + data[4 * x + 1] + data[4 * x + 2]) / 3));
};
image.src = source;
"""

TEXTS = """
document.body.innerHTML = arguments[0];
const right = (element) => element.getBoundingClientRect().right;
return {
  bars: Array.from(document.querySelectorAll(".b g"), (bar) => {
    const text = bar.querySelector("text");
    return text && [text.textContent, right(text), right(bar.querySelector("rect"))];
  }).filter(Boolean),
  head: Array.from(document.querySelectorAll("svg > text"), (text) =>
    [text.textContent, text.getComputedTextLength(), text.className.baseVal, right(text)]),
  right: right(document.querySelector("svg")),
};
"""


def edges(lightness: List[float], margin: float) -> int:
    """How often it becomes clearly lighter than the bars, and dark again."""
    inside = lightness[round(margin) + 1 :]
    darkest = min(inside)
    lighter = [value > darkest + 0.3 * (255 - darkest) for value in inside]
    return sum(before and not after for before, after in zip(lighter[1:], lighter[2:]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_neighbours_of_one_colour_stay_apart_at_any_size(
    theme: str, tmp_path: Path, rendered: Callable[..., bytes], chromium: Any
) -> None:
    database = {"nutrace.component": "database"}
    starts = [0, 300, 500, 640, 740, 790, 820, 840, 855, 865, 873, 880, *range(885, 901, 3)]
    children = [(f"f{k}", start, end, database) for k, (start, end) in enumerate(zip(starts, starts[1:]))]
    picture = rendered(svg, trace_of(tmp_path, ("top", 0, 900, children)), width=1200, theme=theme)
    bars = re.sub("<text.*?</text>", "", picture.decode())
    row = float(bars.split("<title>f0")[1].split('y="')[1].split('"')[0]) + 9
    chromium.get("about:blank")
    source = "data:image/svg+xml;base64," + base64.b64encode(bars.encode()).decode()
    for width in (390, 583, 700, 900, 1200, 1777, 2400):
        seen = chromium.execute_async_script(PIXELS, source, width, row)
        if theme == "dark":
            seen = [255 - value for value in seen]
        px = width / 1200 * 1184 / 900  # of a microsecond
        margin = 8 * width / 1200
        count = edges(seen[: round(margin + 884 * px)], margin)
        assert count >= sum((b - a) * px >= 3 for a, b in zip(starts[:11], starts[1:11])), width
        assert count == 11 or width < 900, width
        # The last ones are about a pixel wide each in a small picture. They are there.
        narrow = seen[round(margin + 885 * px) : round(margin + 900 * px)]
        assert sum(255 - value for value in narrow) / len(narrow) > 0.5 * (255 - min(seen)), width


def test_text_fits_and_is_as_wide_as_it_was_taken_to_be(
    sampled: Trace, tmp_path: Path, rendered: Callable[..., bytes], chromium: Any
) -> None:
    chromium.get("about:blank")
    component = {"nutrace.component": "planner"}
    names = ["planner.compute_trajectory", "MmWw@%.iiljt.Planner", "a_long_name_of_a_function", "x"]
    widths = [20 + 9 * k for k in range(28)]
    starts = [sum(widths[:k]) for k in range(len(widths) + 1)]
    children = [(f"{names[k % 4]}{k}", starts[k], starts[k + 1], component) for k in range(len(widths))]
    for trace, width in ((sampled, 1200), (sampled, 400), (trace_of(tmp_path, *children), starts[-1] + 16)):
        shown: Dict[str, Any] = chromium.execute_script(TEXTS, rendered(svg, trace, width=width).decode())
        assert shown["bars"]
        assert [bar for bar in shown["bars"] if bar[1] > bar[2]] == []
        for text, measured, kind, right in shown["head"]:
            assert right <= shown["right"], text
            if kind == "m":
                assert measured == pytest.approx(width_of(text, 11), rel=0.01, abs=1), text
    labels = [bar[0] for bar in shown["bars"]]
    assert sum("…" in label for label in labels) >= 5
    assert sum(label.startswith("compute_trajectory") for label in labels) >= 1
