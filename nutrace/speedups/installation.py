"""A speedup on a program: all of it or none, on an unchanged devkit, whenever that is imported."""

from __future__ import annotations

import functools
import inspect
import json
from types import ModuleType
from typing import Any, Dict, List

from nutrace.probes.engine import Engine
from nutrace.probes.kinds import is_probed
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.recording.faults import say
from nutrace.speedups.own_faults import fault
from nutrace.speedups.registry import Chosen
from nutrace.speedups.speedup import Misfit, Replacement

_MARK = "_nutrace_speedup"


class Installation(Engine):
    """One speedup, applied by the probes' engine: hooks on imports, and an undo for each change.

    Where the devkit's shape does not fit, everything is undone and one line says so: the program
    goes on as it would without.

    Parameters
    ----------
    chosen:
        The speedup and its options.
    """

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.name = chosen.speedup.name
        self.part = chosen.speedup.build(chosen.options)
        self.refused = ""  # why it is not at work
        self._misfits: List[str] = []
        super().__init__([self._probe(replacement) for replacement in self.part.replacements])

    def install(self) -> None:
        """Stand where the speedup belongs, now or when its modules are imported."""
        super().install()
        if self._active:
            self.switch.on()

    def uninstall(self) -> None:
        """Leave everything as it was."""
        super().uninstall()
        self.part.close()

    def figures(self) -> Dict[str, Any]:
        """What the run file holds about it."""
        return {
            "options": dict(vars(self.chosen.options)),
            "at_work": bool(self.applied),
            "refused": self.refused,
            "figures": dict(self.part.stats()),
        }

    def _probe(self, replacement: Replacement) -> Probe:
        made = replacement.make

        @functools.wraps(made, updated=())
        def stand_in(original: Any, switch: Switch) -> Any:
            try:
                made_here = made(original, switch)
            except Misfit as error:
                self._misfits.append(str(error))
                raise
            except AttributeError:
                raise
            except Exception as error:  # law 1: an import of the program's must not fail because of us
                self._misfits.append(f"{type(error).__name__}: {error}")
                raise AttributeError(str(error)) from error
            made_here.__dict__[_MARK] = self.name
            return made_here

        return Probe(
            replacement.target,
            subclasses=replacement.subclasses,
            stand_in=stand_in,
            distribution=replacement.distribution,
        )

    def _wrap(self, owner: Any, name: str, probe: Probe, late: bool = False) -> None:
        held = inspect.getattr_static(owner, name)
        if is_probed(held) and not hasattr(held, _MARK):
            reason = f"{probe.qualname} is traced already: speedups are switched on before tracing"
            self._misfits.append(reason)
            raise Misfit(reason)
        super()._wrap(owner, name, probe, late)

    def _rebind(self, owner: ModuleType, original: Any, wrapped: Any) -> None:
        # A module that one other module sees another way is still itself to all the rest.
        if not isinstance(original, ModuleType):
            super()._rebind(owner, original, wrapped)

    def _apply_all(self, module: ModuleType, probes: List[Probe], late: bool) -> None:
        try:
            super()._apply_all(module, probes, late)
        except Exception as error:  # law 1
            fault(f"installing {self.name}")
            self._misfits.append(f"{type(error).__name__}: {error}")
        self._misfits.extend(self.missing.values())
        if self._misfits:
            self._refuse()

    def _refuse(self) -> None:
        if not self.refused:
            self.refused = " ".join(self._misfits[0].split())
            say(f"{self.name} does not fit this program: {self.refused}; it runs as stock")
        self.uninstall()


def as_json(installations: List[Installation]) -> str:
    """What the run file holds about the speedups that were switched on."""
    said = {}
    for each in installations:
        try:
            said[each.name] = json.dumps(each.figures())
        except Exception:  # law 1: one that cannot say what it did costs the run nothing else
            fault(f"reading figures of {each.name}")
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in said.items()) + "}"
