"""What recording one event costs the thread that it happens in: the prices a run file states.

The recorder measures or estimates them and writes them into the resource
(:data:`nutrace.semconv.OWN_PRICES`); whoever reads the file takes them out of self times. Both count
events by the rule of :func:`events`.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Callable, Dict, Final, List, Mapping, NamedTuple, Tuple

from nutrace import semconv

#: A call with a span of its own, and one that is merged with others.
CALL: Final = "call"
MERGED: Final = "merged"
#: A value that a generator has yielded.
RESUMPTION: Final = "resumption"
STATEMENT: Final = "statement"
ROW: Final = "row"
#: Opening, closing, committing, checking out: what a connection does besides statements.
CONNECTION: Final = "connection"
#: A deep copy, with all that lies inside of it.
COPY: Final = "copy"
COLLECTION: Final = "collection"
#: An error that left a span: what is spent besides the noting of it, which is clocked.
ERROR: Final = "error"
#: A span that the program has made by the OpenTelemetry API.
API: Final = "api"

KINDS: Final = (CALL, MERGED, RESUMPTION, STATEMENT, ROW, CONNECTION, COPY, COLLECTION, ERROR, API)

_OF_NAMES: Final[Mapping[str, str]] = {
    semconv.STATEMENT_SPAN: STATEMENT,
    semconv.CONNECT_SPAN: CONNECTION,
    semconv.CLOSE_SPAN: CONNECTION,
    semconv.COMMIT_SPAN: CONNECTION,
    semconv.ROLLBACK_SPAN: CONNECTION,
    semconv.CHECKOUT_SPAN: CONNECTION,
    semconv.CHECKIN_SPAN: CONNECTION,
    semconv.ALCHEMY_CONNECT_SPAN: CONNECTION,
    semconv.DEEPCOPY_SPAN: COPY,
    semconv.GC_SPAN: COLLECTION,
}

_MOST_NS: Final = 1e9  # no event costs a second: who says so is not believed


class Price(NamedTuple):
    """What an event costs, ns.

    `outside_ns` lies before the first and after the last reading of the clock, in the self time of the span
    above; `inside_ns` between them. `spread` is how many times as much the median of the measured rounds was
    as the best, which is what is stated: 1 or more, 0 if the price is a shipped ratio to a measured one.
    """

    outside_ns: float
    inside_ns: float
    spread: float = 0.0

    @property
    def total_ns(self) -> float:
        """Both together."""
        return self.outside_ns + self.inside_ns


Prices = Dict[str, Price]


class Calibration(NamedTuple):
    """What events cost a process, as it was measured when it began to record.

    `prices` are those of functions' calls. A method's call costs `of_method_ns` more outside: Python looks it
    up in its class. A run file does not tell methods from functions, so that it states the mean.
    """

    prices: Mapping[str, Price] = MappingProxyType({})
    of_method_ns: float = 0.0

    def outside_ns(self, kind: str, of_method: bool) -> float:
        """What an event costs the span above."""
        price = self.prices.get(kind)
        if price is None:
            return 0.0
        return price.outside_ns + (self.of_method_ns if of_method and kind in (CALL, MERGED) else 0.0)

    def mean(self, of_methods: Callable[[str], float]) -> Prices:
        """The prices, where `of_methods` gives the part of a kind's events that are calls of methods."""
        return {
            kind: price._replace(
                outside_ns=price.outside_ns
                + (self.outside_ns(kind, True) - price.outside_ns) * of_methods(kind)
            )
            for kind, price in self.prices.items()
        }


def events(
    name: str, calls: int, *, yielded: int = 0, rows: int = 0, failed: bool = False, by_api: bool = False
) -> List[Tuple[str, int]]:
    """The events that a span stands for, as kinds and how many of them.

    Parameters
    ----------
    name, calls, yielded:
        As in :class:`nutrace.trace.Trace`: `calls` is 0 for a span that continues a generator.
    rows:
        Rows that a statement has returned.
    failed:
        Whether an error left the span.
    by_api:
        Whether the program made the span by the OpenTelemetry API.
    """
    kind = API if by_api else _OF_NAMES.get(name) or (CALL if calls <= 1 else MERGED)
    found = [(kind, calls)] if calls else []
    if yielded and not by_api:  # spans of the program's may have any attributes
        found.append((RESUMPTION, yielded))
    if rows and kind == STATEMENT:
        found.append((ROW, rows))
    if failed:
        found.append((ERROR, 1))
    return found


def cost_ns(counts: Mapping[str, int], prices: Mapping[str, Price]) -> float:
    """What events cost in all, from how many there are of each kind; a kind without a price costs nothing."""
    return sum(number * prices[kind].total_ns for kind, number in counts.items() if kind in prices)


def dump(prices: Mapping[str, Price]) -> str:
    """Prices as JSON: ``{kind: [outside_ns, inside_ns, spread]}``."""
    return json.dumps({kind: [round(each, 2) for each in price] for kind, price in prices.items()})


def parse(text: object) -> Prices:
    """Prices from a resource's attribute; what is no price is left out."""
    try:
        stated = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    prices: Prices = {}
    for kind in KINDS if isinstance(stated, dict) else ():
        numbers = stated.get(kind)
        if isinstance(numbers, list) and len(numbers) == 3 and all(map(_is_price, numbers)):
            prices[kind] = Price(*map(float, numbers))
    return prices


def _is_price(number: object) -> bool:
    # Of a number that is none, both comparisons are false. isfinite would raise for an integer of 400 digits.
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number <= _MOST_NS
