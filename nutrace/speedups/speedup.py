"""What a speedup is, said as data: a row of the registry, and what its module makes of it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Protocol, Tuple

from nutrace.patching import MissingTarget, Replacement


class Misfit(MissingTarget):
    """The devkit at hand is not of the shape that a speedup knows; the message says what differs."""


class Part(Protocol):
    """A speedup at work: what its module's ``build(settings)`` returns."""

    @property
    def replacements(self) -> Tuple[Replacement, ...]:
        """What it replaces; their `make` raises :class:`Misfit` if it cannot."""

    def stats(self) -> Mapping[str, int]:
        """Its figures so far, in this process; times in nanoseconds, by names that end in ``_ns``.

        :mod:`nutrace.speedups.measures` says what they are as metrics.
        """

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True)
class Speedup:
    """A row of the registry.

    The module has ``Options``, a frozen dataclass which raises
    :class:`~nutrace.errors.SettingsError`, and ``build(options)``, which returns a :class:`Part`.

    Parameters
    ----------
    name:
        As it is switched on by.
    module:
        Where it is made, dotted; imported when it is switched on.
    does, needs:
        One line each.
    in_all:
        Options that it has if ``all`` switches it on, and not its name: nobody asked for it then.
    """

    name: str
    module: str
    does: str
    needs: str
    in_all: Mapping[str, Any] = field(default_factory=dict)

    def options(self, given: Mapping[str, Any] = {}) -> Any:
        """Its options: `given` over the defaults.

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        return importlib.import_module(self.module).Options(**given)

    def defaults(self) -> Dict[str, Any]:
        """Its options' defaults, by name."""
        return dict(vars(self.options()))

    def build(self, options: Any) -> Part:
        """Make it, installed nowhere yet."""
        part: Part = importlib.import_module(self.module).build(options)
        return part
