"""Probed methods of many kinds of classes."""

from __future__ import annotations

import abc
import copy
import dataclasses
import enum
import functools
import inspect
import pickle
import sys
import typing
from typing import Any, ClassVar, Generic, Iterator, NamedTuple, Protocol, TypeVar

from common import probe, tell

T = TypeVar("T")


class Base:
    """Its special methods are probed."""

    registry: ClassVar[list[str]] = []

    @probe
    def __init_subclass__(cls, tag: Any = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Base.registry.append(f"{cls.__name__} {tag}")

    @probe
    def __class_getitem__(cls, item: Any) -> Any:
        return (cls.__name__, item)

    @probe
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        print("new", cls.__name__, args)
        return super().__new__(cls)

    @probe
    def __init__(self, value: int = 0) -> None:
        self.value = value

    @probe
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value})"

    @probe
    def __eq__(self, other: Any) -> Any:
        return self.value == other.value if isinstance(other, Base) else NotImplemented

    @probe
    def __hash__(self) -> int:
        return hash(self.value)

    @probe
    def __lt__(self, other: Any) -> Any:
        return self.value < other.value

    @probe
    def __add__(self, other: Any) -> Any:
        return type(self)(self.value + other.value) if isinstance(other, Base) else NotImplemented

    @probe
    def __radd__(self, other: Any) -> Any:
        return type(self)(self.value + other)

    @probe
    def __iadd__(self, other: Any) -> Any:
        self.value += other
        return self

    @probe
    def __bool__(self) -> bool:
        return self.value != 0

    @probe
    def __len__(self) -> int:
        return self.value

    @probe
    def __contains__(self, item: Any) -> bool:
        return bool(item == self.value)

    @probe
    def __getitem__(self, key: Any) -> Any:
        if key == 3:
            raise IndexError(key)
        return key

    @probe
    def __call__(self, *args: Any) -> Any:
        return args

    @probe
    def __iter__(self) -> Iterator[int]:
        yield from range(self.value)

    @probe
    def __enter__(self) -> Any:
        print("enter")
        return self

    @probe
    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        print("exit", kind)
        return kind is KeyError

    @probe
    def __getattr__(self, name: str) -> Any:
        if name.startswith("dynamic"):
            return name
        raise AttributeError(f"no {name}")

    @probe
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @probe
    def __delattr__(self, name: str) -> None:
        print("delete", name)
        object.__delattr__(self, name)

    @probe
    def __del__(self) -> None:
        if "noisy" in vars(self):
            print("deleted")

    @probe
    def __index__(self) -> int:
        return self.value

    @probe
    def __format__(self, spec: str) -> str:
        return f"<{spec}>"

    @probe
    def __dir__(self) -> list[str]:
        return ["a", "b"]

    @probe
    def __getstate__(self) -> Any:
        return {"value": self.value}

    @probe
    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)

    @property
    @probe
    def size(self) -> int:
        """How large."""
        return self.value

    @size.setter
    @probe
    def size(self, value: int) -> None:
        self.value = value

    @size.deleter
    @probe
    def size(self) -> None:
        print("size deleted")

    @functools.cached_property
    @probe
    def costly(self) -> int:
        print("computed")
        return self.value * 2

    @staticmethod
    @probe
    def static(x: int) -> int:
        return x

    @probe
    @staticmethod
    def static_outside(x: int) -> int:
        return x

    @classmethod
    @probe
    def klass(cls) -> str:
        return cls.__name__

    @probe
    @classmethod
    def klass_outside(cls) -> str:
        return cls.__name__

    @functools.lru_cache(maxsize=8)  # noqa: B019
    @probe
    def remembered(self, x: int) -> int:
        print("remembers", x)
        return x

    @functools.singledispatchmethod
    @probe
    def kind(self, x: Any) -> str:
        return "any"

    @kind.register
    @probe
    def _kind_of_int(self, x: int) -> str:
        return "int"

    @probe
    def method(self, x: int = 1) -> Any:
        return x, __class__.__name__  # type: ignore[name-defined]

    half = functools.partialmethod(method, 0.5)  # type: ignore[arg-type]
    alias = method


class Child(Base, tag="child"):
    @probe
    def method(self, x: int = 2) -> Any:
        return "child", super().method(x)

    @classmethod
    @probe
    def klass(cls) -> str:
        return "child of " + super().klass()


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


def program_special_methods() -> None:
    print(Base.registry[:1], Base[int])
    a, b = Base(2), Child(3)
    print(type(a.__new__(Base)).__name__, isinstance(vars(Base)["__new__"], staticmethod))
    print(a, b, a == b, a == Base(2), a != 5, {a: 1}[Base(2)], a < b, sorted([b, a]), sum([a, b]))
    a += 1
    print(a, bool(a), bool(Base(0)), len(a), 3 in a, list(a), a[1], a(1, 2), [*zip(a, "xyz")])
    tell(lambda: a[3])
    tell(lambda: a + "x")
    tell(lambda: a < "x")
    with a as entered:
        print(entered is a)
        raise KeyError
    with tell_errors(), a:
        raise ValueError("mine")
    print(a.dynamic_thing, hasattr(a, "nothing"))
    tell(lambda: a.nothing)
    a.other = 5
    del a.other
    print(range(5)[a], hex(a), f"{a:spec}", dir(a))
    print(pickle.loads(pickle.dumps(a)), copy.copy(a), copy.deepcopy([a]))
    c = Base(1)
    c.noisy = 1
    del c
    b.size = 4
    del b.size
    print(b.size, b.costly, b.costly, vars(b), Base.size.__doc__, Base.size.fset.__name__)
    print(b.static(1), Base.static(2), b.static_outside(3), b.klass(), Child.klass(), b.klass_outside())
    print(b.remembered(1), b.remembered(1), Base.remembered.cache_info(), b.kind(1), b.kind("x"))
    print(b.method(), b.half(), b.alias(), Base.method(b, 9), Base.alias is Base.method)
    print(b.method.__func__ is Child.method, b.method == b.method, b.method.__self__ is b)
    tell(lambda: b.method(1, 2))
    tell(lambda: Base.method())
    tell(lambda: Base(1, 2, 3))

    class Keyed(Base, tag=1):
        pass

    print(Base.registry[-1], Keyed(1))
    tell(lambda: type("Bad", (Base,), {}, unknown=2))


class tell_errors:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        print("raised", kind, error)
        return True


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


def program_inspect() -> None:
    for name in sorted(vars(Base)):
        value = inspect.getattr_static(Base, name)
        if name.startswith("__") and not inspect.isroutine(value):
            continue
        print(name, isinstance(value, (staticmethod, classmethod)), inspect.isdatadescriptor(value))
        tell(lambda name=name: str(inspect.signature(getattr(Base, name))))
    print([name for name, _ in inspect.getmembers(Base, inspect.isfunction)])
    print([name for name, _ in inspect.getmembers(Base(1), inspect.ismethod)])
    print([(a.name, a.kind) for a in inspect.classify_class_attrs(Child) if a.defining_class is not object])
    print(inspect.getsource(Child.method), inspect.getsource(Child).splitlines()[0], Child.__mro__[-1])


PROBED = [
    name
    for name, value in vars(Base).items()
    if "Probed" in type(value).__name__ or inspect.isfunction(value)
]
