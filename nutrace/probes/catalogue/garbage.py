"""Probes on the garbage collector: its collections, and a program's calls of ``gc``."""

from __future__ import annotations

from functools import partial
from typing import Any

from nutrace import semconv
from nutrace.patching.switch import Switch
from nutrace.probes.garbage import inside_spans
from nutrace.probes.probe import Probe
from nutrace.recording.garbage import collections


def _watching(original: Any, switch: Switch) -> Any:
    """Watch collections while `switch` is on. The target stays: it is a list that Python itself reads."""
    switch.watch(collections, lambda _, on: collections.watch(on))
    return original


PROBES = (
    # At every level: a full collection is what makes a step slow, and watching costs less than a probe.
    Probe("gc:callbacks", "gc", semconv.GC_SPAN, "coarse", make=_watching, distribution="Python"),
    # Not gc.collect: Python reports a finalizer's warning for the frame that began the collection.
    *(
        Probe(f"gc:{function}", "gc", span, make=partial(inside_spans, span), distribution="Python")
        for function, span in (
            ("disable", semconv.GC_DISABLE_SPAN),
            ("enable", semconv.GC_ENABLE_SPAN),
            ("freeze", semconv.GC_FREEZE_SPAN),
        )
    ),
)
