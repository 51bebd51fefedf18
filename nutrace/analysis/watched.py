"""Whether a run recorded something: a run without such spans may have had no probe for it."""

from __future__ import annotations

from typing import Sequence

from nutrace import semconv
from nutrace.trace import Trace


def was_watched(trace: Trace, targets: Sequence[str]) -> bool:
    """Whether a process of the run had a probe on any of `targets`."""
    for resource in trace.resources:
        probes = resource.attributes.get(semconv.PROBES)
        if isinstance(probes, list) and any(target in probes for target in targets):
            return True
    return False
