"""What a speedup is: a row of the registry, what its package builds, and where that stands in a program."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Protocol, Tuple

from nutrace.patching import MissingTarget, Replacement, Switch
from nutrace.speedups.options import Options

__all__ = ["Make", "Misfit", "MissingTarget", "Part", "Replacement", "Speedup", "Switch"]

#: Makes a replacement from the original and a switch, which is true while the speedup is on.
Make = Callable[[Any, Switch], Any]


class Misfit(MissingTarget):
    """The program differs from what a speedup knows; the message says in what."""


class Part(Protocol):
    """A speedup at work: what its package's ``build(options)`` returns."""

    @property
    def replacements(self) -> Tuple[Replacement, ...]:
        """Where it stands."""

    def stats(self) -> Mapping[str, int]:
        """Its figures so far in this process; times are in nanoseconds, and their names end in ``_ns``.

        It takes no lock, see :meth:`nutrace.speedups.figures.Figures.as_dict`. The figures' units as metrics
        are in :mod:`nutrace.speedups.measures`.
        """

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True)
class Speedup:
    """A row of the registry.

    The package has ``Options``, a subclass of :class:`nutrace.speedups.options.Options`, and
    ``build(options)``, which returns a :class:`Part`.

    Parameters
    ----------
    name:
        The name that switches it on.
    package:
        Where it is, dotted; imported when it is switched on.
    does, needs:
        One line each.
    in_all:
        Options that differ from the defaults if ``all`` switches it on rather than its name.
    """

    name: str
    package: str
    does: str
    needs: str
    in_all: Mapping[str, Any] = field(default_factory=dict)

    def options(self, given: Mapping[str, Any] = {}) -> Options:
        """Its options: `given` over the defaults.

        Raises
        ------
        SettingsError
            If a value is out of bounds.
        """
        options: Options = importlib.import_module(self.package).Options(**given)
        return options

    def defaults(self) -> Dict[str, Any]:
        """Its options' defaults, by name."""
        return dict(vars(self.options()))

    def build(self, options: Options) -> Part:
        """Make it, installed nowhere yet."""
        part: Part = importlib.import_module(self.package).build(options)
        return part
