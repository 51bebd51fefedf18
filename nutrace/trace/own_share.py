"""Take nutrace's own time out of the spans in which it was spent: rule 11 of the tree.

Some of it was clocked: a span's ``nutrace.own_ns``, with that of the spans in it. The rest is what recording
a span costs outside of its two readings of the clock. That lies in the self time of the span above, and is
known by the prices that the process states (:mod:`nutrace.prices`), with what was clocked around the span.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Collection, Dict, List, Mapping, Sequence, Tuple

from nutrace import semconv
from nutrace.prices import Event, Price, Prices, duration, events, kind_of, parse
from nutrace.trace.correction import Correction, Priced
from nutrace.trace.nesting import Nesting
from nutrace.trace.rows import Rows

#: Bound of the table of different spans.
_MOST_KNOWN = 20_000

#: Name, calls, yielded, rows, whether by the API, thread, how long the program itself ran.
_Key = Tuple[str, int, int, int, int, int, int]
_Events = Sequence[Event]


def give_back(rows: Rows) -> None:
    """Add what was clocked to the costs again, so that spans nest as they were recorded."""
    start, end, busy = rows.start_ns, rows.end_ns, rows.busy_ns
    for span, own in enumerate(rows.own_ns):
        if own and busy[span] >= 0:
            cost = busy[span] + own
            busy[span] = -1 if cost == end[span] - start[span] else cost


def take_out(
    rows: Rows, parent: Sequence[int], nesting: Nesting, failed: Collection[int]
) -> Tuple[array[int], Correction]:
    """Take it out of the costs, with what is left of them in whole nanoseconds, and never below zero.

    Returns what was taken out of each span's self time.

    Parameters
    ----------
    failed:
        The spans that an error left.
    """
    prices = [parse(resource.get(semconv.OWN_PRICES)) for resource in rows.resources]
    own_ns = array("q", bytes(8 * len(parent)))
    found = Correction(priced_processes=sum(map(bool, prices)), processes=len(prices))
    clocked = any(rows.own_ns)
    if not any(prices) and not clocked:
        return own_ns, found
    thread = nesting.thread
    nested = bytearray([above >= 0 and thread[above] == own for above, own in zip(parent, thread)])
    ran = _ran(rows, nesting) if any(each.cold for each in prices) else bytes(len(parent))
    kinds: Tuple[Priced, ...] = ()
    measured_ns = calibrated_ns = clipped_ns = 0
    cold_ns = 0.0
    if clocked:
        measured_ns = _take_measured(rows.own_ns, parent, nested, nesting.self_ns, own_ns)
    if any(prices):
        wanted, cold, kinds = _wanted(rows, parent, nesting, nested, failed, prices, ran)
        calibrated_ns, clipped_ns, cold_ns = _take_calibrated(wanted, cold, nesting.self_ns, own_ns)
    _lower_totals(parent, nested, nesting.busy_ns, own_ns)
    return own_ns, replace(
        found,
        kinds=kinds,
        calibrated_ns=calibrated_ns,
        clipped_ns=clipped_ns,
        measured_ns=measured_ns,
        cold_ns=cold_ns,
    )


def _take_measured(
    clocked: Sequence[int],
    parent: Sequence[int],
    nested: Sequence[int],
    self_ns: array[int],
    own_ns: array[int],
) -> int:
    """Take out what was clocked, of each span without that of the spans in it; return the sum."""
    inside = [0] * len(clocked)
    taken = 0
    for span in range(len(clocked) - 1, -1, -1):
        own = max(clocked[span], inside[span])
        if own:
            alone = min(own - inside[span], self_ns[span])
            own_ns[span] += alone
            self_ns[span] -= alone
            taken += alone
            if nested[span]:
                inside[parent[span]] += own
    return taken


def _ran(rows: Rows, nesting: Nesting) -> bytes:
    """How long the program itself ran in each span, by :func:`nutrace.prices.duration`."""
    columns = zip(rows.start_ns, rows.end_ns, nesting.busy_ns, nesting.self_ns)
    return bytes([duration(end - start - busy + own) for start, end, busy, own in columns])


def _wanted(
    rows: Rows,
    parent: Sequence[int],
    nesting: Nesting,
    nested: Sequence[int],
    failed: Collection[int],
    prices: Sequence[Prices],
    ran: Sequence[int],
) -> Tuple[List[float], array[float], Tuple[Priced, ...]]:
    """What the spans below it have cost each span, ns; the part of it that is due to cold caches; and both by
    kinds."""
    resource_of = [resource for resource, _, _ in rows.threads]
    resource_of += [resource_of[base] for base, _ in nesting.lanes.values()]
    table = _Table(prices, resource_of)
    columns = rows.name, rows.calls, rows.yielded, rows.single_rows, rows.by_api, nesting.thread, ran
    wanted = [0.0] * len(parent)
    cold = array("d", bytes(8 * len(parent)))
    outside_ns, cold_ns, times = table.outside_ns, table.cold_ns, table.times
    for entry, above, inside in zip(map(table.__getitem__, zip(*columns)), parent, nested):
        if inside:
            wanted[above] += outside_ns[entry]
            times[entry] += 1
            if cold_ns[entry]:
                cold[above] += cold_ns[entry]
    for span in failed:
        if nested[span]:
            entry = table.of_error(nesting.thread[span], ran[span])
            wanted[parent[span]] += outside_ns[entry]
            times[entry] += 1
            cold[parent[span]] += cold_ns[entry]
    clocked: Dict[str, int] = {}
    for span, own in enumerate(rows.clocked_ns):
        if own and nested[span] and not rows.by_api[span] and prices[resource_of[nesting.thread[span]]]:
            wanted[parent[span]] += own
            kind = kind_of(rows.name[span], rows.calls[span])
            clocked[kind] = clocked.get(kind, 0) + own
    return wanted, cold, table.kinds(clocked)


class _Table(Dict[_Key, int]):
    """Equal spans have an entry together, which is a number; it is valid until the next one is asked for.

    Parameters
    ----------
    prices, resource_of:
        The prices of each process, and the process of each thread.
    """

    def __init__(self, prices: Sequence[Prices], resource_of: Sequence[int]) -> None:
        super().__init__()
        self._prices = prices
        self._resource_of = resource_of
        self._events: List[Tuple[int, _Events]] = []  # of each entry: its process, and what it stands for
        #: Of each entry what one span costs the span above, what of that is due to cold caches, and how many
        #: spans were found.
        self.outside_ns: List[float] = []
        self.cold_ns: List[float] = []
        self.times: List[int] = []
        # Of entries that are gone: events by kind, process and coldness.
        self._counts: Dict[Tuple[str, int, int], int] = {}

    def __missing__(self, key: _Key) -> int:
        name, calls, yielded, returned, by_api, thread, ran = key
        found = events(name, calls, yielded=yielded, rows=returned, by_api=bool(by_api), ran=ran)
        if len(self) >= _MOST_KNOWN:
            self._forget()
        entry = self[key] = self._add(thread, found)
        return entry

    def of_error(self, thread: int, ran: int) -> int:
        """The entry of an error that left a span."""
        key = "", 0, 0, 0, -1, thread, ran
        known = self.get(key)
        if known is None:
            known = self[key] = self._add(thread, events("", 0, failed=True, ran=ran))
        return known

    def _add(self, thread: int, found: _Events) -> int:
        resource = self._resource_of[thread]
        prices = self._prices[resource]
        self._events.append((resource, found))
        priced = [
            (count * prices[kind].outside_ns, prices.times(degree))
            for kind, count, degree in found
            if kind in prices
        ]
        self.outside_ns.append(sum(warm * times for warm, times in priced))
        self.cold_ns.append(sum(warm * times - warm for warm, times in priced))
        self.times.append(0)
        return len(self.times) - 1

    def _forget(self) -> None:
        """Keep of the entries only how many events they stand for."""
        counts = self._counts
        for times, (resource, found) in zip(self.times, self._events):
            for kind, count, degree in found:
                if times and kind in self._prices[resource]:
                    key = kind, resource, degree
                    counts[key] = counts.get(key, 0) + times * count
        self.clear()
        for column in (self._events, self.outside_ns, self.cold_ns, self.times):
            column.clear()

    def kinds(self, clocked: Mapping[str, int]) -> Tuple[Priced, ...]:
        """What all spans cost that were found; `clocked` is what was clocked of each kind, ns."""
        self._forget()
        sums: Dict[str, Priced] = {}
        for (kind, resource, degree), count in self._counts.items():
            prices = self._prices[resource]
            warm = count * prices[kind].outside_ns
            cost = warm * prices.times(degree)
            so_far = sums.get(kind, Priced(kind, 0, 0.0, 0.0))
            sums[kind] = Priced(
                kind,
                so_far.events + count,
                so_far.outside_ns + cost,
                so_far.uncertain_ns + cost * (_spread(prices[kind], prices) - 1),
                so_far.by_ratio or not prices[kind].spread,
                so_far.cold_ns + cost - warm,
            )
        for kind, own_ns in clocked.items():
            so_far = sums.get(kind, Priced(kind, 0, 0.0, 0.0))
            sums[kind] = replace(so_far, outside_ns=so_far.outside_ns + own_ns, clocked_ns=own_ns)
        return tuple(sorted(sums.values(), key=lambda each: (-each.outside_ns, each.kind)))


def _spread(price: Price, prices: Mapping[str, Price]) -> float:
    return max(price.spread or max(each.spread for each in prices.values()), 1.0)


def _take_calibrated(
    wanted: List[float], cold: array[float], self_ns: array[int], own_ns: array[int]
) -> Tuple[int, int, float]:
    """Take out of each span what is wanted, as far as it has it.

    Returns what was taken, what was not, and what was taken of that which is due to `cold` caches.
    """
    taken = clipped = 0
    cold_ns = 0.0
    for span, cost in enumerate(wanted):
        if cost:
            whole, left = int(cost), self_ns[span]
            if whole > left:
                clipped += whole - left
                cold[span] *= left / whole
                whole = left
            cold_ns += cold[span]
            taken += whole
            self_ns[span] = left - whole
            own_ns[span] += whole
    return taken, clipped, cold_ns


def _lower_totals(
    parent: Sequence[int], nested: Sequence[int], busy_ns: array[int], own_ns: array[int]
) -> None:
    """Lower the cost of each span by what was taken out of it, and of the spans in it."""
    inside = own_ns.tolist()
    for span in range(len(inside) - 1, -1, -1):
        own = inside[span]
        if own:
            busy_ns[span] -= own
            if nested[span]:
                inside[parent[span]] += own
