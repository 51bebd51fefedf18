"""The colours of components: told apart by everybody, on paper too, with text on them that can be read."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files
from typing import Callable, Dict, Iterator, List, Set, Tuple

import pytest

from nutrace import semconv
from nutrace.jupyter.plots_canvas import ON_DARK, ON_LIGHT
from nutrace.jupyter.plots_steps import SCENARIO_COLOURS
from nutrace_exporters.palette import COLOURS, colour

Numbers = Tuple[float, float, float]

#: What stands above, below or beside each other in steps of IDM, PDM, PlanTF and PLUTO, and of the miniature.
NEIGHBOURS = {
    "simulation": "planner propagate scenario observation controller callback history map database worker gc "
    "metrics",
    "planner": "map features model database deepcopy gc propagate scenario observation history controller "
    "callback",
    "propagate": "observation controller scenario history database map",
    "observation": "controller scenario database deepcopy map gc history",
    "scenario": "database controller deepcopy gc map history metrics",
    "database": "gc map callback metrics features serialization history",
    "features": "map model deepcopy",
    "model": "map deepcopy",
    "callback": "serialization metrics",
    "worker": "config serialization deepcopy",
    "map": "metrics deepcopy gc",
    "controller": "gc",
    "gc": "callback serialization deepcopy",
}
#: What a step may be made of: any two of them may lie above each other in a bar of the strip of steps.
LARGE = ("planner", "observation", "controller", "scenario", "database", "map", "features", "model")

#: Least distances in OKLab, where 100 is the distance of white and black, and 2 is just about seen.
NEIGHBOURS_APART, NEIGHBOURS_APART_WITH_TWO_CONES, NEIGHBOURS_APART_IN_GREY = 9.0, 6.0, 3.0
LARGE_APART, LARGE_APART_WITH_TWO_CONES, ALL_APART = 9.0, 6.0, 4.5

#: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency"
#: (2009): what people without cones for green, or for red, see of a colour in linear sRGB.
DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
PROTANOPIA = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)


def _rgb(code: str) -> Numbers:
    return int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255


def _linear(rgb: Numbers) -> Numbers:
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return r, g, b


def _times(matrix: Tuple[Numbers, Numbers, Numbers], linear: Numbers) -> Numbers:
    r, g, b = (min(max(sum(a * x for a, x in zip(row, linear)), 0.0), 1.0) for row in matrix)
    return r, g, b


def _oklab(linear: Numbers) -> Numbers:
    """Björn Ottosson, "A perceptual color space for image processing" (2020)."""
    r, g, b = linear
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _luminance(linear: Numbers) -> float:
    r, g, b = linear
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _grey(linear: Numbers) -> Numbers:
    return (_luminance(linear),) * 3


#: How people see a colour: as it is, without one kind of cones, and printed in grey.
EYES: Dict[str, Callable[[Numbers], Numbers]] = {
    "all": lambda linear: linear,
    "deuteranopia": lambda linear: _times(DEUTERANOPIA, linear),
    "protanopia": lambda linear: _times(PROTANOPIA, linear),
    "grey": _grey,
}


def _distance(one: str, other: str, eyes: str) -> float:
    ends = [_oklab(EYES[eyes](_linear(_rgb(code)))) for code in (one, other)]
    return 100 * math.dist(*ends)


def _contrast(one: Numbers, other: Numbers) -> float:
    """Contrast ratio of WCAG 2: 1 to 21."""
    low, high = sorted(_luminance(_linear(each)) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def _mix(one: Numbers, other: Numbers, share: float) -> Numbers:
    r, g, b = (a + (z - a) * share for a, z in zip(one, other))
    return r, g, b


def _too_close(
    pairs: Set[Tuple[str, str]], theme: str, eyes: str, least: float
) -> List[Tuple[float, str, str]]:
    fills = [(one, other, *(getattr(colour(each), theme) for each in (one, other))) for one, other in pairs]
    distances = [(_distance(a, b, eyes), one, other) for one, other, a, b in fills]
    return sorted((round(distance, 1), one, other) for distance, one, other in distances if distance < least)


NEIGHBOURING = {(one, other) for one, others in NEIGHBOURS.items() for other in others.split()}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("eyes", "least"),
    [
        ("all", NEIGHBOURS_APART),
        ("deuteranopia", NEIGHBOURS_APART_WITH_TWO_CONES),
        ("protanopia", NEIGHBOURS_APART_WITH_TWO_CONES),
        ("grey", NEIGHBOURS_APART_IN_GREY),
    ],
)
def test_neighbours_are_told_apart(theme: str, eyes: str, least: float) -> None:
    assert _too_close(NEIGHBOURING, theme, eyes, least) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_large_parts_of_a_step_are_told_apart(theme: str) -> None:
    pairs = set(itertools.combinations(LARGE, 2))
    assert _too_close(pairs, theme, "all", LARGE_APART) == []
    for eyes in ("deuteranopia", "protanopia"):
        assert _too_close(pairs, theme, eyes, LARGE_APART_WITH_TWO_CONES) == []
    assert _too_close(set(itertools.combinations(COLOURS, 2)), theme, "all", ALL_APART) == []


def test_every_component_has_a_colour() -> None:
    assert tuple(COLOURS) == semconv.COMPONENTS


# --- text -----------------------------------------------------------------------------------------


def _themes() -> Dict[str, Dict[str, str]]:
    """The variables of flamegraph.css, by theme."""
    style = (files("nutrace_exporters") / "assets" / "flamegraph.css").read_text(encoding="utf-8")
    light, dark = (
        re.search(rf"^{start} {{(.*?)^}}", style, re.M | re.S)
        for start in (":root", re.escape(':root[data-theme="dark"]'))
    )
    assert light
    assert dark
    return {
        theme: dict(re.findall(r"--([\w-]+): ([^;]+);", block.group(1)))
        for theme, block in (("light", light), ("dark", dark))
    }


def _fills(theme: str) -> Iterator[Tuple[str, Numbers]]:
    """Fills as the page draws them: of one component a little lighter or darker, as the span's name wants."""
    script = (files("nutrace_exporters") / "assets" / "format.js").read_text(encoding="utf-8")
    step = re.search(r"Math\.abs\(level\) \* ([\d.]+)\)", script)
    assert step
    for name, fills in COLOURS.items():
        for towards in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
            yield name, _mix(_rgb(getattr(fills, theme)), towards, 2 * float(step.group(1)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_bars_can_be_read(theme: str) -> None:
    # What is softer or faded is mixed by the page: test_html_chart.py looks at it as drawn.
    ink = _rgb(_themes()[theme]["ink"])
    for name, fill in _fills(theme):
        assert _contrast(ink, fill) >= 4.5, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_panels_can_be_read(theme: str) -> None:
    style = _themes()[theme]
    for text in ("text", "muted", "accent", "over", "under"):
        for ground in ("page", "panel", "ground"):
            assert _contrast(_rgb(style[text]), _rgb(style[ground])) >= 4.5, (text, ground)
    assert _contrast(_rgb(style["warn-text"]), _rgb(style["warn"])) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_of_plots_are_seen_and_told_apart(theme: str) -> None:
    ink = ON_DARK if theme == "dark" else ON_LIGHT
    lines = [*(ink.line(component) for component in SCENARIO_COLOURS), ink.text]
    assert min(_contrast(_rgb(line), _rgb(ink.background)) for line in lines) > 2.8
    for eyes, least in (("all", 9.0), ("deuteranopia", 5.0), ("protanopia", 5.0)):
        distances = [_distance(one, other, eyes) for one, other in itertools.combinations(lines, 2)]
        assert min(distances) > least, eyes
