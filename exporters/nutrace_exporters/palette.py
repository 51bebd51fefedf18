"""A colour for each component, the same in every picture.

All have the same lightness in OKLCH (0.80 on light, 0.70 on dark background), so that no component stands
out and dark text is readable on each. Components that are neighbours in a nuPlan step have different hues.
The simulation, which is around everything, has the palest colour.
"""

from __future__ import annotations

from typing import Final, Mapping, NamedTuple


class Colour(NamedTuple):
    """Fill on a light and on a dark background, ``#rrggbb``."""

    light: str
    dark: str


COLOURS: Final[Mapping[str, Colour]] = {
    "simulation": Colour("#b3bfce", "#94a0ae"),
    "planner": Colour("#fba95b", "#d98939"),
    "propagate": Colour("#7fd492", "#60b474"),
    "observation": Colour("#b0cb67", "#91ab47"),
    "controller": Colour("#77d1c2", "#56b1a3"),
    "history": Colour("#e4a9cf", "#c38aaf"),
    "scenario": Colour("#c2b0fb", "#a391d9"),
    "database": Colour("#83c3ff", "#64a3e3"),
    "map": Colour("#73cddf", "#52adbf"),
    "features": Colour("#d5be51", "#b59e2c"),
    "model": Colour("#ff9c90", "#e47c72"),
    "callback": Colour("#cfbb9a", "#af9c7c"),
    "metrics": Colour("#dea5f0", "#bd86cf"),
    "serialization": Colour("#e0b29e", "#bf9380"),
    "config": Colour("#b5bcdb", "#969dbb"),
    "worker": Colour("#adc4b9", "#8ea59a"),
    "deepcopy": Colour("#ff90b0", "#eb7091"),
    "gc": Colour("#d0a8a8", "#b08888"),
    "other": Colour("#bfbebb", "#9f9e9c"),
}


def colour(component: str) -> Colour:
    """The colour of `component`; that of ``other`` if it is unknown."""
    return COLOURS.get(component, COLOURS["other"])


def lighter(fill: str) -> str:
    """The colour under the hatching of a sampled function: that of its component, halfway to white."""
    return "#" + "".join(f"{(int(fill[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))
