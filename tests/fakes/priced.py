"""Run files that state what recording an event costs."""

from __future__ import annotations

from typing import Any, Dict

from fakes.otlp import RESOURCE, merged

from nutrace import prices, semconv
from nutrace.prices import Price

C = "nutrace.component"

#: In round numbers, so that a test can add them up in its head.
PRICES = {
    prices.CALL: Price(1000.0, 100.0, 1.2),
    prices.MERGED: Price(500.0, 50.0, 1.1),
    prices.RESUMPTION: Price(300.0, 20.0, 1.5),
    prices.STATEMENT: Price(4000.0, 1000.0),
    prices.ROW: Price(100.0, 100.0),
    prices.ERROR: Price(2000.0, 0.0),
}


def priced(**more: Any) -> Dict[str, Any]:
    """A resource with :data:`PRICES`; in the names of further attributes ``__`` stands for a point."""
    given = {f"nutrace.{name.replace('__', '.')}": item for name, item in more.items()}
    return {**RESOURCE, semconv.OWN_PRICES: prices.dump(PRICES), **given}


def clocked(**spent_ns: int) -> Dict[str, int]:
    """Attributes of a resource: work that was done twice and took so long."""
    return {
        key: item
        for what, took in spent_ns.items()
        for key, item in ((f"{semconv.OWN_TIMES}.{what}", 2), (f"{semconv.OWN_SPENT_NS}.{what}", took))
    }


def step(index: int, own_ns: int = 0, rows: int = 10) -> Any:
    """A step of 1 ms: a call of the planner with 20 merged ones in it, and a generator around a statement.

    With 10 rows it costs 24.5 us by :data:`PRICES`: three calls 1.1 us each, as the step is one itself, the
    merged ones 11, ten values 3.2, the statement 5 and its rows 2. Of that 1 us is spent outside of the step.
    """
    begin = index * 2000
    leaf = ("nearest", begin + 20, begin + 90, {C: "map", **merged([2000] * 20)})
    statement = ("sqlite3.statement", begin + 210, begin + 290, {C: "database", semconv.DB_ROWS: rows})
    query = ("query", begin + 200, begin + 300, [statement], {C: "database", semconv.YIELDED: rows})
    below = [("plan", begin + 10, begin + 100, [leaf], {C: "planner"}), query]
    told = {C: "simulation", semconv.STEP_INDEX: index, **({semconv.OWN_NS: own_ns} if own_ns else {})}
    return ("simulation.step", begin, begin + 1000, below, told)
