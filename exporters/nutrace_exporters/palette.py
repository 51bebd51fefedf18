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
    "simulation": Colour("#dae6ea", "#838796"),
    "planner": Colour("#faa15f", "#f3a06d"),
    "propagate": Colour("#82d1b6", "#82d4d7"),
    "observation": Colour("#c1e4a4", "#abdf9f"),
    "controller": Colour("#5eafa5", "#65aa94"),
    "history": Colour("#d48aa3", "#c58dba"),
    "scenario": Colour("#ada5da", "#9da3ef"),
    "database": Colour("#6998e8", "#5693e0"),
    "map": Colour("#91c9d0", "#a3c5c5"),
    "features": Colour("#ffca6d", "#eec769"),
    "model": Colour("#e58075", "#cc8466"),
    "callback": Colour("#baa88e", "#ad997c"),
    "metrics": Colour("#dfc1fe", "#dcbcf6"),
    "serialization": Colour("#ebbf9a", "#dfb790"),
    "config": Colour("#c0c6e5", "#b3b9dc"),
    "worker": Colour("#93b2b2", "#94ad9f"),
    "deepcopy": Colour("#ca77b4", "#ca637e"),
    "gc": Colour("#dec8cb", "#d2b8b5"),
    "other": Colour("#b5b7b9", "#b1b2b1"),
}


def colour(component: str) -> Colour:
    """The colour of `component`; that of ``other`` if it is unknown."""
    return COLOURS.get(component, COLOURS["other"])


def lighter(fill: str) -> str:
    """The colour under the hatching of a sampled function: that of its component, halfway to white."""
    return "#" + "".join(f"{(int(fill[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))
