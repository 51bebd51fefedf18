"""The switch of the decorators and of ``with nutrace.span()``; each session has another for its probes."""

from __future__ import annotations

from nutrace.patching.switch import Switch

__all__ = ["Switch", "switch"]

switch = Switch()
