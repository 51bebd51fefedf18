"""The kinds of findings there are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Callable, Iterable

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding


@dataclass(frozen=True)
class Kind:
    """One kind of finding: its name, its module, and what it looks for.

    The module has ``find(facts)``, which yields a :class:`Finding` for each thing that the run shows, and
    none if it shows nothing.
    """

    name: str
    module: str
    help: str

    def find(self, facts: Facts) -> Iterable[Finding]:
        """The findings of this kind."""
        find: Callable[[Facts], Iterable[Finding]] = importlib.import_module(self.module).find
        return find(facts)


def _kind(name: str, text: str) -> Kind:
    return Kind(name, f"nutrace.advice.kinds.{name}", text)


KINDS = (
    _kind("indexes", "indexes that statements lack"),
    _kind("repeats", "statements that are executed again with the same parameters"),
    _kind("frames", "statements that are executed for each frame of a scenario"),
    _kind("connections", "connections that are opened for each statement"),
    _kind("loops", "statements in a loop: one caller, many parameters in a step"),
    _kind("copies", "deep copies in the steps"),
    _kind("pauses", "full garbage collections in the simulations"),
    _kind("start", "garbage collections while the program starts"),
    _kind("switched_off", "a collector that is switched off and never on again"),
    _kind("simulation_log", "the simulation log of each scenario, its planner and its compression"),
    _kind("rendering", "pictures that are drawn"),
    _kind("opaque", "spans of which most is in no other span"),
    _kind("level", "spans that cost more than they show"),
)
