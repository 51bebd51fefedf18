"""The first difference is an expression as in Python, with both values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, List

import pytest

from nutrace.verify.canonical import Canonical
from nutrace.verify.difference import first

np = pytest.importorskip("numpy")


class Light(Enum):
    GREEN = 0
    RED = 1


@dataclass
class Status:
    connector: int
    status: Light


@dataclass
class State:
    x: float
    path: List[Any]


CASES = {
    "a float": (State(0.1, []), State(0.1 + 0.2, []), ("x", "0.1", "0.30000000000000004")),
    "in a list": (
        [Status(1, Light.GREEN), Status(2, Light.GREEN)],
        [Status(1, Light.GREEN), Status(2, Light.RED)],
        ("[1].status", "Light.GREEN", "Light.RED"),
    ),
    "the first of several": (State(1.0, [5]), State(1.0, [6]), ("path[0]", "5", "6")),
    "in a dict": ({"a": {2: "x"}}, {"a": {2: "y"}}, ('["a"][2]', '"x"', '"y"')),
    "in an array": (
        State(1.0, [np.zeros((2, 3), "f4")]),
        State(1.0, [np.eye(2, 3, 1, "f4")]),
        ("path[0][0, 1]", "0.0", "1.0"),
    ),
    "dtypes": (np.zeros(1, "f4"), np.zeros(1, "f8"), ("dtype", "<f4", "<f8")),
    "numpy numbers": (np.float64(0.5), np.float64(0.25), ("", "0.5 (<f8)", "0.25 (<f8)")),
    "numpy integers": (np.int64(7), np.int32(7), ("", "7 (<i8)", "7 (<i4)")),
    "lengths": ([1, 2], [1], ("", "list of 2", "list of 1")),
    "kinds": ([[1]], [(1,)], ("[0]", "list of 1", "tuple of 1")),
    "classes": ([Status(1, Light.RED)], [State(1.0, [])], ("[0]", "Status(...)", "State(...)")),
    "signs of zero": ([0.0], [-0.0], ("[0]", "0.0", "-0.0")),
    "NaN": ([float("nan")], [1.0], ("[0]", "nan", "1.0")),
    "None": ([None], ["None"], ("[0]", "None", '"None"')),
    "numbers and truths": ([1], [True], ("[0]", "1", "True")),
}


@pytest.mark.parametrize(("stock", "changed", "expected"), CASES.values(), ids=CASES)
def test_first(stock: Any, changed: Any, expected: Any) -> None:
    assert first(Canonical().plain(stock), Canonical().plain(changed)) == expected
