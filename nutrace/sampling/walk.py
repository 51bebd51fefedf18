"""Walk stacks through the groups of spans, by the rules of :mod:`nutrace.sampling.join`."""

from __future__ import annotations

from array import array
from typing import Dict, List, NamedTuple, Optional, Tuple

from nutrace.sampling.chains import ROOT, Chains, Site
from nutrace.sampling.functions import Known, is_threading, native_functions, same_functions
from nutrace.sampling.own_frames import OwnFrame
from nutrace.sampling.stacks import OUTERMOST, Function, Stacks
from nutrace.trace.sampled import SPAN, SampledFunction, SampledGroup

OUTSIDE = "outside of spans"
IN_THREADS = "in other threads, outside of spans"
AMBIGUOUS = "in a function that may be that of several spans"
NUTRACE = SampledFunction("(nutrace)")

_MOST_NATIVE = 200  # frames in a row; of more the innermost count
_NOT_BEGUN, _PROGRAM, _OWN_THREAD = range(3)


class _Place(NamedTuple):
    """Where a stack is after a frame.

    Attributes
    ----------
    group, node:
        The group, and the node in its tree.
    called, handed_on:
        How many frames of ours since the last of the program's call a probed function, or hand on to an
        inherited method.
    before:
        Below a statement's or copy's wrapper: the group around it; else -1.
    ours:
        The frame is nutrace's own, and no span begins there.
    entering:
        The frame lies in a decorator around the group's function, which is yet to come.
    ambiguous, lost:
        The frame may belong to several spans: till another one decides, or for good.
    thread:
        Whether the stack is of a thread of nutrace's own, as far as is known.
    started:
        It begins in :mod:`threading`.
    native:
        Native frames since the last of Python's: they count if none of Python's follows.
    """

    group: int = ROOT
    node: int = SPAN
    called: int = 0
    handed_on: int = 0
    before: int = -1
    ours: bool = False
    entering: bool = False
    ambiguous: bool = False
    lost: bool = False
    thread: int = _NOT_BEGUN
    started: bool = False
    native: Tuple[Function, ...] = ()


class Walk:
    """The stacks that went into one tree of groups, and where they ended."""

    def __init__(self, tree: Chains, outside: str = OUTSIDE) -> None:
        self.taken = 0
        #: Samples without a place, by reason.
        self.unplaced: Dict[str, int] = {}
        self._tree = tree
        self._known = Known(tree)
        self._outside = outside
        self._shows_ours = False
        self._own: Dict[int, int] = {}  # samples of each group's own function
        #: By (group, calling node, function): the node. A caller's number is lower than its callees'.
        self._nodes: Dict[Tuple[int, int, Function], int] = {}
        self._counts: List[int] = []  # of each node

    def add(self, stacks: Stacks) -> None:
        """Walk all stacks."""
        functions, own = same_functions(stacks, self._known)
        # A wrapper of ours stands around each probed function. Some samplers write no files, and cannot say.
        self._shows_ours = any(frame is not None and frame.calls_probed for frame in own)
        native = native_functions(stacks)
        start = _Place()
        places: List[_Place] = []
        for parent, number, count in stacks.nodes:
            place = start if parent == OUTERMOST else places[parent]
            if native[number]:
                place = place._replace(native=(*place.native[-_MOST_NATIVE:], functions[number]))
            elif place.thread != _OWN_THREAD and not place.lost:
                frame = own[number]
                if frame is None:
                    place = self._after(place, functions[number])
                else:
                    place = self._after_ours(place, frame)
            places.append(place)
            if count:
                self._count(place, count)

    def _after_ours(self, place: _Place, frame: OwnFrame) -> _Place:
        """The place after one of nutrace's own frames."""
        if place.thread == _NOT_BEGUN and not frame.calls_probed and not frame.spans:
            return place._replace(thread=_OWN_THREAD)
        place = place._replace(thread=_PROGRAM, native=())
        if frame.spans:
            found = self._begun_by(place, self._tree.wrappers.get(frame.spans))
            if found is not None:
                return found
            return place._replace(called=0, ours=place.before < 0)
        ours = place.before < 0 or frame.calls_probed
        if not (frame.calls_probed or frame.inherited):
            # The begin of a block, ...: no span's function follows.
            return place._replace(called=0, handed_on=0, ours=ours)
        called, handed_on = place.called + frame.calls_probed, place.handed_on + frame.inherited
        return place._replace(called=called, handed_on=handed_on, ours=ours)

    def _begun_by(self, place: _Place, site: Optional[Site]) -> Optional[_Place]:
        """The place in the span that one of our wrappers stands around, if there is one.

        A copy inside a copy has none: it is part of the span that is current, which may be that of a probed
        ``__deepcopy__``.
        """
        if site is None or place.ambiguous or (place.before >= 0 and self._tree.site[place.group] is site):
            return None
        # Of several in a row the innermost is the one: Connection.execute calls Cursor.execute.
        for around in (place.group, place.before):
            if around >= 0 and site in self._tree.children[around]:
                return _Place(self._tree.children[around][site], before=around, thread=_PROGRAM)
        return None

    def _after(self, place: _Place, function: Function) -> _Place:
        """The place after one of the program's frames."""
        if place.thread == _NOT_BEGUN and is_threading(function):
            return place._replace(started=True)
        group, node = place.group, place.node
        if place.entering and self._known.is_of(self._tree.site[group], function):
            return _Place(group, thread=_PROGRAM)
        if place.called or not self._shows_ours:
            moved = self._called(place, function)
            if moved is not None:
                return moved
        if group != ROOT:
            node = self._node(group, node, function)
        return place._replace(node=node, before=-1, ours=False, thread=_PROGRAM, native=())

    def _called(self, place: _Place, function: Function) -> Optional[_Place]:
        """The place after a frame that is the function of a span, or of a decorator around one."""
        children = self._tree.children[place.group]
        sites = self._known.sites(function)
        found = [children[site] for site in sites if site in children]
        if not found and place.called:
            around = [children[site] for site in self._known.decorated_by(function) if site in children]
            if len(around) == 1:
                (group,) = around
                node = self._node(group, SPAN, function)
                return _Place(group, node, entering=True, thread=_PROGRAM)
            if around:
                return place._replace(ambiguous=True, before=-1, thread=_PROGRAM, native=())
            found = self._known.groups(function)
        if len(found) > 1:
            return place._replace(lost=True)
        if not found:
            return None
        (group,) = found
        for _ in range(place.handed_on):
            group = next(
                (self._tree.children[group][site] for site in sites if site in self._tree.children[group]),
                group,
            )
        return _Place(group, thread=_PROGRAM)

    def _node(self, group: int, caller: int, function: Function) -> int:
        node = self._nodes.setdefault((group, caller, function), len(self._counts))
        if node == len(self._counts):
            self._counts.append(0)
        return node

    def _count(self, place: _Place, count: int) -> None:
        if place.thread == _OWN_THREAD:
            return
        self.taken += count
        if place.lost or place.ambiguous or place.group == ROOT:
            reason = self._outside
            if place.lost or place.ambiguous:
                reason = AMBIGUOUS
            elif place.started and reason == OUTSIDE:
                reason = IN_THREADS
            self.unplaced[reason] = self.unplaced.get(reason, 0) + count
            return
        node = place.node
        if place.ours:
            node = self._node(place.group, node, (NUTRACE.name, NUTRACE.file, NUTRACE.line))
        else:
            for function in place.native:
                node = self._node(place.group, node, function)
        if node == SPAN:
            self._own[place.group] = self._own.get(place.group, 0) + count
        else:
            self._counts[node] += count

    def groups(self, numbers: Dict[Function, int]) -> Dict[int, SampledGroup]:
        """The groups with samples; `numbers` are the functions', to which new ones are added."""
        total = self._counts[:]
        callees: Dict[Tuple[int, int], List[Tuple[int, Function]]] = {}
        for (group, caller, function), node in reversed(list(self._nodes.items())):
            if total[node]:  # what is called was added before, as its number is higher
                callees.setdefault((group, caller), []).append((node, function))
                if caller != SPAN:
                    total[caller] += total[node]
        groups = {}
        for group in sorted(self._own.keys() | {group for group, caller in callees if caller == SPAN}):
            parent, of, count = array("i"), array("i"), array("q")
            waiting = [(SPAN, *callee) for callee in callees.get((group, SPAN), ())]
            while waiting:
                caller, node, function = waiting.pop()
                waiting.extend((len(parent), *callee) for callee in callees.get((group, node), ()))
                parent.append(caller)
                of.append(numbers.setdefault(function, len(numbers)))
                count.append(self._counts[node])
            groups[group] = SampledGroup(self._own.get(group, 0), parent, of, count)
        return groups
