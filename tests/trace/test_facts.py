"""The facts that the tree needs are read from attributes in any order."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from nutrace.trace.facts import Facts, FactsReader

_SITE = [
    {"key": "nutrace.component", "value": {"stringValue": "database"}},
    {"key": "code.function.name", "value": {"stringValue": "f"}},
    {"key": "thread.id", "value": {"intValue": "7"}},
]
_BUSY = {"key": "nutrace.busy_ns", "value": {"intValue": "5"}}
_YIELDED = {"key": "nutrace.generator.yielded", "value": {"intValue": "23"}}


def _read(*attributes: List[Dict[str, Any]]) -> List[Facts]:
    reader = FactsReader()
    raws = [json.dumps(each, separators=(",", ":")).encode() for each in attributes]
    result = reader.read(0, raws)
    assert [facts.raw for facts in result] == raws
    return result


def test_spans_of_one_site_that_differ_in_what_follows_the_thread() -> None:
    result = _read(
        _SITE, [*_SITE, _BUSY], [*_SITE, {"key": "n", "value": {"intValue": "1"}}], [*_SITE, _BUSY, _YIELDED]
    )
    assert {(facts.component, facts.thread) for facts in result} == {("database", 0)}
    assert [facts.busy_ns for facts in result] == [-1, 5, -1, 5]
    assert [facts.yielded for facts in result] == [0, 0, 0, 23]
    assert [facts.calls for facts in result] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "last",
    [
        {"key": "nutrace.component", "value": {"stringValue": "map"}},
        {"key": "nutrace.composite.count", "value": {"intValue": 4}},
        {"key": "nutrace.generator.continues", "value": {"stringValue": "ab"}},
        {"key": "nutrace.unfinished", "value": {"boolValue": True}},
        {"key": "thread.id", "value": {"intValue": "8"}},
        {"key": "thread.name", "value": {"stringValue": "worker"}},
        {"key": "nutrace.busy_ns", "value": {"doubleValue": 5.5}},
        {"key": "note", "value": {"kvlistValue": {"values": [_BUSY, _SITE[2]]}}},
        {"key": "note", "value": {"stringValue": json.dumps([_BUSY, _SITE[2]])}},
        {"key": "note", "value": None},
    ],
)
def test_the_order_of_attributes_does_not_matter(last: Dict[str, Any]) -> None:
    def facts(attributes: List[Dict[str, Any]]) -> Any:
        reader = FactsReader()
        result = reader.read(0, [json.dumps(attributes, separators=(",", ":")).encode()])[0]
        return result[1:2], reader.threads[result.thread], result[3:]

    unique = [item for item in _SITE if item["key"] != last["key"]]
    assert facts([*unique, last]) == facts([last, *unique])


def test_names_that_are_written_with_escapes_count() -> None:
    plain = json.dumps([*_SITE, _BUSY], separators=(",", ":")).encode()
    escaped = plain.replace(b'"nutrace.busy_ns"', b'"\\u006eutrace.busy_ns"')
    assert FactsReader().read(0, [escaped])[0].busy_ns == 5
