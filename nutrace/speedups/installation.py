"""A speedup in a program: all of it or nothing, and only in a devkit of the shape that it knows."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any, Dict, List

from nutrace.patching import MissingTarget, Patches, Replacement, Switch
from nutrace.probes.wrapped import is_probed
from nutrace.recording.faults import one_line, say
from nutrace.speedups.own_faults import fault
from nutrace.speedups.registry import Chosen
from nutrace.speedups.speedup import Misfit

_MARK = "_nutrace_speedup"


class Installation:
    """One speedup, which replaces functions of the program as their modules are imported.

    If one of its replacements does not fit the devkit, all of them are undone and one line says so. The
    program then runs as it does without the speedup.

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
        guarded = [self._guarded(each) for each in self.part.replacements]
        self._patches = Patches(guarded, self._note_fault, self._refuse_misfits)

    @property
    def switch(self) -> Switch:
        """True while the speedup is at work."""
        return self._patches.switch

    @property
    def applied(self) -> List[str]:
        """Targets that are replaced."""
        return self._patches.applied

    def install(self) -> None:
        """Replace what the speedup replaces, now or when its modules are imported."""
        try:
            self._patches.install()
        except Exception:  # a module of the program that raises when it is looked at
            self._note_fault(f"installing {self.name}")
            self._refuse_misfits()
        if self._patches.active:
            self.switch.on()

    def uninstall(self) -> None:
        """Leave everything as it was."""
        self._patches.undo()
        self.part.close()

    def figures(self) -> Dict[str, Any]:
        """What the run file says about the speedup."""
        return {
            "options": dict(vars(self.chosen.options)),
            "at_work": bool(self.applied),
            "refused": self.refused,
            "figures": dict(self.part.stats()),
        }

    def _guarded(self, replacement: Replacement) -> Replacement:
        """`replacement`, with a note of why it cannot be made."""

        def make(original: Any, switch: Switch) -> Any:
            try:
                if is_probed(original):
                    if getattr(original, _MARK, "") == self.name:
                        return original  # replaced when its class was made, and then probed
                    qualname = replacement.target.partition(":")[2]
                    raise Misfit(f"{qualname} is traced already: speedups are switched on before tracing")
                made = replacement.make(original, switch)
            except Misfit as error:
                self._misfits.append(str(error))
                raise
            except MissingTarget:
                raise  # in a family: this class is another one, and is left alone
            except Exception as error:  # the devkit is not what the speedup takes it for
                self._misfits.append(one_line(error))
                raise Misfit(str(error)) from error
            vars(made)[_MARK] = self.name
            return made

        return replace(replacement, make=make)

    def _note_fault(self, where: str) -> None:
        error = sys.exc_info()[1]
        fault(where)
        self._misfits.append(one_line(error))

    def _refuse_misfits(self) -> None:
        misfits = [*self._misfits, *self._patches.missing.values()]
        if not misfits:
            return
        if not self.refused:
            self.refused = " ".join(misfits[0].split())
            say(f"{self.name} does not fit this program: {self.refused}; it runs as stock")
        self.uninstall()


def as_json(installations: List[Installation]) -> str:
    """What the run file says about the speedups that are on; empty if no speedup is on."""
    figures = {}
    for each in installations:
        try:
            figures[each.name] = json.dumps(each.figures())
        except Exception:  # a speedup that cannot say what it did costs the run nothing else
            fault(f"reading figures of {each.name}")
    if not figures:
        return ""
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in figures.items()) + "}"
