"""The kinds of findings there are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Callable, Iterable

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding


@dataclass(frozen=True)
class Kind:
    """One kind of finding: its name, and its module, which says what it looks for.

    The module has ``find(facts)``, which yields a :class:`Finding` for each thing that the run shows, and
    none if it shows nothing.
    """

    name: str
    module: str

    def find(self, facts: Facts) -> Iterable[Finding]:
        """The findings of this kind."""
        find: Callable[[Facts], Iterable[Finding]] = importlib.import_module(self.module).find
        return find(facts)


KINDS = tuple(
    Kind(name, f"nutrace.advice.kinds.{name}")
    for name in (
        "indexes",
        "repeats",
        "frames",
        "connections",
        "loops",
        "copies",
        "pauses",
        "start",
        "switched_off",
        "simulation_log",
        "rendering",
        "cores",
        "crowded",
        "startups",
        "opaque",
        "level",
    )
)
