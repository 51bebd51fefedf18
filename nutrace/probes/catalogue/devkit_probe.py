"""How the catalogue declares a probe on the devkit."""

from __future__ import annotations

from typing import Any

from nutrace.probes.probe import Probe

DEVKIT = "nuplan-devkit"


def devkit_probe(
    target: str,
    component: str,
    name: str,
    level: str,
    subclasses: bool = False,
    *,
    distribution: str = DEVKIT,
    **more: Any,
) -> Probe:
    """A probe on the devkit, or on another package that the devkit runs in."""
    return Probe(target, component, name, level, subclasses, distribution=distribution, **more)
