"""The prices of nutrace's own work, as a run file states them."""

from __future__ import annotations

import pytest

from nutrace import semconv
from nutrace.prices import (
    API,
    CALL,
    CONNECTION,
    ERROR,
    MERGED,
    RESUMPTION,
    ROW,
    STATEMENT,
    Price,
    dump,
    events,
    parse,
)


def test_what_is_written_is_read() -> None:
    prices = {CALL: Price(950.5, 110.0, 1.1), ROW: Price(120.0, 300.0)}
    assert parse(dump(prices)) == prices


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


def test_the_events_of_spans() -> None:
    assert events("f", 1) == [(CALL, 1, 0)]
    assert events("f", 250) == [(MERGED, 250, 0)]
    assert events("f", 1, yielded=3, failed=True) == [(CALL, 1, 0), (RESUMPTION, 3, 0), (ERROR, 1, 0)]
    assert events("f", 0, yielded=2) == [(RESUMPTION, 2, 0)]
    assert events("f", 1, by_api=True) == [(API, 1, 0)]
    assert events(semconv.STATEMENT_SPAN, 4, rows=40) == [(STATEMENT, 4, 0), (ROW, 40, 0)]
    assert events(semconv.CLOSE_SPAN, 1) == [(CONNECTION, 1, 0)]
