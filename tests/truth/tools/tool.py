"""What the laboratory asks of a tool."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Seen:
    """What a tool says of a function; None where it says nothing.

    Attributes
    ----------
    calls:
        How often it was called.
    self_ns:
        Nanoseconds in it, and in what it calls outside the program's file, but in no other function of the
        program.
    total_ns:
        Nanoseconds in the outermost of its calls, with everything below.
    p50_ns, p95_ns:
        Percentiles of a call.
    """

    calls: Optional[float] = None
    self_ns: Optional[float] = None
    total_ns: Optional[float] = None
    p50_ns: Optional[float] = None
    p95_ns: Optional[float] = None


@dataclass(frozen=True)
class Said:
    """What a tool says of a run: of its functions by name, and what else the questions ask for."""

    functions: Mapping[str, Seen] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)


class Tool:
    """A tool: how it is put around a program, and how its answer is read.

    Attributes
    ----------
    name:
        In commands and files.
    title:
        In the table.
    meaning:
        A sentence on what its numbers mean.
    modules:
        What has to be installed.
    run_of:
        The tool whose runs this one reads in another way, or "".
    """

    name = "bare"
    title = "nothing"
    meaning = "The program by itself."
    modules: Tuple[str, ...] = ()
    run_of = ""

    def missing(self) -> str:
        """Why the tool cannot be used here; "" if it can."""
        absent = [module for module in self.modules if find_spec(module) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    # -- in the laboratory --------------------------------------------------------------------

    def command(self, python: str, arguments: Sequence[str], folder: Path) -> List[str]:
        """The command line that runs ``python arguments`` beside the tool, which writes into `folder`."""
        return [python, *arguments]

    def variables(self, folder: Path) -> Dict[str, str]:
        """What the program's environment needs."""
        return {}

    def read(self, folder: Path, program: str) -> Said:
        """What the tool has written into `folder` on the program whose file is called `program`."""
        return Said()

    # -- in the program -----------------------------------------------------------------------

    def probe(self, component: str = "other") -> Callable[[Any], Any]:
        """Decorator of the functions that the laboratory asks about."""
        return lambda function: function

    def around(self, folder: Path) -> ContextManager[Any]:
        """What stands around the program's main function."""
        return contextlib.nullcontext()
