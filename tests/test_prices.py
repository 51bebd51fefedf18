"""The prices of nutrace's own work, as a run file states them."""

from __future__ import annotations

import pytest

from nutrace import semconv
from nutrace.prices import (
    API,
    CALL,
    CONNECTION,
    DEGREES,
    ERROR,
    MERGED,
    RESUMPTION,
    ROW,
    STATEMENT,
    Event,
    Price,
    Prices,
    cost_ns,
    dump,
    duration,
    events,
    parse,
)


def test_what_is_written_is_read() -> None:
    prices = Prices({CALL: Price(950.5, 110.0, 1.1), ROW: Price(120.0, 300.0)})
    assert parse(dump(prices)) == prices
    assert [parse(dump(prices)).times(degree) for degree in range(DEGREES)] == [1] * DEGREES
    prices.cold = 1.5, 2.0, 4.0
    assert parse(dump(prices)) == prices
    assert [parse(dump(prices)).times(degree) for degree in range(DEGREES)] == [1, 1.5, 2, 4, 4]


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "[",
        "[" * 100_000,
        "[1]",
        '{"call": 3}',
        '{"call": [1, 2]}',
        '{"call": [1, 2, "3"]}',
        '{"call": [1, 2, true]}',
        '{"call": [-1, 2, 3]}',
        '{"call": [1e300, 2, 3]}',
        '{"call": [1%s, 2, 3]}' % ("0" * 400),
        '{"call": [NaN, 2, 3]}',
        '{"call": [Infinity, 2, 3]}',
        '{"unheard of": [1, 2, 3]}',
    ],
)
def test_what_is_no_price_is_left_out(text: object) -> None:
    assert parse(text) == {}


@pytest.mark.parametrize(
    "cold",
    ["7", "[]", "[0.5]", "[NaN]", "[true]", '["2"]', "[1e9]", "[2, 2, 2, 2, 2]", "[1%s]" % ("0" * 400)],
)
def test_what_is_no_multiple_is_left_out(cold: str) -> None:
    prices = parse(f'{{"call": [1000, 0, 1], "cold": {cold}}}')
    assert (dict(prices), prices.cold) == ({CALL: Price(1000.0, 0.0, 1.0)}, ())


def test_what_cold_events_cost() -> None:
    prices = Prices({CALL: Price(900.0, 100.0), ROW: Price(10.0, 0.0)}, (2, 3))
    assert cost_ns([Event(CALL, 3, 0), Event(CALL, 2, 1), Event(ROW, 5, 4), Event(ERROR, 9, 1)], prices) == (
        3 * 1000 + 2 * 2000 + 5 * 30
    )


def test_events_are_as_cold_as_the_program_ran_between_them() -> None:
    ran = duration(10_000_000)
    assert events("f", 1, ran=ran) == [(CALL, 1, 4)]
    assert events("f", 1000, ran=ran) == [(MERGED, 1000, 0)]
    assert events("f", 1, yielded=40, failed=True, ran=ran) == [
        (CALL, 1, 4),
        (RESUMPTION, 40, 2),
        (ERROR, 1, 4),
    ]


def test_the_events_of_spans() -> None:
    assert events("f", 1) == [(CALL, 1, 0)]
    assert events("f", 250) == [(MERGED, 250, 0)]
    assert events("f", 1, yielded=3, failed=True) == [(CALL, 1, 0), (RESUMPTION, 3, 0), (ERROR, 1, 0)]
    assert events("f", 0, yielded=2) == [(RESUMPTION, 2, 0)]
    assert events("f", 1, by_api=True) == [(API, 1, 0)]
    assert events(semconv.STATEMENT_SPAN, 4, rows=40) == [(STATEMENT, 4, 0), (ROW, 40, 0)]
    assert events(semconv.CLOSE_SPAN, 1) == [(CONNECTION, 1, 0)]
