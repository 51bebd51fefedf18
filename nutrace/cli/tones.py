"""What a line or a cell tells: a terminal shows it by a colour, beside the words that say it."""

from __future__ import annotations

from enum import Enum


class Tone(Enum):
    """The values are styles of rich, in the colours that the user's terminal has under these names."""

    PLAIN = ""
    STRONG = "bold"
    QUIET = "dim"
    GOOD = "green"
    DOUBTFUL = "yellow"
    BAD = "bold red"
    ONE, OTHER, THIRD = "blue", "cyan", "magenta"  # to tell neighbours apart
