"""Probed methods of many kinds of classes."""

from __future__ import annotations

import abc
import dataclasses
import enum
import functools
import inspect
import pickle
import sys
import typing
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from common import probe, tell

T = TypeVar("T")


class Meta(type):
    @probe
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        print("meta call", cls.__name__)
        return super().__call__(*args, **kwargs)

    @probe
    def __new__(mcs, name: str, bases: Any, names: Any, **kwargs: Any) -> Any:
        print("meta new", name, kwargs)
        return super().__new__(mcs, name, bases, names)

    @probe
    def __init__(cls, name: str, bases: Any, names: Any, **kwargs: Any) -> None:
        super().__init__(name, bases, names)

    @classmethod
    @probe
    def __prepare__(mcs, name: str, bases: Any, **kwargs: Any) -> Any:
        return {"prepared": True}

    @probe
    def __instancecheck__(cls, instance: Any) -> bool:
        return instance == 5

    @probe
    def __getitem__(cls, item: Any) -> Any:
        return item


class Abstract(abc.ABC):
    @probe
    @abc.abstractmethod
    def first(self) -> int: ...

    @abc.abstractmethod
    @probe
    def second(self) -> int: ...

    @property
    @abc.abstractmethod
    def third(self) -> int: ...

    @probe
    def concrete(self) -> int:
        return self.first() + self.second()


@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 2
    names: list[str] = dataclasses.field(default_factory=list, compare=False)

    @probe
    def __post_init__(self) -> None:
        self.names.append("made")

    @probe
    def norm(self) -> int:
        return self.x**2 + self.y**2


class Descriptor:
    @probe
    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @probe
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else (self.name, instance.__class__.__name__)

    @probe
    def __set__(self, instance: Any, value: Any) -> None:
        print("set", value)


class Colour(enum.Enum):
    RED = 1
    GREEN = 2

    @probe
    def mixed(self) -> str:
        return self.name.lower()

    @classmethod
    @probe
    def _missing_(cls, value: Any) -> Any:
        return cls.RED if value == 7 else None

    @probe
    def __str__(self) -> str:
        return "colour"


class Pair(NamedTuple):
    a: int
    b: int = 1

    @probe
    def total(self) -> int:
        return self.a + self.b


class Speaks(Protocol):
    @probe
    def speak(self) -> str: ...


class Box(Generic[T]):
    __slots__ = ("content",)

    @probe
    def __init__(self, content: T) -> None:
        self.content = content

    @probe
    def get(self) -> T:
        return self.content


@functools.total_ordering
class Ordered:
    @probe
    def __init__(self, n: int) -> None:
        self.n = n

    @probe
    def __eq__(self, other: Any) -> bool:
        return bool(self.n == other.n)

    @probe
    def __lt__(self, other: Any) -> bool:
        return bool(self.n < other.n)


def program_init_subclass() -> None:
    class HandsOn:
        @probe
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.kwargs = kwargs  # type: ignore[attr-defined]

    class Takes:
        @probe
        def __init_subclass__(cls, /, tag: Any = None, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            print("takes", cls.__name__, tag, kwargs)

        @classmethod
        @probe
        def __class_getitem__(cls, item: Any) -> Any:
            return cls.__name__, item

    class Between(Takes, HandsOn):
        pass

    tell(lambda: type("Child", (HandsOn,), {}, tag=1))  # object.__init_subclass__ takes no keywords
    tell(lambda: type("Child", (HandsOn,), {}).kwargs)  # type: ignore[attr-defined]
    tell(lambda: type("Child", (Takes,), {}, tag=1)[int])  # type: ignore[index]
    tell(lambda: type("Child", (Between,), {}, tag=1).kwargs)  # type: ignore[attr-defined]
    tell(lambda: type("Child", (Between,), {}, tag=1, other=2))
    print(inspect.signature(Takes.__init_subclass__), Between[3], Takes.__init_subclass__())  # type: ignore[func-returns-value]


def program_metaclasses() -> None:
    class Made(metaclass=Meta, option=1):
        def __init__(self, x: int) -> None:
            self.x = x

    print(Made(3).x, isinstance(5, Made), isinstance(6, Made), Made["item"], Made.prepared)


def program_abstract_classes() -> None:
    print(sorted(Abstract.__abstractmethods__), Abstract.first.__isabstractmethod__)
    print(Abstract.second.__isabstractmethod__, getattr(Abstract.concrete, "__isabstractmethod__", False))
    tell(Abstract)

    class Half(Abstract):
        @probe
        def first(self) -> int:
            return 1

    tell(Half)

    class Whole(Half):
        third = 3

        @probe
        def second(self) -> int:
            return 2

    print(Whole().concrete(), inspect.isabstract(Half), inspect.isabstract(Whole))
    Abstract.register(int)
    print(isinstance(5, Abstract))


def program_data() -> None:
    p = Point(1)
    print(p, p.norm(), p == Point(1), p < Point(2), dataclasses.asdict(p), dataclasses.replace(p, x=5))
    print([field.name for field in dataclasses.fields(Point)], inspect.signature(Point))
    if sys.version_info >= (3, 10):
        slotted = dataclasses.dataclass(slots=True, frozen=True)(_Slotted)
        print(slotted(1), slotted(2).double(), hasattr(slotted(1), "__dict__"), pickle.HIGHEST_PROTOCOL > 3)
        tell(lambda: setattr(slotted(1), "x", 2))
    print(Pair(1), Pair(1).total(), Pair._fields, pickle.loads(pickle.dumps(Pair(3))), Pair(1)._replace(b=5))
    print([*Colour], Colour(7), Colour.RED.mixed(), Colour["GREEN"], Colour.RED, list(Colour.__members__))
    tell(lambda: Colour(9))
    print(
        pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED, isinstance(Colour.__dict__["mixed"], enum.Enum)
    )


class _Slotted:
    x: int

    @probe
    def double(self) -> int:
        return self.x * 2


def program_typing() -> None:
    runtime = typing.runtime_checkable(Speaks)

    class Dog:
        @probe
        def speak(self) -> str:
            return "wuff"

    print(isinstance(Dog(), runtime), isinstance(5, runtime))
    print(Box[int](3).get(), Box("x").get(), hasattr(Box(1), "__dict__"), Box.__parameters__, Box[int])
    print(typing.get_type_hints(Box.get), typing.get_type_hints(Point.norm), Box.__slots__)
    print(Ordered(1) < Ordered(2), Ordered(1) >= Ordered(2), Ordered(2) == Ordered(2))


def program_descriptors() -> None:
    class Owner:
        field = Descriptor()

    owner = Owner()
    owner.field = 5
    print(owner.field, type(Owner.field).__name__)

    class Late:
        pass

    Late.method = probe(lambda self: "late")  # type: ignore[attr-defined]
    print(Late().method(), Late.method.__name__)  # type: ignore[attr-defined]
    instance = Late()
    instance.own = probe(lambda: "of the instance")  # type: ignore[attr-defined]
    print(instance.own())  # type: ignore[attr-defined]
    Late.__eq__ = probe(lambda self, other: True)  # type: ignore[assignment, method-assign]
    print(Late() == 5)
    instance.__class__ = type("Other", (Late,), {"method": lambda self: "other"})
    print(instance.method())  # type: ignore[attr-defined]
