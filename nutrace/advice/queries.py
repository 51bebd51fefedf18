"""Statements, and the connections that are opened for them."""

from __future__ import annotations

from collections import defaultdict
from typing import DefaultDict, Dict, List, Mapping

from nutrace import semconv
from nutrace.advice.facts import Facts

_CONNECTING = (semconv.CONNECT_SPAN, semconv.CLOSE_SPAN)


def connecting(facts: Facts) -> Dict[int, List[int]]:
    """The spans that open and close connections, by the span around them; -1 without one."""
    trace = facts.trace
    by_parent: DefaultDict[int, List[int]] = defaultdict(list)
    for span, name in enumerate(trace.name):
        if name in _CONNECTING:
            by_parent[trace.parent[span]].append(span)
    return dict(by_parent)


def with_connections(
    facts: Facts, saves: Mapping[int, float], shares: Mapping[int, float]
) -> Dict[int, float]:
    """What is saved of statements, and of connections if each statement has its own.

    The connections that are opened and closed below a span are spared in the proportion of its statements.

    Parameters
    ----------
    saves:
        By span of statements, what is saved, in ns.
    shares:
        By span of statements, the part of its executions that are spared, 0 to 1.
    """
    trace = facts.trace
    executions: DefaultDict[int, float] = defaultdict(float)
    spared: DefaultDict[int, float] = defaultdict(float)
    for batch in facts.batches:
        above = trace.parent[batch.span]
        number = batch.calls * batch.runs
        executions[above] += number
        spared[above] += number * shares.get(batch.span, 0.0)
    all_saved: Dict[int, float] = dict(saves)
    around = connecting(facts)
    for above, statements in spared.items():
        if not statements:
            continue
        spans = around.get(above, ())
        opened = sum(trace.calls[span] for span in spans if trace.name[span] == semconv.CONNECT_SPAN)
        if opened >= executions[above]:
            for span in spans:
                all_saved[span] = trace.self_ns[span] * statements / executions[above]
    return all_saved
