"""Probed functions and ``torch.compile``, which compiles the functions of a program one by one.

It would compile our frames, too, and with ``fullgraph=True`` raise an error: it cannot compile a clock. torch
keeps a list of packages whose frames it leaves alone. With nutrace on it, a call of a compiled model has its
span around the compiled code.
"""

from __future__ import annotations

from typing import Any, List, Set

from nutrace.patching import Replacement, Switch

#: Where torch has the function that adds to its list: since 2.2, and before.
_TARGETS = ("torch._dynamo.trace_rules:add", "torch._dynamo.skipfiles:add")


def compiling() -> List[Replacement]:
    """What has to be done when ``torch.compile`` is imported; it replaces nothing."""
    return [Replacement(target, _leave_us_alone, distribution="torch") for target in _TARGETS]


_told: Set[str] = (
    set()
)  # modules: the list stays as it is when tracing ends, and need not grow when it begins


def _leave_us_alone(add: Any, switch: Switch) -> Any:
    if add.__module__ not in _told:
        _told.add(add.__module__)
        add("nutrace")
    return add
