"""Applies probes to a program, and takes them back."""

from __future__ import annotations

from typing import Dict, Iterable, List

from nutrace.patching import Patches, Switch
from nutrace.probes.patches import patches
from nutrace.probes.probe import Probe
from nutrace.recording.span import process_state
from nutrace.settings import LEVELS


class Engine:
    """The probes of one session.

    Its probes record while :attr:`switch` is on. That is not the switch of the decorators: a wrapper that the
    program has wrapped stays behind when we leave, and must not record beside the next session's.

    Parameters
    ----------
    probes:
        Declarations; those finer than `level` are left out.
    level:
        ``coarse``, ``normal`` or ``fine``.
    """

    def __init__(self, probes: Iterable[Probe], level: str = "normal") -> None:
        self._levels = LEVELS[: LEVELS.index(level) + 1]
        self.probes = self._active(probes)
        self._patches = Patches(patches(self.probes), _fault)

    @property
    def switch(self) -> Switch:
        """Whether the probes record."""
        return self._patches.switch

    @property
    def applied(self) -> List[str]:
        """Targets that are probed."""
        return self._patches.applied

    @property
    def missing(self) -> Dict[str, str]:
        """Why the other targets are not, as far as their modules are imported."""
        return self._patches.missing

    def install(self) -> None:
        """Apply every probe whose module is imported, now, and the others when theirs is.

        Raises
        ------
        Exception
            If a module of the program raises while a target is looked up; nothing is probed then.
        """
        self._patches.install()

    def add(self, probes: Iterable[Probe]) -> None:
        """Apply more probes."""
        more = self._active(probes)
        self.probes += more
        self._patches.add(patches(more))

    def uninstall(self) -> None:
        """Put back the very objects that were there."""
        self._patches.undo()

    def _active(self, probes: Iterable[Probe]) -> List[Probe]:
        return [probe for probe in probes if probe.level in self._levels]


def _fault(where: str) -> None:
    process_state.fault(where)  # looked up now: each recorder sets its own
