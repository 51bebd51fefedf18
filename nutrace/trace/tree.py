"""Make a tree of the rows, by these rules in this order; each is counted.

1. **Missing id**: a span without a spanId gets a new one; no other span can name it as its parent.
2. **Duplicates**: a finished span replaces its announcement, which is normal and not counted. Of two
   announcements, and of two finished spans with one id, the one that ends later is kept.
3. **Missing times**: a start of 0 becomes the span's end, or else its nearest ancestor's start.
   An end of 0 makes the span unfinished. A time that is out of bounds is a missing one.
4. **Negative duration**: the end becomes the start. (The wall clock was set back.)
5. **Orphans**: a span whose parent is not in the file becomes a root.
6. **Cycles**: cut at the earliest span, which becomes a root.
7. **Unfinished**: an announced span that never ended gets the latest of the time of its announcement and
   the ends of its descendants.
8. **Threads**: a span that names no thread is on its parent's, if they are of the same process. A child on
   another thread than its parent runs beside it: it stays a child in the tree, but its time is not taken
   from the parent's self time.
9. **Cost**: ``nutrace.busy_ns`` if the span has it, else the duration; never more than the duration.
10. **Not nested**: a child on its parent's thread cannot lie inside its parent if it sticks out of the
    parent's interval, overlaps an earlier sibling (neither being a generator or composite span), or costs
    more than its parent has left. Up to 1 us is rounding and is trimmed. Beyond that, the child ran
    beside its parent (an asyncio task, a clock that was set) and moves to a lane of its own next to the
    thread. So do outermost spans of one thread that overlap.
11. **nutrace's own time** is taken out of the spans in which it was spent: what was clocked
    (``nutrace.own_ns``), and what recording the spans on a thread cost the spans above, by the prices
    that their process states and as it was clocked (``nutrace.own.clocked_ns``). A self time never falls
    below zero, and the rules before are applied to times as they were recorded. None is taken out if the
    caller asks for that.

Therefore, in any file, nested children lie inside their parent and never cost more than it, and the self
times of a lane sum to the cost of its outermost spans.
"""

from __future__ import annotations

from array import array
from operator import itemgetter
from typing import Any, Callable, Dict, List, Optional, Tuple

from nutrace.trace.bounds import LATEST_NS
from nutrace.trace.correction import Correction
from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.nesting import Nesting, nest
from nutrace.trace.order import preorder
from nutrace.trace.own_share import give_back, take_out
from nutrace.trace.phases import CORRECTING, TREE
from nutrace.trace.rows import Rows
from nutrace.trace.span import Resource, ThreadKey
from nutrace.trace.trace import RawColumns, Trace
from nutrace.trace.values import failed_spans


def build(
    rows: Rows,
    path: str,
    diagnostics: Diagnostics,
    *,
    raw: bool = False,
    phase: Optional[Callable[[str], None]] = None,
) -> Trace:
    """Build the tree of all rows; `diagnostics` has the reader's counts, and the rules add theirs.

    If it is to be `raw`, nutrace's own time stays where it was recorded. `phase` is told what begins.

    To keep memory down, the rows are taken apart as the tree grows: they are empty afterwards.
    """
    begin = phase or _tell_nobody
    begin(TREE)
    diagnostics.out_of_bounds = rows.out_of_bounds
    alive, up = _link(rows, diagnostics)
    _mend_times(rows, up, alive, diagnostics)
    order = preorder(rows, up, alive, diagnostics)
    count = len(order)
    # Loop over lists, as reading an array makes an int object each time.
    position = [-1] * (len(rows) + 1)  # the last one, -1, is for roots
    for new, row in enumerate(order):
        position[row] = new
    parent = [position[up[row]] for row in order]
    events = {position[row]: value for row, value in rows.events.items() if position[row] >= 0}
    status = {position[row]: value for row, value in rows.status.items() if position[row] >= 0}
    del position, up, alive
    _reorder(rows, order)
    del order

    depth, subtree_end = [0] * count, list(range(1, count + 1))
    for span, above in enumerate(parent):
        if above >= 0:
            depth[span] = depth[above] + 1
    for span in range(count - 1, -1, -1):
        above = parent[span]
        if above >= 0 and subtree_end[above] < subtree_end[span]:
            subtree_end[above] = subtree_end[span]
    depths, subtree_ends = array("i", depth), array("i", subtree_end)
    del depth, subtree_end
    _end_unfinished(rows, parent)
    give_back(rows)
    nesting = nest(rows, parent, diagnostics)
    if raw:
        own_ns, correction = array("q", bytes(8 * count)), Correction(raw=True)
    else:
        begin(CORRECTING)
        own_ns, correction = take_out(rows, parent, nesting, failed_spans(status))
    thread, threads, resources = _number_threads(rows, nesting)
    diagnostics.add_recorded(resources, sum(rows.unfinished))
    return Trace(
        path=path,
        name=rows.name,
        component=rows.component,
        parent=array("i", parent),
        depth=depths,
        subtree_end=subtree_ends,
        start_ns=rows.start_ns,
        end_ns=rows.end_ns,
        busy_ns=nesting.busy_ns,
        self_ns=nesting.self_ns,
        own_ns=own_ns,
        calls=rows.calls,
        yielded=rows.yielded,
        thread=thread,
        threads=threads,
        resources=resources,
        diagnostics=diagnostics,
        correction=correction,
        raw=RawColumns(
            span_id=rows.span_id,
            trace_id=rows.trace_id,
            kind=rows.kind,
            by_api=rows.by_api,
            unfinished=rows.unfinished,
            attributes=rows.attributes,
            single_rows=rows.single_rows,
            clocked_ns=rows.clocked_ns,
            events=events,
            status=status,
            trace_ids=tuple(rows.trace_ids) or ("",),
            odd_ids=rows.odd_ids,
        ),
    )


def _tell_nobody(phase: str) -> None:
    pass


def _link(rows: Rows, diagnostics: Diagnostics) -> Tuple[bytearray, List[int]]:
    """Which rows stay, and for each row that of its parent (-1 for none)."""
    ids, parents = rows.span_id, rows.parent_id
    count = len(ids)
    if not all(ids):
        taken = set(ids)
        free = 0
        for row, number in enumerate(ids):
            if not number:
                free += 1
                while free in taken:
                    free += 1
                ids[row] = free
    # Ids are unique within a trace id, of which nearly every file has only one.
    several = len(rows.trace_ids) > 1
    keys: Any = [trace << 64 | number for trace, number in zip(rows.trace_id, ids)] if several else ids
    row_of = dict(zip(keys, range(count)))
    alive = bytearray(b"\1") * count
    if len(row_of) < count:
        row_of = _drop_duplicates(rows, keys, alive, diagnostics)
    del keys
    if several:
        wanted: Any = [trace << 64 | number if number else 0 for trace, number in zip(rows.trace_id, parents)]
    else:
        wanted = parents
    find = row_of.get
    up = [find(key, -1) for key in wanted]
    diagnostics.orphans = sum(
        1 for key, above, stays in zip(wanted, up, alive) if key and above < 0 and stays
    )
    rows.parent_id = array("Q")
    return alive, up


def _drop_duplicates(rows: Rows, keys: Any, alive: bytearray, diagnostics: Diagnostics) -> Dict[int, int]:
    row_of: Dict[int, int] = {}
    announced = rows.announced

    def rank(row: int) -> Tuple[Any, ...]:
        times = not announced[row], rows.end_ns[row], rows.start_ns[row]
        # The rest decides between equal times, so that the order in the file does not matter.
        return (*times, rows.name[row], rows.parent_id[row], rows.attributes[row])

    for row, key in enumerate(keys):
        other = row_of.setdefault(key, row)
        if other == row:
            continue
        if not announced[row] and not announced[other]:
            diagnostics.duplicates += 1
        stays, goes = (row, other) if rank(row) > rank(other) else (other, row)
        row_of[key] = stays
        alive[goes] = 0
    return row_of


def _mend_times(rows: Rows, up: List[int], alive: bytearray, diagnostics: Diagnostics) -> None:
    start, end = rows.start_ns, rows.end_ns
    for column in (start, end):
        if max(column, default=0) > LATEST_NS:
            for row in [row for row, time in enumerate(column) if time > LATEST_NS]:
                column[row] = 0
                diagnostics.out_of_bounds += alive[row]
    if min(start, default=1) <= 0:
        known = min((time for time in start if time > 0), default=1)
        for row in [row for row, time in enumerate(start) if time <= 0 and alive[row]]:
            diagnostics.missing_times += 1
            if start[row] > 0:
                continue  # it was on the path of another span
            path = []  # this span, and the ancestors that have no time either
            above = row
            while above >= 0 and start[above] <= 0:
                path.append(above)
                start[above] = known  # ends the path where it is a cycle
                above = up[above]
            inherited = start[above] if above >= 0 else known
            for untimed in reversed(path):
                inherited = start[untimed] = end[untimed] if end[untimed] > 0 else inherited
    if min(end, default=1) <= 0:
        for row in [row for row, time in enumerate(end) if time <= 0]:
            end[row] = start[row]
            # Like an announcement: the span never ended.
            rows.announced[row] = 1
    for row in [row for row in range(len(start)) if end[row] < start[row]]:
        end[row] = start[row]
        diagnostics.negative_durations += alive[row]


def _reorder(rows: Rows, order: List[int]) -> None:
    count = len(order)
    # One more item, as itemgetter of a single item does not return a tuple.
    pick = itemgetter(*order, order[0])
    for column in (
        "span_id",
        "trace_id",
        "kind",
        "start_ns",
        "end_ns",
        "thread",
        "busy_ns",
        "calls",
        "yielded",
        "own_ns",
        "single_rows",
        "clocked_ns",
    ):
        old = getattr(rows, column)
        # Many columns are constant, which is quick to find out by comparing bytes.
        same = old[:1] * count
        if count < len(old) or same.tobytes() != old.tobytes():
            setattr(rows, column, array(old.typecode, pick(old)[:-1]))
    for column in ("name", "component", "attributes"):
        setattr(rows, column, list(pick(getattr(rows, column))[:-1]))
    for column in ("announced", "unfinished", "by_api"):
        old = getattr(rows, column)
        setattr(rows, column, bytearray(pick(old)[:-1]) if any(old) else bytearray(count))


def _end_unfinished(rows: Rows, parent: List[int]) -> None:
    if 1 not in rows.announced:
        return
    latest = rows.end_ns[:]
    for span in range(len(latest) - 1, -1, -1):
        if rows.announced[span]:
            rows.end_ns[span] = latest[span]
            rows.unfinished[span] = 1
        above = parent[span]
        if above >= 0 and latest[above] < latest[span]:
            latest[above] = latest[span]


def _number_threads(
    rows: Rows, nesting: Nesting
) -> Tuple[array[int], Tuple[ThreadKey, ...], Tuple[Resource, ...]]:
    """Number threads and resources by where they first appear in the tree, instead of in the file."""
    thread_number: Dict[int, int] = {}
    thread = array("i", [thread_number.setdefault(old, len(thread_number)) for old in nesting.thread])
    resource_number: Dict[int, int] = {}
    keys = []
    for old in thread_number:
        base, lane = nesting.lanes.get(old, (old, 0))
        resource, thread_id, name = rows.threads[base]
        number = resource_number.setdefault(resource, len(resource_number))
        keys.append(ThreadKey(number, thread_id or 0, name, lane))
    unused = [index for index in range(len(rows.resources)) if index not in resource_number]
    resources = [*resource_number, *sorted(unused, key=lambda index: repr(rows.resources[index]))]
    return thread, tuple(keys), tuple(Resource(rows.resources[index]) for index in resources)
