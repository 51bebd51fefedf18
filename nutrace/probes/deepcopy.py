"""What stands in ``copy.deepcopy``'s place: a span for each root call, with its caller and its size.

The standard library's recursion binds the original in default arguments, so only two kinds of call
come here: those of the program, and those of ``__deepcopy__`` methods. The latter pass on the memo of
the deep copy that they are part of, and go straight through. In words:

- a **root** is a call while no other deep copy is under way in this thread, whatever memo it brings
  (that is cProfile's primitive call);
- inside a root, a call that brings the memo of a deep copy under way is part of that one;
- any other call inside a root is a **nested** root: it begins a memo of its own. Its time is part of
  the root's time already; how many there were, what they copied and how deep they lay in each other
  are numbers of the root.

``objects`` is what the memo gained: ``len(memo)`` after ``copy.deepcopy(x, memo := {})``. That is one
for each object copied, and one for the list by which the memo keeps the originals alive.
"""

from __future__ import annotations

import copy
import functools
import sys
import threading
from contextlib import suppress
from typing import Any, Dict, List

from nutrace import semconv
from nutrace.probes.blocks import close_dangling
from nutrace.probes.callers import CallerSites
from nutrace.probes.copies import ATOMIC, stand_for
from nutrace.probes.memo import types_inside
from nutrace.probes.switch import Switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_below
from nutrace.recording.span import Span, process_state
from nutrace.recording.tally import settle, tick, tick_span

_NO_OBJECTS = {semconv.COPY_OBJECTS: 0}  # what an atom's deep copy puts into the memo


class _UnderWay(threading.local):
    """This thread's deep copies: the memo of the root and of those nested in it, the innermost last."""

    def __init__(self) -> None:
        self.memos: List[Any] = []
        self.nested = 0  # of the root that is under way
        self.objects = 0
        self.depth = 0


_under_way = _UnderWay()
#: The memo of the deep copy, of any thread's, that began or went on last: most calls bring this one,
#: tens of thousands in one root, and get by without a look at their thread's list.
_latest: List[Any] = [None]


def stand_in(original: Any, switch: Switch, *, detail: bool = False) -> Any:
    """A function like `original`, which is ``copy.deepcopy``; `detail` notes the types inside."""
    sites = CallerSites(semconv.DEEPCOPY_SPAN, getattr(copy, "_deepcopy_dispatch", {}), "__deepcopy__")
    nil = (getattr(original, "__defaults__", None) or (None,))[-1]
    # Names bound as closure variables: this is a hot path.
    find = sites.find
    frame_of = sys._getframe
    under_way = _under_way
    latest = _latest
    get, set_current = current.get, current.set
    clock = now_ns
    begin = span_below
    atomic = ATOMIC

    @functools.wraps(original)
    def deepcopy(x: Any, memo: Any = None, _nil: Any = nil) -> Any:
        if memo is not None and memo is latest[0]:
            return original(x, memo, _nil)
        if not switch:
            return original(x, memo, _nil)
        memos = under_way.memos
        if memos:
            return _nested(original, x, memo, _nil)
        cls = type(x)
        try:
            site = find(frame_of(1), cls)
        except ValueError:  # nobody's: a thread that begins with this call
            site = find(None, cls)
        if site is None:
            return original(x, memo, _nil)
        state = get()
        if memo is None:
            if cls in atomic:
                began = clock()
                y = original(x, None, _nil)
                ended = clock()
                if not tick(site, state, began, ended):  # type: ignore[arg-type]
                    stand_for(site, state, began, ended, _NO_OBJECTS)
                return y
            memo = {}
            before = 0
        else:
            before = _size(memo)
        span = begin(site, state)
        known = dict.fromkeys(memo) if detail and before else {}
        inside = memo if detail else None
        objects = 0
        memos.append(memo)
        latest[0] = memo
        set_current(span)
        try:
            span.started = clock()
            y = original(x, memo, _nil)
            objects = len(memo) - before if type(memo) is dict else _size(memo) - before
            memos.clear()
            latest[0] = memo = None  # its end is part of the copy, as it is without us
            span.ended = clock()
        except BaseException as error:
            span.ended = clock()
            span.fail(error)
            objects = _size(memo) - before
            raise
        finally:
            memos.clear()
            latest[0] = None
            set_current(state)
            if detail or under_way.nested or not tick_span(span, semconv.COPY_OBJECTS, objects):
                _settle(sites, span, objects, inside, known)
        return y

    return deepcopy


def _nested(original: Any, x: Any, memo: Any, nil: Any) -> Any:
    """A call inside a root that does not bring the innermost memo."""
    memos = _under_way.memos
    if memo is None:
        memo = {}
    else:
        for known in memos:
            if known is memo:
                _latest[0] = memo
                return original(x, memo, nil)
    _under_way.nested += 1
    _under_way.depth = max(_under_way.depth, len(memos))
    before = _size(memo)
    memos.append(memo)
    _latest[0] = memo
    try:
        return original(x, memo, nil)
    finally:
        memos.pop()
        _latest[0] = memos[-1] if memos else None
        _under_way.objects += _size(memo) - before


def _size(memo: Any) -> int:
    try:
        return len(memo)
    except Exception:  # law 1: a memo may be any object that has `get` and takes items
        return 0


def _settle(sites: CallerSites, span: Span, objects: int, inside: Any, known: Dict[Any, Any]) -> None:
    """Hand over a root that has ended."""
    numbers: Dict[str, Any] = {semconv.COPY_OBJECTS: objects}
    mine = _under_way
    try:
        if mine.nested:
            numbers[semconv.COPY_NESTED] = mine.nested
            numbers[semconv.COPY_NESTED_OBJECTS] = mine.objects
            depth = mine.depth
            mine.nested = mine.objects = mine.depth = 0
            span.site = sites.at_depth(span.site, depth)
        if inside is not None:
            numbers[semconv.COPY_TYPES] = types_inside(inside, known)
        if span.details is not None:
            close_dangling(span)
        settle(span, numbers=numbers)
    except Exception:  # law 1: the copy was made, and the program gets it
        with suppress(Exception):  # at the limit of recursion this fails as well
            process_state.fault("recording a deep copy")
