"""A program with every kind of function. Tests put probes on it, and compare it with itself unprobed."""

from __future__ import annotations

import asyncio
import functools
import traceback
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, AsyncIterator, Dict, Generic, Iterator, List, NoReturn, Protocol, TypeVar

Item = TypeVar("Item")
THING = object()


class Problem(Exception):
    """What goes wrong here."""


PROBLEM = Problem("as it is", 7)


def function(value: Any = THING, *rest: int, key: str = "k", **more: Any) -> Any:
    """Its documentation."""
    return value


function.marked = "by hand"  # type: ignore[attr-defined]


def failing() -> NoReturn:
    raise PROBLEM


def chained() -> None:
    try:
        deeper()
    except KeyError as error:
        raise Problem("chained") from error


def deeper() -> None:
    {}["missing"]


def in_handler() -> None:
    try:
        deeper()
    except KeyError:
        raise Problem("in handler")  # noqa: B904


def fails_after_catching() -> None:
    with_suppressed()
    raise Problem("fresh")


def with_suppressed() -> None:
    try:
        deeper()
    except KeyError:
        pass


def numbers(count: int = 3) -> Iterator[int]:
    """Counts."""
    yield from range(count)


async def waits(value: Any = THING) -> Any:
    """Waits a moment."""
    await asyncio.sleep(0)
    return value


async def fails_later() -> NoReturn:
    await asyncio.sleep(0)
    raise PROBLEM


async def stream() -> AsyncIterator[int]:
    yield 1
    yield 2


@contextmanager
def managed(log: List[str], swallow: bool = False) -> Iterator[Any]:
    """Holds something."""
    log.append("in")
    try:
        yield THING
    except Problem:
        if not swallow:
            raise
    finally:
        log.append("out")


@contextmanager
def cannot_enter() -> Iterator[None]:
    raise PROBLEM
    yield


@contextmanager
def fails_leaving() -> Iterator[None]:
    yield
    raise PROBLEM


@asynccontextmanager
async def managed_later(log: List[str]) -> AsyncIterator[Any]:
    log.append("in")
    yield THING
    log.append("out")


def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def call_through(called: Any) -> Any:
    """Return the result of a call, or the error it raises and the names of the frames in its traceback."""
    try:
        return called()
    except BaseException as error:
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        return error, names


class Base:
    """Has one method of each kind."""

    made: int = 0

    def __init__(self, value: Any = THING) -> None:
        self.value = value

    def method(self, value: Any = THING) -> Any:
        """Documentation of the method."""
        return self, value

    def __private(self) -> str:
        return "private"

    def reach_private(self) -> str:
        return self.__private()

    @classmethod
    def class_method(cls, value: Any = THING) -> Any:
        return cls, value

    @staticmethod
    def static_method(value: Any = THING) -> Any:
        return value

    @property
    def size(self) -> Any:
        """How large."""
        return self.value

    @size.setter
    def size(self, value: Any) -> None:
        self.value = value

    @functools.cached_property
    def costly(self) -> Any:
        """Made once."""
        type(self).made += 1
        return object()

    def rows(self) -> Iterator[Any]:
        yield self

    def __call__(self, value: Any) -> Any:
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Base) and self.value == other.value

    def __hash__(self) -> int:
        return 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"dynamic {name}"


class Derived(Base):
    def method(self, value: Any = THING) -> Any:
        return super().method(value)

    @classmethod
    def class_method(cls, value: Any = THING) -> Any:
        return super().class_method(value)

    @property
    def size(self) -> Any:
        return super().size


class Abstract(ABC):
    @abstractmethod
    def compute(self) -> int:
        """To be written."""

    def helper(self) -> int:
        return self.compute()


@dataclass
class Point:
    x: int
    y: int = 2

    def norm(self) -> int:
        return self.x * self.x + self.y * self.y


class Colour(Enum):
    RED = 1
    GREEN = 2

    def mixed(self) -> str:
        return self.name.lower()


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def method(self) -> int:
        return self.value


class Box(Generic[Item]):
    def __init__(self, item: Item) -> None:
        self.item = item

    def get(self) -> Item:
        return self.item


class Sized(Protocol):
    def size_of(self) -> int: ...


REGISTRY: Dict[str, Any] = {}


class Registered:
    def __init_subclass__(cls, label: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTRY[label] = cls

    def run(self) -> str:
        return "base"
