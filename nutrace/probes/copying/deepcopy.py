"""The replacement of ``copy.deepcopy``: a span for each root call, with its caller and its size.

The standard library's recursion binds the original function in default arguments, so only two kinds
of call arrive here: those that the program makes, and those that ``__deepcopy__`` methods make. The
methods pass on the memo of the deep copy that they are part of, and such calls go straight through:

- a **root** is a call while no other deep copy is under way in this thread, whatever memo it brings.
  These are cProfile's primitive calls;
- inside a root, a call that brings the memo of a deep copy under way is part of that deep copy;
- any other call inside a root is a **nested** root, which begins a memo of its own. Its time is part of
  the root's time already. The root's span says how many there were, how many objects they copied and
  how deep they were nested.

``objects`` is what the memo gained: ``len(memo)`` after ``copy.deepcopy(x, memo := {})``. That is one
for each object copied, and one for the list by which the memo keeps the originals alive.
"""

from __future__ import annotations

import copy
import functools
import threading
from contextlib import suppress
from typing import Any, Dict, List

from nutrace import semconv
from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.probes.blocks import close_dangling
from nutrace.probes.copying.call_sites import CopyCallSites
from nutrace.probes.copying.types_inside import types_inside
from nutrace.probes.switch import Switch
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import tally
from nutrace.recording.context import current, span_below
from nutrace.recording.span import Span, process_state
from nutrace.recording.stopwatch import Since, struck


class _UnderWay(threading.local):
    """This thread's deep copies: the memo of the root and of those nested in it, the innermost last."""

    def __init__(self) -> None:
        self.memos: List[Any] = []
        # Of the roots nested in the root that is under way:
        self.nested = 0
        self.objects = 0
        self.depth = 0


_under_way = _UnderWay()
#: The memo of the deep copy, in any thread, that began or went on last. Most calls bring this one, tens
#: of thousands in one root, and need not look at their thread's list.
_latest: List[Any] = [None]


@passed_over
def replacement(original: Any, switch: Switch, *, detail: bool = False) -> Any:
    """A function like `original`, which is ``copy.deepcopy``; `detail` notes the types inside."""
    sites = CopyCallSites(semconv.DEEPCOPY_SPAN, getattr(copy, "_deepcopy_dispatch", {}), "__deepcopy__")
    nil = (getattr(original, "__defaults__", None) or (None,))[-1]
    clock = now_ns
    latest = _latest

    @functools.wraps(original)
    def deepcopy(x: Any, memo: Any = None, _nil: Any = nil) -> Any:
        try:
            if (memo is not None and memo is latest[0]) or not switch:
                return original(x, memo, _nil)
            memos = _under_way.memos
            if memos:
                return _nested(original, x, memo, _nil)
            since = now_ns(), struck()
            site = sites.find(type(x))
            if site is None:
                return original(x, memo, _nil)
        except BaseException as error:
            leave_traceback(error)
            raise
        if memo is None:
            memo = {}
        before = _size(memo)
        known = dict.fromkeys(memo) if detail and before else {}
        inside = memo if detail else None
        state = current.get()
        span = span_below(site, state)
        objects = 0
        memos.append(memo)
        latest[0] = memo
        current.set(span)
        try:
            span.started = clock()
            y = original(x, memo, _nil)
            objects = _size(memo) - before
            memos.clear()
            latest[0] = memo = None  # the memo's end is part of the copy, as it is untraced
            span.ended = clock()
        except BaseException as error:
            span.ended = clock()
            leave_traceback(error)
            span.fail(error)
            objects = _size(memo) - before
            raise
        finally:
            memos.clear()
            latest[0] = None
            current.set(state)
            _hand_over(sites, span, objects, inside, known, since)
        return y

    return deepcopy


@passed_over
def _nested(original: Any, x: Any, memo: Any, nil: Any) -> Any:
    """A call inside a root that does not bring the innermost memo."""
    memos = _under_way.memos
    if memo is None:
        memo = {}
    elif any(memo is known for known in memos):
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
    except Exception:  # a memo may be any object that has `get` and takes items
        return 0


def _hand_over(
    sites: CopyCallSites, span: Span, objects: int, inside: Any, known: Dict[Any, Any], since: Since
) -> None:
    """Hand over the span of a root that has ended."""
    numbers: Dict[str, Any] = {semconv.COPY_OBJECTS: objects}
    roots = _under_way
    try:
        if roots.nested:
            numbers[semconv.COPY_NESTED] = roots.nested
            numbers[semconv.COPY_NESTED_OBJECTS] = roots.objects
            depth = roots.depth
            roots.nested = roots.objects = roots.depth = 0
            span.site = sites.at_depth(span.site, depth)
        if inside is not None:
            numbers[semconv.COPY_TYPES] = types_inside(inside, known)
        if span.details is not None:
            close_dangling(span)
        tally(span, numbers, since=since)
    except Exception:  # the copy was made, and the program gets it
        with suppress(Exception):  # at the limit of recursion this fails as well
            process_state.fault("recording a deep copy")
