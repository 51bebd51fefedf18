"""Probes on what copies objects: the standard library's ``copy`` and ``pickle``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Iterable, Tuple

from nutrace import semconv
from nutrace.probes.copying import deepcopy, shallow
from nutrace.probes.probe import Probe

PROBES = (
    Probe(
        "copy:deepcopy", "deepcopy", semconv.DEEPCOPY_SPAN, make=deepcopy.replacement, distribution="Python"
    ),
    Probe("copy:copy", "deepcopy", semconv.COPY_SPAN, make=shallow.shallow, distribution="Python"),
    # pickle takes these two from _pickle, and as built-in functions they are pickled by that module's name.
    Probe("_pickle:dumps", "deepcopy", semconv.PICKLE_SPAN, make=shallow.dumps, distribution="Python"),
    Probe("_pickle:loads", "deepcopy", semconv.UNPICKLE_SPAN, make=shallow.loads, distribution="Python"),
)

_TARGETS = frozenset(probe.target for probe in PROBES)
_DETAILED = partial(deepcopy.replacement, detail=True)


def in_mode(probes: Iterable[Probe], mode: str) -> Tuple[Probe, ...]:
    """`probes`, with those on copies as ``NUTRACE_DEEPCOPY`` says: ``on``, ``detail`` or ``off``."""
    if mode == "off":
        return tuple(probe for probe in probes if probe.target not in _TARGETS)
    if mode == "detail":
        return tuple(
            replace(probe, make=_DETAILED) if probe.make is deepcopy.replacement else probe
            for probe in probes
        )
    return tuple(probes)
