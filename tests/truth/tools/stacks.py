"""Self times out of sampled stacks."""

from __future__ import annotations

from collections import defaultdict
from typing import DefaultDict, Dict, Iterable, Sequence, Tuple

from truth.tools.tool import Seen

#: The frames of a stack from the root: function and file name without folder.
Stack = Sequence[Tuple[str, str]]


def functions(stacks: Iterable[Tuple[Stack, float]], program: str) -> Dict[str, Seen]:
    """What stacks of given nanoseconds say; a foreign function's time is its caller's self time."""
    self_ns: DefaultDict[str, float] = defaultdict(float)
    total_ns: DefaultDict[str, float] = defaultdict(float)
    for stack, weight_ns in stacks:
        for name in {name for name, _ in stack}:
            total_ns[name] += weight_ns
        for name, file in reversed(stack):
            if file == program:
                self_ns[name] += weight_ns
                break
    return {name: Seen(self_ns=self_ns[name], total_ns=total) for name, total in total_ns.items()}
