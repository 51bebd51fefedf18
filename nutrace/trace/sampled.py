"""What a sampler saw inside spans: the functions in which spans without children spend their time.

Samples belong to groups of spans: those with the same probed functions around them. A group has a tree of the
functions below its span, each with the number of samples. Of a span's self time each function has the share
that it has of its group's samples. So the functions of a span never take more than its self time, and
whoever draws a part of a trace scales the same shares to the self time of that part.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

NO_GROUP = -1
#: In :attr:`SampledGroup.parent`: called by the span's own function.
SPAN = -1


@dataclass(frozen=True)
class SampledFunction:
    """A function that was seen on a stack.

    ``file`` is "" and ``line``, that of the function's beginning, 0 if the sampler does not say.
    """

    name: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, eq=False)
class SampledGroup:
    """What the samples of a group of spans say.

    The tree's nodes are numbered in preorder: a caller before those that it calls.

    Attributes
    ----------
    own:
        Samples taken while the span's function itself ran, and nothing called by it.
    parent, function, count:
        For each node: the node that called it (:data:`SPAN` for the span's function), the index of its
        function in :attr:`Sampled.functions`, and the samples taken while it ran itself.
    """

    own: int
    parent: array[int]
    function: array[int]
    count: array[int]

    @property
    def samples(self) -> int:
        """All samples of the group."""
        return self.own + sum(self.count)

    def by_function(self, amounts: Optional[Sequence[int]] = None) -> Dict[int, Tuple[int, int]]:
        """By function, the amount of it alone, and that with what it called.

        What is below a function that is on its stack several times counts once.

        Parameters
        ----------
        amounts:
            Of each node alone, such as the times that :meth:`spread` gives; by default the samples.
        """
        alone = self.count if amounts is None else amounts
        below = list(alone)
        for node in range(len(below) - 1, -1, -1):
            if self.parent[node] != SPAN:
                below[self.parent[node]] += below[node]
        running: Counter[int] = Counter()
        path: List[int] = []
        result: Dict[int, Tuple[int, int]] = {}
        for node, (above, function) in enumerate(zip(self.parent, self.function)):
            while path and path[-1] != above:
                running[self.function[path.pop()]] -= 1
            own, total = result.get(function, (0, 0))
            outer = below[node] if not running[function] else 0
            result[function] = own + alone[node], total + outer
            running[function] += 1
            path.append(node)
        return result

    def spread(self, self_ns: int) -> Tuple[int, List[int]]:
        """Divide a self time as the samples are: the span's own part, and that of each node, in ns.

        The parts are whole nanoseconds, and their sum is `self_ns`.
        """
        total, seen, given = self.samples, self.own, 0
        own_ns = given = self_ns * seen // total if total else self_ns
        parts = []
        for count in self.count:
            seen += count
            upto = self_ns * seen // total if total else self_ns
            parts.append(upto - given)
            given = upto
        return own_ns, parts


@dataclass(frozen=True, eq=False)
class Sampled:
    """The samples of a trace, joined to its spans.

    Attributes
    ----------
    group_of:
        For each span the index of its group. :data:`NO_GROUP` if no sample was taken in such spans, and for
        garbage collections.
    taken, placed:
        Stacks of the program's threads that were sampled, and those that lie in a span.
    unplaced:
        How many do not, by reason.
    samplers:
        What took them: "py-spy 0.4.3", ...
    rate_hz:
        Samples per second of a thread; 0 if unknown or not the same for all.
    notes:
        What a reader must know of them, in sentences.
    """

    functions: Tuple[SampledFunction, ...]
    groups: Tuple[SampledGroup, ...]
    group_of: array[int]
    taken: int
    placed: int
    unplaced: Mapping[str, int] = field(default_factory=dict)
    samplers: Tuple[str, ...] = ()
    rate_hz: float = 0.0
    notes: Tuple[str, ...] = ()
