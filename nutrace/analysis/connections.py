"""Connections and transactions: how many, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import List, Optional, Set, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.analysis.origins import Caller, Origin, Origins
from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace
from nutrace.trace.bounds import whole
from nutrace.trace.values import parse_attributes


@dataclass(frozen=True)
class Connections:
    """Connections of the database drivers, and the time for opening and closing them, in ns.

    ``peak_open`` is the largest number that one process had open at the same time. ``origins`` say where
    those that were opened come from, with their number, the most frequent origin first.
    """

    opened: int
    closed: int
    opened_in_steps: int
    peak_open: int
    connect_ns: int
    close_ns: int
    origins: Tuple[Tuple[Origin, int], ...] = ()


@dataclass(frozen=True)
class Transactions:
    """Commits and rollbacks, and their time in ns."""

    commits: int
    rollbacks: int
    total_ns: int


def connections(trace: Trace, regions: Regions, origins: Origins, *, watched: bool) -> Optional[Connections]:
    """Count connections: the drivers' where these have a probe, else those of SQLAlchemy's pools.

    None if there are none and no probe would have seen one (`watched`).
    """
    opened = closed = inside = connect_ns = close_ns = 0
    said: Set[bytes] = set()  # attributes, of which there are few different ones
    connecting = connects(trace)
    openers: Counter[Origin] = Counter()
    for span, name in enumerate(trace.name):
        if name == semconv.CLOSE_SPAN:
            closed += trace.calls[span]
            close_ns += trace.busy_ns[span]
            said.add(trace.raw.attributes[span])
    if not (watched or connecting or closed):
        return None
    for span in connecting:
        connect_ns += trace.busy_ns[span]
        said.add(trace.raw.attributes[span])
        if span not in trace.failed:  # else it was refused
            opened += trace.calls[span]
            inside += trace.calls[span] if regions.region[span] != Region.OUTSIDE else 0
            openers[origins.of(span, _caller(trace, span))] += trace.calls[span]
    peak = max(map(_most_open, said), default=0)
    by_number = sorted(openers.items(), key=lambda item: (-item[1], repr(item[0])))
    return Connections(opened, closed, inside, max(peak, 0), connect_ns, close_ns, tuple(by_number))


def _caller(trace: Trace, span: int) -> Caller:
    attributes = trace.attributes(span)
    return Caller(
        text(attributes, semconv.CODE_FUNCTION),
        text(attributes, semconv.CODE_FILE),
        number(attributes, semconv.CODE_LINE),
    )


def connects(trace: Trace) -> List[int]:
    """The spans that open connections, or try to: of a driver with a probe, else of SQLAlchemy's pools."""
    drivers = [span for span, name in enumerate(trace.name) if name == semconv.CONNECT_SPAN]
    pools = [span for span, name in enumerate(trace.name) if name == semconv.ALCHEMY_CONNECT_SPAN]
    # If the driver has a probe, its span lies inside the pool's: count one of the two.
    following = (*drivers, len(trace))
    beside = [span for span in pools if following[bisect_left(drivers, span)] >= trace.subtree_end[span]]
    return [*drivers, *beside]


def _most_open(raw: bytes) -> int:
    attributes = parse_attributes(raw)
    series = attributes.get(semconv.SQL_OPEN)
    if not isinstance(series, list):
        return number(attributes, semconv.SQL_OPEN)
    return max((whole(entry) for entry in series), default=0)


def transactions(trace: Trace) -> Transactions:
    """Count commits and rollbacks."""
    commits = rollbacks = total_ns = 0
    for span, name in enumerate(trace.name):
        if name == semconv.COMMIT_SPAN:
            commits += trace.calls[span]
        elif name == semconv.ROLLBACK_SPAN:
            rollbacks += trace.calls[span]
        else:
            continue
        total_ns += trace.busy_ns[span]
    return Transactions(commits, rollbacks, total_ns)
