"""What recording one event costs the thread that it happens in: the prices a run file states.

The recorder measures or estimates them and writes them into the resource
(:data:`nutrace.semconv.OWN_PRICES`); whoever reads the file takes them out of self times. Both count
events by the rule of :func:`events`.

What is done around a statement, a use of a connection or a deep copy is clocked, each time
(:data:`nutrace.semconv.CLOCKED_NS`). Their price is what they cost besides.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Callable, Dict, Final, Iterable, List, Mapping, NamedTuple, Sequence

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

#: Degrees of coldness: 0 is warm, and has the stated price.
DEGREES: Final = 5
#: After the program itself has run for less, caches are warm.
WARM_NS: Final = 1 << 15
_WARM_BITS: Final = WARM_NS.bit_length() - 3
_COLD: Final = "cold"  # among the kinds of a file

_MOST_TIMES: Final = 1000.0
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


class Prices(Dict[str, Price]):
    """Of each kind what an event costs while caches are warm.

    Parameters
    ----------
    prices:
        By kind.
    cold:
        How many times as much it costs at each degree of coldness from 1 on. Without them, which is so in
        files of older versions, all prices are those of warm caches.
    """

    def __init__(
        self, prices: Mapping[str, Price] = MappingProxyType({}), cold: Sequence[float] = ()
    ) -> None:
        super().__init__(prices)
        self.cold = tuple(cold)

    def times(self, degree: int) -> float:
        """How many times as much events cost at a degree of coldness."""
        return self.cold[min(degree, len(self.cold)) - 1] if degree and self.cold else 1.0


class Event(NamedTuple):
    """A number of events of one kind that happened at one degree of coldness."""

    kind: str
    number: int
    degree: int


class Calibration(NamedTuple):
    """What events cost a process, as it was measured when it began to record.

    `prices` are those of functions' calls. A method's call costs `of_method_ns` more outside: Python looks it
    up in its class. A run file does not tell methods from functions, so that it states the mean.
    """

    prices: Prices
    of_method_ns: float = 0.0

    def outside_ns(self, kind: str, of_method: bool) -> float:
        """What an event costs the span above, while caches are warm."""
        price = self.prices.get(kind)
        if price is None:
            return 0.0
        return price.outside_ns + (self.of_method_ns if of_method and kind in (CALL, MERGED) else 0.0)

    def mean(self, of_methods: Callable[[str], float]) -> Prices:
        """The prices, where `of_methods` gives the part of a kind's events that are calls of methods."""
        means = {
            kind: price._replace(
                outside_ns=price.outside_ns
                + (self.outside_ns(kind, True) - price.outside_ns) * of_methods(kind)
            )
            for kind, price in self.prices.items()
        }
        return Prices(means, self.prices.cold)


def duration(ran_ns: int) -> int:
    """How long the program itself ran in a span, as :func:`events` takes it: 0 if caches stayed warm."""
    return ran_ns.bit_length() if ran_ns >= WARM_NS else 0


def coldness(ran: int, count: int) -> int:
    """The degree of coldness at each of `count` events, for a :func:`duration` of all that lies between them.

    The longer a program's own code runs, the less of nutrace's is left in the processor's caches. From one
    degree to the next the time between two events is four times as long, and the first begins at
    :data:`WARM_NS`. As lengths are told by powers of two, an edge may lie at half of that.
    """
    return min(max((ran - count.bit_length() - _WARM_BITS) // 2, 0), DEGREES - 1)


def kind_of(name: str, calls: int) -> str:
    """The kind of the event that the calls of a span are which nutrace has made."""
    return _OF_NAMES.get(name) or (CALL if calls <= 1 else MERGED)


def events(
    name: str,
    calls: int,
    *,
    yielded: int = 0,
    rows: int = 0,
    failed: bool = False,
    by_api: bool = False,
    ran: int = 0,
) -> List[Event]:
    """The events that a span stands for.

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
    ran:
        The :func:`duration` of the span without the time in spans below it. What the program did while a
        generator was suspended, and between merged calls, belongs to it.
    """
    found = [(API if by_api else kind_of(name, calls), calls)] if calls else []
    if yielded and not by_api:  # spans of the program's may have any attributes
        found.append((RESUMPTION, yielded))
    if rows and not by_api and name == semconv.STATEMENT_SPAN:
        found.append((ROW, rows))
    if failed:
        found.append((ERROR, 1))
    return [Event(kind, count, coldness(ran, count) if ran else 0) for kind, count in found]


def cost_ns(found: Iterable[Event], prices: Prices) -> float:
    """What events cost in all; a kind without a price costs nothing."""
    return sum(
        count * prices[kind].total_ns * prices.times(degree)
        for kind, count, degree in found
        if kind in prices
    )


#: How to read a sum.
ABOUT: Final = "about"
AT_LEAST: Final = "at least"


def bound(prices: Iterable[Prices]) -> str:
    """How to read a sum by the prices of some processes: "about", or "at least" if all are of warm caches.

    Prices of warm caches are too low between a program's own work. Those of cold caches are the middle of a
    wide range, so that a sum by them may also be too high.
    """
    return ABOUT if any(each.cold for each in prices) else AT_LEAST


def dump(prices: Mapping[str, Price]) -> str:
    """Prices as JSON: ``{kind: [outside_ns, inside_ns, spread], "cold": [times, ...]}``."""
    stated = {kind: [round(each, 2) for each in price] for kind, price in prices.items()}
    if isinstance(prices, Prices) and prices.cold:
        stated[_COLD] = list(prices.cold)
    return json.dumps(stated)


def parse(text: object) -> Prices:
    """Prices from a resource's attribute; what is no price is left out."""
    try:
        stated = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return Prices()
    prices = Prices()
    for kind in KINDS if isinstance(stated, dict) else ():
        numbers = stated.get(kind)
        if isinstance(numbers, list) and len(numbers) == 3 and all(map(_is_price, numbers)):
            prices[kind] = Price(*map(float, numbers))
    cold = stated.get(_COLD) if prices else None
    if isinstance(cold, list) and 0 < len(cold) < DEGREES and all(map(_is_multiple, cold)):
        prices.cold = tuple(map(float, cold))
    return prices


def _is_price(number: object) -> bool:
    # Of a number that is none, both comparisons are false. isfinite would raise for an integer of 400 digits.
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number <= _MOST_NS


def _is_multiple(number: object) -> bool:
    return _is_price(number) and 1 <= number <= _MOST_TIMES  # type: ignore[operator]
