"""nutrace: where the time of a nuPlan simulation goes, truthfully and cheaply.

Names are loaded when they are first used: reading a trace needs no recorder, and recording no reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nutrace.errors import NutraceError
    from nutrace.loading import load
    from nutrace.probes.api import probe, span
    from nutrace.probes.probe import Probe
    from nutrace.session import instrument, uninstrument
    from nutrace.settings import Settings
    from nutrace.trace.trace import Trace

_HOMES = {
    "NutraceError": "nutrace.errors",
    "Probe": "nutrace.probes.probe",
    "Settings": "nutrace.settings",
    "Trace": "nutrace.trace.trace",
    "instrument": "nutrace.session",
    "load": "nutrace.loading",
    "probe": "nutrace.probes.api",
    "span": "nutrace.probes.api",
    "uninstrument": "nutrace.session",
}

__all__ = [
    "NutraceError",
    "Probe",
    "Settings",
    "Trace",
    "instrument",
    "load",
    "probe",
    "span",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nutrace' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
