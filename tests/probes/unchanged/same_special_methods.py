"""Probed special methods, properties, and what else classes make of functions."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any, ClassVar, Iterator

from common import probe, tell


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


class tell_errors:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        print("raised", kind, error)
        return True


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
