"""Standard output as a terminal that rich draws on: whether it is one, how wide it is, and printing there.

Only a process whose output is a terminal imports rich: a pipe, a file and ``--json`` do without.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from rich.console import RenderableType

_DUMB = ("dumb", "unknown")
_NARROWEST = 40  # a narrower terminal breaks lines itself


def is_terminal() -> bool:
    """Whether output is drawn for a terminal; decided as rich does, without importing it.

    ``FORCE_COLOR`` makes a terminal of a pipe, and ``TERM=dumb`` makes plain text of a terminal. ``NO_COLOR``
    only leaves out the colours.
    """
    if os.environ.get("TERM", "").strip().lower() in _DUMB:
        return False
    forced = os.environ.get("FORCE_COLOR")
    return bool(forced) if forced is not None else sys.stdout.isatty()


def terminal() -> Optional[Terminal]:
    """The terminal, None if standard output is not one."""
    return Terminal() if is_terminal() else None


class Terminal:
    """Draws for standard output, which is a terminal.

    Attributes
    ----------
    width:
        In columns; ``COLUMNS`` has precedence over what the terminal says.
    ascii:
        Whether its encoding has nothing but ASCII, and pictures have to do with that.
    colours:
        Whether it shows so many that components differ; ``NO_COLOR`` leaves them out.
    """

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(
            file=sys.stdout,
            force_terminal=True,
            force_jupyter=False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.width = max(self._console.width, _NARROWEST)
        self.ascii = self._console.options.ascii_only
        self.colours = self._console.color_system in ("256", "truecolor") and not self._console.no_color

    def drawn(self, renderable: RenderableType) -> str:
        """The renderable as text with escape sequences, without a line end after it.

        Text is not wrapped and not cut: it has the width that its maker gave it.
        """
        with self._console.capture() as capture:
            self._console.print(renderable, end="", no_wrap=True, overflow="ignore", crop=False)
        return capture.get()

    def print(self, *lines: RenderableType) -> None:
        """Print lines, each of them text or something else that rich renders."""
        for line in lines:
            print(self.drawn(line))
