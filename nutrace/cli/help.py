"""What bare ``nutrace`` and ``nutrace --help`` print: the commands, by what one wants to do."""

from __future__ import annotations

import os
import shlex
import shutil
import textwrap
import time
from typing import List

from nutrace.called import program
from nutrace.cli.commands import COMMANDS, WISHES
from nutrace.cli.run_files import loaded_as
from nutrace.printable import printable
from nutrace.trace.newest import newest_run

_NAME_WIDTH = max(len(command.name) for command in COMMANDS)
_WIDEST = 100
_LONGEST = 60


def text() -> str:
    """The help, as wide as the terminal."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines = [
        *_wrapped("nutrace: ", "tracing for nuPlan simulations. Where does each step's time go?", width),
        "",
        *_wrapped("Usage: ", "nutrace COMMAND ...; nutrace COMMAND --help says what a command takes", width),
    ]
    helps = {command.name: command.help for command in COMMANDS}
    for wish, names in WISHES:
        lines += ["", wish]
        for name in names:
            lines += _wrapped(f"  {name:<{_NAME_WIDTH}}  ", helps[name], width)
    lines += [
        "",
        "Options",
        *_wrapped(f"  {'--no-pager':<{_NAME_WIDTH}}  ", "print long lists without a pager", width),
        *_wrapped(f"  {'--version':<{_NAME_WIDTH}}  ", "print the version", width),
        "",
        "To trace a program: NUTRACE=1 python ...",
    ]
    return "\n".join(lines)


def hint() -> str:
    """What to do with the newest run file that is here; "" if there is none."""
    name = newest_run()
    if name is None:
        return ""
    status = os.stat(name)
    shown, word = printable(name, _LONGEST), printable(shlex.quote(loaded_as(name)), _LONGEST)
    nutrace = printable(program(), _LONGEST)
    tries = (
        (f"{nutrace} report --tree {word}", "where in a step the time goes"),
        (f"{nutrace} flamegraph --open {word}", "the same as a picture, in the browser"),
        (f"{nutrace} advise {word}", "what is worth doing about it"),
    )
    width = max(len(command) for command, _ in tries)
    size = f"{status.st_size / 1e6:,.1f} MB" if status.st_size >= 1e5 else f"{status.st_size / 1e3:,.1f} kB"
    return "\n".join(
        [
            f"Here is {shown}: {size}, of {_ago(time.time() - status.st_mtime)}. Try",
            *(f"  {command:<{width}}  {what}" for command, what in tries),
        ]
    )


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        number = int(seconds // size)
        if number:
            return f"{number:,} {unit}{'s' * (number > 1)} ago"
    return "just now"


def _wrapped(head: str, text: str, width: int) -> List[str]:
    """Lines of a text that begins at the same column in each."""
    lines = textwrap.wrap(text, max(width - len(head), 20), break_on_hyphens=False)
    return [(head if not number else " " * len(head)) + line for number, line in enumerate(lines)]
