"""nutrace traces nuPlan simulations and shows where each step's time goes.

A name is imported when it is first used, so that a traced process does not load what reads traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nutrace.errors import NutraceError
    from nutrace.loading import compare, load, load_many
    from nutrace.probes.api import probe, span
    from nutrace.probes.probe import Probe
    from nutrace.session import instrument, uninstrument
    from nutrace.settings import Settings
    from nutrace.trace.trace import Trace

_MODULES = {
    "NutraceError": "nutrace.errors",
    "Probe": "nutrace.probes.probe",
    "Settings": "nutrace.settings",
    "Trace": "nutrace.trace.trace",
    "compare": "nutrace.loading",
    "instrument": "nutrace.session",
    "load": "nutrace.loading",
    "load_many": "nutrace.loading",
    "probe": "nutrace.probes.api",
    "span": "nutrace.probes.api",
    "uninstrument": "nutrace.session",
}

__all__ = [
    "NutraceError",
    "Probe",
    "Settings",
    "Trace",
    "compare",
    "instrument",
    "load",
    "load_many",
    "probe",
    "span",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'nutrace' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext nutrace``: the cell magic ``%%nutrace`` (:mod:`nutrace.jupyter.magic`).

    In [1]: %load_ext nutrace

    In [2]: %%nutrace
       ...: x = sum(range(10))
    nutrace: nothing of this cell was traced: no function that has a probe was called
    """
    from nutrace.jupyter.magic import load_ipython_extension as load_magic

    load_magic(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
