"""Attributes in types that are quick to decode are the same as those in all types."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import trace_of

from nutrace.analysis import report
from nutrace.trace import Trace, trace, typed
from nutrace.trace.values import parse_attributes

_TOOK = {"arrayValue": {"values": [{"intValue": "5"}, {"intValue": 7}]}}


def _raw(**values: Any) -> bytes:
    return json.dumps([{"key": key, "value": value} for key, value in values.items()]).encode()


def _plain(value: typed.Value) -> Any:
    items = [_plain(item) for item in typed.items_of(value)]
    told = (value.stringValue, value.intValue, value.boolValue, items or None)
    return next((each for each in told if each is not None), None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        _raw(
            a={"stringValue": "x"}, b={"intValue": "12"}, c={"intValue": 12}, d={"boolValue": False}, e=_TOOK
        ),
        _raw(texts={"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": ""}]}}),
        _raw(a={"intValue": " 12 "}, e=_TOOK),  # as no encoder writes it, but Python reads it
        _raw(a={"stringValue": "x"}, e=_TOOK).replace(b'"x"', b'"\xff"'),
        _raw(a={"stringValue": "x"}, b=None, e=_TOOK),
        _raw(a={"stringValue": "x"}).replace(b'"a"', b'"\\u0061"'),
        b'[{"key":"a","value":{"intValue":"1"}},{"key":"a","value":{"intValue":"2"}}]',
        b'[{"key":"a","value":{"intValue":"1"}}',
        b'{"key":"a"}',
    ],
)
def test_they_are_the_same(raw: bytes) -> None:
    told = {key: _plain(value) for key, value in typed.by_key(raw).items()}
    known = {key: value for key, value in parse_attributes(raw).items() if key != "nutrace.unreadable"}
    assert told == known


def test_other_types_have_an_empty_value() -> None:
    raw = _raw(a={"doubleValue": 1.5}, b={"kvlistValue": {"values": []}}, c={"bytesValue": "eA=="})
    assert {key: _plain(value) for key, value in typed.by_key(raw).items()} == dict.fromkeys("abc")


def _statements(tmp_path: Path) -> Trace:
    statements = [
        (
            "sqlite3.statement",
            10 * number,
            10 * number + 5,
            {
                "nutrace.component": "database",
                "nutrace.sql.statement": "ab",
                "db.response.returned_rows": number,
                "nutrace.sql.rows_at_once": number // 2,
                "nutrace.sql.parameters": [f"{number}"],
                "nutrace.sql.took_ns": [5],
            },
        )
        for number in range(1, 9)
    ]
    prices = json.dumps({"statement": [1.0, 1.0, 1.0], "row": [1.0, 1.0, 1.0]})
    return trace_of(tmp_path, ("f", 0, 100, statements), resource={"nutrace.own.prices": prices})


def test_single_rows_are_read_of_traces_that_come_without(tmp_path: Path) -> None:
    whole = _statements(tmp_path)
    without = replace(whole, raw=replace(whole.raw, single_rows=None))
    assert list(without.single_rows) == list(whole.single_rows)
    assert sorted(whole.single_rows) == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert report(without) == report(whole)


def test_a_report_decodes_each_statement_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _statements(tmp_path)
    statements = {raw for raw, name in zip(run.raw.attributes, run.name) if name == "sqlite3.statement"}
    decoded: List[bytes] = []
    original, of_all = typed.typed_attributes, trace.parse_attributes

    def look(raw: bytes) -> Any:
        decoded.append(raw)
        return original(raw)

    def look_at_all(raw: bytes) -> Any:
        decoded.append(raw)
        return of_all(raw)

    monkeypatch.setattr(typed, "typed_attributes", look)
    monkeypatch.setattr(trace, "parse_attributes", look_at_all)
    report(run)
    assert sorted(raw for raw in decoded if raw in statements) == sorted(statements)
