"""A colour for each component, the same in every picture.

Components that stand next to each other in a step differ in hue and in lightness, so that people who do not
see red or green tell them apart, and everybody on a grey print. All are light enough for dark text (OKLCH
lightness 0.68 to 0.91 on light, 0.62 to 0.85 on dark background), and the simulation, which is around
everything, is nearest to the background. ``tests/exporters/test_palette.py`` has the least distances and
contrasts.
"""

from __future__ import annotations

from typing import Final, Mapping, NamedTuple


class Colour(NamedTuple):
    """Fill on a light and on a dark background, ``#rrggbb``."""

    light: str
    dark: str


COLOURS: Final[Mapping[str, Colour]] = {
    "simulation": Colour("#dae8e7", "#868292"),
    "planner": Colour("#ffa669", "#f7a273"),
    "propagate": Colour("#83d5bb", "#83d5d9"),
    "observation": Colour("#c1e6a4", "#aae0a1"),
    "controller": Colour("#62a4a5", "#66a485"),
    "history": Colour("#d28899", "#bd89b8"),
    "scenario": Colour("#aba0d4", "#94a9f5"),
    "database": Colour("#6a92e4", "#568fdd"),
    "map": Colour("#9dced1", "#aac6c6"),
    "features": Colour("#ffce6a", "#eec96b"),
    "model": Colour("#e68276", "#c8825d"),
    "callback": Colour("#aea185", "#a69675"),
    "metrics": Colour("#e3c6ff", "#debff9"),
    "serialization": Colour("#f0d0b9", "#dfb790"),
    "config": Colour("#c0c6e5", "#b3b9dc"),
    "worker": Colour("#93b2b2", "#94ad9f"),
    "deepcopy": Colour("#bf77b5", "#ca637e"),
    "gc": Colour("#c2ad98", "#ac9db3"),
    "other": Colour("#b8babc", "#b1b2b2"),
}


def colour(component: str) -> Colour:
    """The colour of `component`; that of ``other`` if it is unknown."""
    return COLOURS.get(component, COLOURS["other"])
