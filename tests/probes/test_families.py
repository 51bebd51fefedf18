"""Families: overriding methods of every subclass, wherever and whenever it is made."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import sys
import types
from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, Callable, Dict, Generic, Iterator, List, Protocol, TypeVar, runtime_checkable

import pytest
from fakes.tracing import Tracing

import nutrace
from nutrace.patching.families import Families
from nutrace.probes.probe import Probe

HERE = types.ModuleType("nutrace_families")
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    sys.modules["nutrace_families"] = HERE
    yield
    del sys.modules["nutrace_families"]
    gc.collect()  # classes of one test must not be another's subclasses


def family(base: Any, method: str, name: str = "planner.compute", **options: Any) -> Probe:
    """A family probe on a class of a test."""
    setattr(HERE, base.__name__, base)
    return Probe(f"nutrace_families:{base.__name__}.{method}", "planner", name, subclasses=True, **options)


def planner_class() -> Any:
    class Planner(ABC):
        @abstractmethod
        def compute(self) -> str: ...

    return Planner


def test_a_class_that_is_left_out(recorded: Tracing) -> None:
    base = planner_class()
    traced: List[Any] = []

    def subclasses() -> List[Any]:
        class Passing(base):  # type: ignore[misc]
            def compute(self) -> str:
                return str(super().compute() or "passed")

        class Below(Passing):
            def compute(self) -> str:
                return super().compute()

        class Heir(Passing):
            pass

        return [Passing, Below, Heir]

    traced += subclasses()
    without = f"{__name__}:{traced[0].__qualname__}"
    with recorded(family(base, "compute", without=(without,))):
        traced += subclasses()
        assert [kind().compute() for kind in traced] == ["passed"] * 6
    assert recorded.calls("planner.compute") == 2  # of the two Below


def test_before_and_after_and_nested(recorded: Tracing) -> None:
    base = planner_class()

    class Before(base):  # type: ignore[misc]
        def compute(self) -> str:
            return "before"

    class Grandchild(Before):
        def compute(self) -> str:
            return super().compute() + " grand"

    abstract = vars(base)["compute"]
    with recorded(family(base, "compute")):

        class After(base):  # type: ignore[misc]
            def compute(self) -> str:
                return "after"

        class Silent(After):
            pass

        class Deep(Silent):
            def compute(self) -> str:
                return super().compute() + " deep"

        assert vars(base)["compute"] is abstract
        assert Grandchild().compute() == "before grand"
        assert Silent().compute() == "after"
        assert Deep().compute() == "after deep"
    assert recorded.shape() == [
        ("planner.compute", ["planner.compute"]),
        "planner.compute",
        ("planner.compute", ["planner.compute"]),
    ]
    functions = [span.function.rsplit(".", 2)[-2] for span in recorded.trace]
    assert functions == ["Grandchild", "Before", "After", "Deep", "After"]
    assert {span.component for span in recorded.trace} == {"planner"}
    for cls in (Before, Grandchild, After, Deep):
        assert type(vars(cls)["compute"]) is types.FunctionType
    assert "__init_subclass__" not in vars(base)
    assert "compute" not in vars(Silent)


def test_in_a_module_imported_later(recorded: Tracing, module: Callable[[str, str], str]) -> None:
    base_name = module(
        "nutrace_bases",
        "import abc\n\nclass Base(abc.ABC):\n    @abc.abstractmethod\n    def compute(self): ...\n",
    )
    user = module(
        "nutrace_planners",
        "from nutrace_bases import Base\n\nclass Mine(Base):\n    def compute(self): return 'mine'\n",
    )
    with recorded(Probe(f"{base_name}:Base.compute", "planner", "planner.compute", subclasses=True)):
        assert importlib.import_module(user).Mine().compute() == "mine"
    assert recorded.span("planner.compute").function == "nutrace_planners.Mine.compute"
    assert importlib.import_module(user).Mine().compute() == "mine"


def test_a_concrete_base_is_wrapped(recorded: Tracing) -> None:
    class Callback:
        def on_step(self) -> int:
            return 1

    class Child(Callback):
        def on_step(self) -> int:
            return super().on_step() + 1

    with recorded(family(Callback, "on_step", "callback")):
        assert Child().on_step() == 2
        assert Callback().on_step() == 1
    assert recorded.shape() == [("callback", ["callback"]), "callback"]


def test_abstract_in_between(recorded: Tracing) -> None:
    base = planner_class()
    with recorded(family(base, "compute")):

        class Middle(base):  # type: ignore[misc]
            @abstractmethod
            def compute(self) -> str:
                return "middle"

        with pytest.raises(TypeError):
            Middle()

        class Last(Middle):
            def compute(self) -> str:
                return super().compute() + " last"  # type: ignore[safe-super]

        assert Last().compute() == "middle last"
    assert recorded.shape() == ["planner.compute"]


def test_kinds_of_methods(recorded: Tracing) -> None:
    class Base:
        @classmethod
        def made(cls) -> Any: ...
        @staticmethod
        def static() -> Any: ...
        @property
        def value(self) -> Any: ...
        def rows(self) -> Any: ...
        async def waits(self) -> Any: ...

    names = ("made", "static", "value", "rows", "waits")
    with recorded(*(family(Base, name, name) for name in names)):

        class Child(Base):
            @classmethod
            def made(cls) -> Any:
                return cls

            @staticmethod
            def static() -> Any:
                return 1

            @property
            def value(self) -> Any:
                return 2

            def rows(self) -> Any:
                yield 3

            async def waits(self) -> Any:
                return 4

        import asyncio

        child = Child()
        assert (Child.made(), child.static(), child.value, list(child.rows())) == (Child, 1, 2, [3])
        assert asyncio.run(child.waits()) == 4
    assert {name: recorded.calls(name) for name in names} == dict.fromkeys(names, 1)


def test_an_implementation_from_a_mixin(recorded: Tracing) -> None:
    """What runs is traced, even if it was written in a class outside the family."""
    base = planner_class()

    class Mixin:
        def compute(self) -> str:
            return "mixin"

    class Other(Mixin):
        def compute(self) -> str:
            return "other, " + super().compute()

    with recorded(family(base, "compute")):

        class Mine(Mixin, base):  # type: ignore[misc]
            pass

        class Diamond(Mine, Other):
            pass

        assert Mine().compute() == "mixin"
        assert Diamond().compute() == "other, mixin"
        assert Mixin().compute() == "mixin"  # no planner: no span
    assert recorded.calls("planner.compute") == 2
    assert "compute" not in vars(Mine)
    assert type(vars(Mixin)["compute"]) is types.FunctionType


def test_their_init_subclass(recorded: Tracing) -> None:
    seen: List[Any] = []

    class Base:
        def __init_subclass__(cls, label: str = "", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            seen.append((cls.__name__, label))

        def run(self) -> int: ...

    own = vars(Base)["__init_subclass__"]
    with recorded(family(Base, "run", "run")):

        class Child(Base, label="x"):
            def run(self) -> int:
                return 1

        with pytest.raises(TypeError):

            class _Bad(Base, unknown=1):
                pass

        Child().run()
    assert seen == [("Child", "x")]
    assert recorded.calls("run") == 1
    assert vars(Base)["__init_subclass__"] is own


def test_an_init_subclass_that_does_not_call_super(recorded: Tracing) -> None:
    base = planner_class()
    registry: Dict[str, Any] = {}

    class Early(base):  # type: ignore[misc]
        def __init_subclass__(cls, key: str = "") -> None:
            registry[key] = cls

    with recorded(family(base, "compute")):

        class Late(base):  # type: ignore[misc]
            def __init_subclass__(cls, key: str = "") -> None:
                registry[key] = cls

        class OfEarly(Early, key="early"):
            def compute(self) -> str:
                return "early"

        class OfLate(Late, key="late"):
            def compute(self) -> str:
                return "late"

        assert (OfEarly().compute(), OfLate().compute()) == ("early", "late")
    assert registry == {"early": OfEarly, "late": OfLate}
    assert recorded.calls("planner.compute") == 2

    class After(Late, key="after"):
        def compute(self) -> str:
            return "after"

    assert type(vars(After)["compute"]) is types.FunctionType


def test_an_init_subclass_that_raises(recorded: Tracing) -> None:
    base = planner_class()
    with recorded(family(base, "compute")):

        class Strict(base):  # type: ignore[misc]
            def __init_subclass__(cls) -> None:
                raise LookupError("no children")

        with pytest.raises(LookupError, match="no children"):

            class _Child(Strict):
                pass


def test_families_in_families(recorded: Tracing) -> None:
    outer = planner_class()

    class Inner(outer):  # type: ignore[misc]
        @abstractmethod
        def features(self) -> str: ...

    with recorded(family(outer, "compute"), family(Inner, "features", "features")):

        class Learned(Inner):
            def compute(self) -> str:
                return self.features()

            def features(self) -> str:
                return "features"

        assert Learned().compute() == "features"
    assert recorded.shape() == [("planner.compute", ["features"])]


def test_one_method_in_two_families_is_wrapped_once(recorded: Tracing) -> None:
    class One:
        def run(self) -> int: ...

    class Two:
        def run(self) -> int: ...

    with recorded(family(One, "run", "one"), family(Two, "run", "two")):

        class Both(One, Two):
            def run(self) -> int:
                return 3

        assert Both().run() == 3
    assert len(recorded.trace) == 1
    assert type(vars(Both)["run"]) is types.FunctionType


def test_generic_and_protocol(recorded: Tracing) -> None:
    class Store(Generic[T]):
        def get(self) -> T: ...

    @runtime_checkable
    class Sized(Protocol):
        def size_of(self) -> int: ...

    with recorded(family(Store, "get", "get"), family(Sized, "size_of", "size")):

        class Ints(Store[int]):
            def get(self) -> int:
                return 1

        class Explicit(Sized):
            def size_of(self) -> int:
                return 2

        class Implicit:
            def size_of(self) -> int:
                return 3

        assert Ints().get() == 1
        assert Explicit().size_of() == 2
        assert isinstance(Implicit(), Sized)
        assert issubclass(Implicit, Sized)
        assert not isinstance(object(), Sized)
    assert recorded.calls("get") == 1
    assert recorded.calls("size") == 1


def test_dataclasses_and_enums(recorded: Tracing) -> None:
    class Described:
        def describe(self) -> str:
            return "described"

    with recorded(family(Described, "describe", "describe")):

        @dataclasses.dataclass
        class Point(Described):
            x: int

            def describe(self) -> str:
                return f"at {self.x}"

        class Colour(Described, Enum):
            RED = 1

            def describe(self) -> str:
                return self.name

        assert Point(3).describe() == "at 3"
        assert Point(3) == Point(3)
        assert Colour.RED.describe() == "RED"
        assert [member.name for member in Colour] == ["RED"]
    assert recorded.calls("describe") == 2
    assert type(vars(Point)["describe"]) is type(vars(Colour)["describe"]) is types.FunctionType


@pytest.mark.skipif(sys.version_info < (3, 10), reason="dataclass(slots=True) is 3.10's")
def test_a_decorator_that_makes_the_class_anew(recorded: Tracing) -> None:
    class Base:
        __slots__ = ()

        def run(self) -> int: ...

    with recorded(family(Base, "run", "run")):

        @dataclasses.dataclass(slots=True)  # type: ignore[call-overload, unused-ignore]
        class Slotted(Base):
            x: int

            def run(self) -> int:
                return self.x

        assert Slotted(4).run() == 4
    assert recorded.calls("run") == 1
    assert type(vars(Slotted)["run"]) is types.FunctionType, "the copy is restored as well"


def test_copied_class(recorded: Tracing) -> None:
    """What dataclass(slots=True) and attrs do, on every version."""
    base = planner_class()

    def anew(cls: Any) -> Any:
        return type(cls)(cls.__name__, cls.__bases__, {**vars(cls), "anew": True})

    with recorded(family(base, "compute")):

        @anew
        class Copied(base):  # type: ignore[misc]
            def compute(self) -> str:
                return "copied"

        assert Copied().compute() == "copied"
    assert Copied.anew
    assert recorded.calls("planner.compute") == 1
    assert type(vars(Copied)["compute"]) is types.FunctionType


def test_odd_members_do_not_spoil_the_family(recorded: Tracing) -> None:
    class Base:
        def run(self) -> Any:
            return "base"

    class Disabled(Base):
        run = None  # type: ignore[assignment]

    class Nested(Base):
        class run:  # type: ignore[assignment]
            pass

    class Good(Base):
        def run(self) -> Any:
            return "good"

    with recorded(family(Base, "run", "run")) as session:

        class Later(Base):
            run = 5  # type: ignore[assignment]

        assert Good().run() == "good"
        assert isinstance(Nested().run(), Nested.run)
        assert Later.run == 5
        assert Disabled.run is None
        assert session.recorder.diagnostics.faults == 0
        assert recorded.missing == {}
    assert recorded.calls("run") == 1


def test_instances_made_before(recorded: Tracing) -> None:
    base = planner_class()

    class Mine(base):  # type: ignore[misc]
        def compute(self) -> str:
            return "mine"

    made = Mine()
    with recorded(family(base, "compute")):
        assert made.compute() == "mine"
    assert made.compute() == "mine"
    assert recorded.calls("planner.compute") == 1


def test_classes_are_left_alone_after_the_end(recorded: Tracing) -> None:
    base = planner_class()
    with recorded(family(base, "compute")):
        pass

    class After(base):  # type: ignore[misc]
        def compute(self) -> str:
            return "after"

    assert type(vars(After)["compute"]) is types.FunctionType
    assert base.__init_subclass__.__self__ is base


def test_a_class_statement_survives_a_fault_of_ours(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = planner_class()
    with recorded(family(base, "compute")) as session:
        monkeypatch.setattr(Families, "_adopt_class", lambda *args: 1 / 0)

        class Mine(base):  # type: ignore[misc]
            def compute(self) -> str:
                return "mine"

        assert Mine().compute() == "mine"
        assert session.recorder.diagnostics.faults == 1


def test_a_user_decorator_keeps_the_method(recorded: Tracing) -> None:
    base = planner_class()
    with recorded(family(base, "compute")):

        class Mine(base):  # type: ignore[misc]
            @nutrace.probe(name="my own", component="model")
            def compute(self) -> str:
                return "mine"

        before = vars(Mine)["compute"]
        Mine().compute()
    assert recorded.shape() == ["my own"]
    assert vars(Mine)["compute"] is before


def test_a_missing_method(recorded: Tracing) -> None:
    base = planner_class()
    probe = family(base, "no_such")
    with recorded(probe):
        assert "has no no_such" in recorded.missing[probe.target]
    assert "__init_subclass__" not in vars(base)
