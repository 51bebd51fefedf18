"""What a sampler saw of one process: merged stacks, and how they are written into a run file.

A run file has them as text, the resource attribute ``nutrace.samples`` of the process: JSON with

``version``
    1.
``sampler``, ``rate_hz``, ``notes``
    What took them ("py-spy 0.4.3"), how often a second, and what a reader must know (sentences).
``functions``
    ``[name, file, line]`` each; the line is that of the function's beginning, 0 if unknown.
``nodes``
    ``[parent, function, count]`` each: the stacks merged into a tree. Parents stand before children, and
    are -1 for the outermost functions of threads; ``count`` is the number of samples that ended there.
``modules``
    The name of the module of a file, as far as the process knows it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

VERSION = 1
OUTERMOST = -1
#: More samples than this are damage. Columns and pages hold their sums exactly.
MOST_SAMPLES = 10**15

#: (name, file, line), as :class:`nutrace.trace.sampled.SampledFunction`.
Function = Tuple[str, str, int]


@dataclass
class Stacks:
    """Merged stacks; ``nodes`` are ``(parent, function, count)``, as the module's docstring says.

    Attributes
    ----------
    begin_lines:
        Whether the functions' lines are those of their beginnings. A text file does not say.
    """

    sampler: str = ""
    rate_hz: float = 0.0
    functions: List[Function] = field(default_factory=list)
    nodes: List[List[int]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    modules: Mapping[str, str] = field(default_factory=dict)
    begin_lines: bool = True

    def __post_init__(self) -> None:
        self._numbers: Dict[Function, int] = {function: i for i, function in enumerate(self.functions)}
        self._children: Dict[Tuple[int, int], int] = {
            (parent, function): node for node, (parent, function, _) in enumerate(self.nodes)
        }

    def add(self, stack: Iterable[Function], count: int) -> None:
        """Add `count` samples of a stack, its outermost function first; an empty stack adds nothing."""
        node = OUTERMOST
        for function in stack:
            number = self._numbers.get(function)
            if number is None:
                number = self._numbers[function] = len(self.functions)
                self.functions.append(function)
            child = self._children.get((node, number))
            if child is None:
                child = self._children[node, number] = len(self.nodes)
                self.nodes.append([node, number, 0])
            node = child
        if node != OUTERMOST:
            self.nodes[node][2] += count

    def stacks(self) -> Iterator[Tuple[List[Function], int]]:
        """Each stack that was sampled, its outermost function first, with its count."""
        paths: List[List[Function]] = []
        for parent, function, count in self.nodes:
            paths.append([*(paths[parent] if parent != OUTERMOST else ()), self.functions[function]])
            if count:
                yield paths[-1], count

    @property
    def taken(self) -> int:
        """The number of samples."""
        return sum(count for _, _, count in self.nodes)

    def text(self) -> str:
        """The attribute's value."""
        return json.dumps(
            {
                "version": VERSION,
                "sampler": self.sampler,
                "rate_hz": self.rate_hz,
                "notes": self.notes,
                "functions": self.functions,
                "nodes": self.nodes,
                "modules": dict(self.modules),
            },
            separators=(",", ":"),
        )


def parse(text: str) -> Stacks:
    """Read an attribute's value.

    Raises
    ------
    ValueError
        If it is damaged, or of a newer version.
    """
    said = json.loads(text)
    if not isinstance(said, dict) or said.get("version") != VERSION:
        raise ValueError("not samples that this version of nutrace can read")
    functions = [_function(item) for item in _list(said, "functions")]
    nodes: List[List[int]] = []
    for item in _list(said, "nodes"):
        if not (isinstance(item, list) and len(item) == 3 and all(type(number) is int for number in item)):
            raise ValueError("a node of the samples is damaged")
        parent, function, count = item
        if not (OUTERMOST <= parent < len(nodes) and 0 <= function < len(functions) and count >= 0):
            raise ValueError("a node of the samples is damaged")
        nodes.append(item)
    if sum(count for _, _, count in nodes) > MOST_SAMPLES:
        raise ValueError("they have impossibly many samples")
    modules = said.get("modules")
    rate = said.get("rate_hz")
    return Stacks(
        sampler=str(said.get("sampler", "")),
        rate_hz=float(rate) if isinstance(rate, (int, float)) and 0 <= rate < 1e9 else 0.0,
        functions=functions,
        nodes=nodes,
        notes=[str(note) for note in _list(said, "notes")],
        modules={str(file): str(name) for file, name in modules.items()} if isinstance(modules, dict) else {},
    )


def _list(said: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = said.get(key)
    if not isinstance(value, list):
        raise ValueError(f"the samples have no {key}")
    return value


def _function(item: Any) -> Function:
    if not (isinstance(item, list) and len(item) == 3 and type(item[2]) is int):
        raise ValueError("a function of the samples is damaged")
    return str(item[0]), str(item[1]), max(item[2], 0)
