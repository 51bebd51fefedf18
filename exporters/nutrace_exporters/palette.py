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
    "simulation": Colour("#dae8e7", "#868493"),
    "planner": Colour("#ffa669", "#fa9963"),
    "propagate": Colour("#83d5bb", "#89cbeb"),
    "observation": Colour("#c1e6a4", "#b1e3a1"),
    "controller": Colour("#62a4a5", "#68a58a"),
    "history": Colour("#d28899", "#bf8db5"),
    "scenario": Colour("#aba0d4", "#94a3f0"),
    "database": Colour("#6a92e4", "#4b93db"),
    "map": Colour("#9dced1", "#a1cece"),
    "features": Colour("#ffce6a", "#f5ca6a"),
    "model": Colour("#e68276", "#c9835e"),
    "callback": Colour("#aea185", "#b0967a"),
    "metrics": Colour("#e3c6ff", "#d5c8ff"),
    "serialization": Colour("#f0d0b9", "#e8c4ac"),
    "config": Colour("#c0c6e5", "#b2b8da"),
    "worker": Colour("#93b2b2", "#94ad9f"),
    "deepcopy": Colour("#bf77b5", "#ca647e"),
    "gc": Colour("#c2ad98", "#d4b69d"),
    "other": Colour("#b8babc", "#b1b2b2"),
}


def colour(component: str) -> Colour:
    """The colour of `component`; that of ``other`` if it is unknown."""
    return COLOURS.get(component, COLOURS["other"])
