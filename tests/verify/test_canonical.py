"""Two canonical texts are equal exactly if the values are equal, bit for bit."""

from __future__ import annotations

import datetime
import enum
import functools
import json
import math
import sqlite3
import struct
import threading
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.verify import canonical
from nutrace.verify.canonical import Canonical, TooLargeError

np = pytest.importorskip("numpy")

Pair = namedtuple("Pair", "first second")


class Light(enum.Enum):
    GREEN = 0
    RED = 1


class Heat(enum.IntEnum):
    LOW = 0


@dataclass
class Box:
    """Has a cached property, like objects of the devkit."""

    width: float
    tags: List[str] = field(default_factory=list)

    @functools.cached_property
    def half(self) -> float:
        return self.width / 2


class Base:
    __slots__ = ("__hidden", "x")

    def __init__(self, x: Any) -> None:
        self.x = x
        self.__hidden = x


class Slotted(Base):
    __slots__ = ("y",)


class Empty:
    pass


class Text(str):
    pass


def written(value: Any) -> str:
    return Canonical().text(value)[0]


def nan(payload: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000000 | payload))[0])


def _reordered(box: Box) -> Box:
    attributes = dict(reversed(list(vars(box).items())))
    vars(box).clear()
    vars(box).update(attributes)
    return box


EQUAL = {
    "NaN": (math.nan, nan(7)),
    "negative NaN": (math.nan, -math.nan),
    "NaN in an array": (np.array([1.0, math.nan]), np.array([1.0, nan(3)])),
    "order of attributes": (Box(1.0), _reordered(Box(1.0))),
    "sets": ({"a", "b", "c"}, {"c", "b", "a"}),
    "a view": (np.arange(6)[::2], np.array([0, 2, 4])),
    "the order in memory": (np.ones((2, 3), order="F"), np.ones((2, 3))),
    "the same date": (datetime.datetime(2021, 1, 2), datetime.datetime(2021, 1, 2)),
}
DIFFERENT = {
    "the last bit": (0.1, math.nextafter(0.1, 1) if hasattr(math, "nextafter") else 0.1 + 2**-56),
    "the sign of zero": (0.0, -0.0),
    "the sign of zero in an array": (np.array([0.0]), np.array([-0.0])),
    "int and float": (1, 1.0),
    "int and bool": (1, True),
    "int and text": (1, "1"),
    "None and text": (None, "None"),
    "dtype": (np.float32(0.5), np.float64(0.5)),
    "dtype of an array": (np.zeros(2, "f4"), np.zeros(2, "f8")),
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "numpy float and float": (np.float64(0.5), 0.5),
    "long doubles": (np.longdouble(1), np.longdouble(1) + np.finfo(np.longdouble).eps),
    "objects in an array": (np.array([1, None], dtype=object), np.array([1.0, None], dtype=object)),
    "times": (np.datetime64("2021-01-01"), np.datetime64("2021-01-02")),
    "list and tuple": ([1], (1,)),
    "lengths": ([1], [1, None]),
    "order in a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "kinds of dict": ({"a": 1}, OrderedDict(a=1)),
    "members": (Light.GREEN, Light.RED),
    "member and number": (Heat.LOW, 0),
    "attributes": (Box(1.0), Box(1.0, ["x"])),
    "slots": (Slotted(1), Slotted(2)),
    "classes": (Empty(), Box(1.0)),
    "texts of a class of its own": (Text("a"), "a"),
    "dates": (datetime.datetime(2021, 1, 2), datetime.datetime(2021, 1, 3)),
    "decimals": (Decimal("1.0"), Decimal("1.00")),
    "bytes": (b"a", b"b"),
    "named tuples": (Pair(1, 2), Pair(1, 3)),
    "complex": (1j, -1j),
    "paths": (Path("a"), Path("b")),
    "partials": (functools.partial(print, 1), functools.partial(print, 2)),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_equal(one: Any, other: Any) -> None:
    assert written(one) == written(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different(one: Any, other: Any) -> None:
    assert written(one) != written(other)
    assert written([deque([{"a": one}])]) != written([deque([{"a": other}])])


@given(st.floats(), st.floats())
def test_floats_are_equal_by_their_bits(one: float, other: float) -> None:
    same = struct.pack("<d", one) == struct.pack("<d", other) or (math.isnan(one) and math.isnan(other))
    assert (written(one) == written(other)) is same
    assert (written(np.float64(one)) == written(np.float64(other))) is same
    assert (written(np.array([one])) == written(np.array([other]))) is same


def test_a_cached_property_makes_no_difference() -> None:
    one, other = Box(3.0), Box(3.0)
    assert one.half == 1.5
    assert "half" in vars(one)
    assert written(one) == written(other)
    assert "half" not in vars(other)  # writing a value computes nothing in it


def test_values_are_counted() -> None:
    to = Canonical()
    assert to.text([1, "a", {"b": None}, np.zeros((2, 5)), Box(1.0, ["x", "y"])])[1] == 1 + 1 + 2 + 10 + 3
    assert to.text(7) == ("7", 1)


def test_a_value_that_contains_itself() -> None:
    endless: List[Any] = [1]
    endless.append(endless)
    assert json.loads(written(endless)) == ["list", 1, "c"]
    twice = [1]
    assert json.loads(written([twice, twice])) == ["list", ["list", 1], ["list", 1]]


def test_values_that_show_nothing_are_counted() -> None:
    to = Canonical()
    connection = sqlite3.connect(":memory:")
    generator = (x for x in ())
    to.text([connection, threading.Lock(), generator, object()])
    connection.close()
    assert to.opaque == {"Connection": 1, "lock": 1, "generator": 1}


def test_a_value_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "_MOST", 100)
    with pytest.raises(TooLargeError):
        Canonical().text(list(range(101)))
    assert Canonical().text(list(range(100)))[1] == 100


def test_the_runs_own_folder_has_one_name() -> None:
    ours, theirs = Canonical("/a/stock"), Canonical("/a/with")
    assert (
        ours.text(Path("/a/stock/x"))[0] == theirs.text(Path("/a/with/x"))[0] != theirs.text(Path("/a/x"))[0]
    )


def test_objects_that_the_program_uses_are_written_by_name() -> None:
    made: Dict[str, Any] = {"connection": sqlite3.connect(":memory:")}
    base = type("AbstractScenario", (), {})
    scenario = type("OurScenario", (base,), {"__init__": lambda self: vars(self).update(made)})()
    to = Canonical()
    assert to.text(scenario)[0] == '"qOurScenario"'
    assert to.opaque == {}
    made["connection"].close()
