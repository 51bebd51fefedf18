"""A colour for each component, the same in every picture.

Components that stand next to each other in a step differ in hue and in lightness, so that people who do not
see red or green tell them apart, and everybody on a grey print. All are light enough for dark text (OKLCH
lightness 0.66 to 0.92 on light, 0.62 to 0.87 on dark background), and the simulation, which is around
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
    "propagate": Colour("#7bddff", "#86d0f6"),
    "observation": Colour("#c1e6a4", "#b1e3a1"),
    "controller": Colour("#5fa1a2", "#6a9b74"),
    "history": Colour("#d28899", "#bf8db5"),
    "scenario": Colour("#aea2d7", "#94a3f0"),
    "database": Colour("#6a92e4", "#4b93db"),
    "map": Colour("#b1ccc3", "#a8c3b4"),
    "features": Colour("#ffce6a", "#f5ca6a"),
    "model": Colour("#e68276", "#cb7b4c"),
    "callback": Colour("#9aacb6", "#8ca8aa"),
    "metrics": Colour("#e3c6ff", "#d5c8ff"),
    "serialization": Colour("#f0d0b9", "#e8c4ac"),
    "config": Colour("#c0c6e5", "#b2b9dc"),
    "worker": Colour("#adc1a3", "#a99da9"),
    "deepcopy": Colour("#bf77b5", "#ca647e"),
    "gc": Colour("#aca069", "#ab9a30"),
    "other": Colour("#b8babc", "#b1b2b2"),
}


def colour(component: str) -> Colour:
    """The colour of `component`; that of ``other`` if it is unknown."""
    return COLOURS.get(component, COLOURS["other"])
