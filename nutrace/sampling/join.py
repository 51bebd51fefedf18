"""Join stacks to the spans of a trace: by path, not by clock.

A sampled stack contains the functions that have spans, so what follows the last of them was seen inside its
span. A stack is walked from its outermost frame:

- **nutrace's own frames** are taken out. They also tell where spans begin: a probed function is called by a
  wrapper of ours. A frame right below one, which is the function of a span below the spans that were met so
  far, moves there. The same function called without a wrapper (the program holds the original) has no span,
  and stays an ordinary frame.
- Any other frame is an **ordinary** one. It counts if no span follows.
- **Statements and copies**: their spans have no function of the program's. They begin where our wrapper
  around sqlite3, copy, pickle or SQLAlchemy stands (:mod:`nutrace.sampling.own_frames`).
- If one of our frames is the **innermost** and no such span begins there, the sample is nutrace's own cost:
  the function "(nutrace)".
- **Blocks** (``with nutrace.span()``, context managers, steps) have no function on the stack while they last.
  Their spans are in the group of the function around them, and so are garbage collections.
- **Recursion**: each call with a span of its own is a group of its own.
- **Generators** and coroutines stand on the stack below whatever resumes them, where their spans are, too. If
  another function's generator is what a call returned, the frame looked for is that of the generator.
- **Threads**: a span on another thread than its parent begins a new stack, as does an asyncio task. If a
  called function has no span below the ones met so far, but all of its spans have the same functions around
  them, it moves there. If they do not, the sample has no place.
- **Composite spans** are as any others.
- **A subclass's method** that calls its base class's by ``super()`` has two spans, one in the other.
- **Names**: a function is its file, the line of its beginning, and the last part of its name. Of a sampler
  that gives the current line or none, or a part of the path, a function is a span's if its name, and as
  much as there is of its file, are those of only one function that may come there. Else the sample has no
  place.

A stack without such functions lies outside of the spans.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.sampling.chains import ROOT, Chains, Site, chain_groups
from nutrace.sampling.functions import Known, same_functions
from nutrace.sampling.own_frames import OwnFrame
from nutrace.sampling.stacks import OUTERMOST, Function, Stacks
from nutrace.trace.sampled import NO_GROUP, SPAN, Sampled, SampledFunction, SampledGroup
from nutrace.trace.trace import Trace

OUTSIDE = "outside of spans"
AMBIGUOUS = "in a function that may be that of several spans"
NUTRACE = SampledFunction("(nutrace)")

Given = Tuple[Stacks, Optional[int]]


def join(trace: Trace, stacks: Sequence[Given], notes: Sequence[str] = ()) -> Trace:
    """The trace with ``sampled``: the samples that lie in its spans.

    Parameters
    ----------
    stacks:
        Each with the number of the resource (process) of which they are, or None: they may be of all
        processes of which there are no others.
    notes:
        Sentences to add to those of the stacks.
    """
    # One tree for the processes without stacks of their own, and one for each of the others.
    owned = sorted({resource for _, resource in stacks if resource is not None})
    tree_of = {resource: number for number, resource in enumerate(owned, 1)}
    owners = [tree_of.get(resource, 0) for resource in range(len(trace.resources))]
    trees, group_of = chain_groups(trace, owners)
    joined = [_Joined(tree) for tree in trees]
    for some, resource in stacks:
        joined[0 if resource is None else tree_of[resource]].add(some)
    return replace(trace, sampled=_sampled(trace, owners, group_of, joined, [s for s, _ in stacks], notes))


class _Place(NamedTuple):
    """Where a stack is after a frame."""

    group: int = ROOT
    node: int = SPAN  # in the group's tree
    called: int = 0  # frames of ours since the last of the program's that call a probed function
    handed_on: int = 0  # methods of ours since then, that hand on to an inherited one
    before: int = -1  # the group before the frames of ours that come just before this one
    ours: bool = False  # the frame is nutrace's own, and no span begins there
    placeless: bool = False
    own_thread: bool = False  # the stack is one of nutrace's own threads


class _Joined:
    """The samples that fell into the groups of one tree."""

    def __init__(self, tree: Chains) -> None:
        self.tree = tree
        self.known = Known(tree)
        self.own: Dict[int, int] = {}
        #: By (group, caller's node, function): the node; callers are made before those that they call.
        self.nodes: Dict[Tuple[int, int, Function], int] = {}
        self.rows: List[List[int]] = []  # caller's node, count
        self.functions: List[Tuple[int, Function]] = []  # group, function
        self.taken = 0
        self.unplaced: Dict[str, int] = {}

    def add(self, stacks: Stacks) -> None:
        functions, own = same_functions(stacks, self.known)
        # A wrapper of ours stands around each probed function, if the sampler shows it.
        self.shows_ours = any(frame is not None and frame.calls_probed for frame in own)
        places: List[_Place] = []
        start = _Place()
        for parent, number, count in stacks.nodes:
            before = start if parent == OUTERMOST else places[parent]
            frame = own[number]
            if frame is None:
                place = self._after(before, functions[number])
            else:
                place = self._after_ours(before, frame, parent == OUTERMOST)
            places.append(place)
            if count:
                self._count(place, count)

    def _after_ours(self, place: _Place, frame: OwnFrame, outermost: bool) -> _Place:
        if place.placeless or place.own_thread:
            return place
        if outermost and not frame.calls_probed and not frame.spans:
            return place._replace(own_thread=True)
        if frame.spans:
            # Of several in a row the innermost is the one: Connection.execute calls Cursor.execute.
            begin = place.before if place.before >= 0 else place.group
            group = self._upwards(begin, Site(own=frame.spans))
            if group is not None:
                return _Place(group, before=begin)
            return place._replace(called=0, ours=place.before < 0)
        if frame.in_block:
            return place._replace(called=0, handed_on=0, ours=True)
        return place._replace(
            called=place.called + frame.calls_probed,
            handed_on=place.handed_on + frame.inherited,
            ours=place.before < 0 or frame.calls_probed,
        )

    def _upwards(self, group: int, site: Site) -> Optional[int]:
        """The group of `site` below `group`, or below the nearest one around it that has one."""
        while group >= 0:
            found = self.tree.children[group].get(site)
            if found is not None:
                return found
            group = self.tree.parent[group]
        return None

    def _after(self, place: _Place, function: Function) -> _Place:
        if place.placeless or place.own_thread:
            return place
        group, node = place.group, place.node
        if place.called or not self.shows_ours:
            sites = self.known.sites(function)
            if sites:
                found = [child for site in sites for child in self._below(group, site)]
                if not found and place.called:
                    found = self.known.groups(function)
                if len(found) > 1:
                    return place._replace(placeless=True)
                if found:
                    group = found[0]
                    for _ in range(place.handed_on):
                        group = next((c for site in sites for c in self._below(group, site)), group)
                    return _Place(group)
        if group != ROOT:
            node = self._node(group, node, function)
        return _Place(group, node, place.called, place.handed_on)

    def _below(self, group: int, site: Site) -> List[int]:
        found = self.tree.children[group].get(site)
        return [] if found is None else [found]

    def _node(self, group: int, caller: int, function: Function) -> int:
        key = group, caller, function
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = len(self.rows)
            self.rows.append([caller, 0])
            self.functions.append((group, function))
        return node

    def _count(self, place: _Place, count: int) -> None:
        if place.own_thread:
            return
        self.taken += count
        if place.placeless or place.group == ROOT:
            reason = AMBIGUOUS if place.placeless else OUTSIDE
            self.unplaced[reason] = self.unplaced.get(reason, 0) + count
            return
        node = place.node
        if place.ours:
            node = self._node(place.group, node, (NUTRACE.name, NUTRACE.file, NUTRACE.line))
        if node == SPAN:
            self.own[place.group] = self.own.get(place.group, 0) + count
        else:
            self.rows[node][1] += count

    def groups(self, numbers: Dict[Function, int]) -> Dict[int, SampledGroup]:
        """The groups with samples; `numbers` has the functions' numbers, and gets the new ones."""
        # Nodes that have no samples below them are left out.
        total = [count for _, count in self.rows]
        for node in range(len(self.rows) - 1, -1, -1):
            caller = self.rows[node][0]
            if caller != SPAN:
                total[caller] += total[node]
        callees: Dict[Tuple[int, int], List[int]] = {}
        for node, (caller, _) in enumerate(self.rows):
            if total[node]:
                callees.setdefault((self.functions[node][0], caller), []).append(node)
        groups = {}
        for group in sorted(self.own.keys() | {group for group, caller in callees if caller == SPAN}):
            parent, function, count = array("i"), array("i"), array("q")
            waiting = [(node, SPAN) for node in reversed(callees.get((group, SPAN), []))]
            while waiting:
                node, caller = waiting.pop()
                new = len(parent)
                parent.append(caller)
                function.append(numbers.setdefault(self.functions[node][1], len(numbers)))
                count.append(self.rows[node][1])
                waiting.extend((callee, new) for callee in reversed(callees.get((group, node), [])))
            groups[group] = SampledGroup(self.own.get(group, 0), parent, function, count)
        return groups


def _sampled(
    trace: Trace,
    owners: Sequence[int],
    group_of: array[int],
    joined: Sequence[_Joined],
    stacks: Sequence[Stacks],
    notes: Sequence[str],
) -> Sampled:
    numbers: Dict[Function, int] = {}
    groups: List[SampledGroup] = []
    final: List[Dict[int, int]] = []
    for some in joined:
        final.append({})
        for group, made in some.groups(numbers).items():
            final[-1][group] = len(groups)
            groups.append(made)
    tables = [final[owners[key.resource]] for key in trace.threads]
    of_spans = array(
        "i", [tables[thread].get(group, NO_GROUP) for thread, group in zip(trace.thread, group_of)]
    )
    unplaced: Dict[str, int] = {}
    for some in joined:
        for reason, count in some.unplaced.items():
            unplaced[reason] = unplaced.get(reason, 0) + count
    taken = sum(some.taken for some in joined)
    rates = {some.rate_hz for some in stacks}
    said = [note for some in stacks for note in some.notes]
    return Sampled(
        functions=tuple(SampledFunction(*function) for function in numbers),
        groups=tuple(groups),
        group_of=of_spans,
        taken=taken,
        placed=taken - sum(unplaced.values()),
        unplaced=unplaced,
        samplers=tuple(dict.fromkeys(some.sampler for some in stacks if some.sampler)),
        rate_hz=rates.pop() if len(rates) == 1 else 0.0,
        notes=tuple(dict.fromkeys([*notes, *said])),
    )
