"""Law 1: with probes on everything, a program computes, raises and looks like without them."""

from __future__ import annotations

import abc
import asyncio
import copy
import functools
import gc
import importlib
import inspect
import pickle
import sys
import types
import warnings
import weakref
from types import ModuleType
from typing import Any, Callable, Iterator, List
from unittest import mock

import pytest
from fakes import program
from fakes.tracing import Tracing

import nutrace
from nutrace.probes.probe import Probe

TARGETS = (
    *("function", "failing", "chained", "deeper", "in_handler", "fails_after_catching", "numbers"),
    *("waits", "fails_later", "managed", "cannot_enter", "fails_leaving", "fibonacci"),
    *(f"Base.{name}" for name in ("__init__", "method", "class_method", "static_method", "size", "costly")),
    *("Base.rows", "Base._Base__private", "Base.reach_private", "Base.__call__"),
    *("Derived.method", "Derived.class_method", "Derived.size", "Derived.static_method"),
    *("Abstract.compute", "Abstract.helper", "Point.__init__", "Point.norm", "Colour.mixed"),
    *("Slotted.__init__", "Slotted.method", "Box.__init__", "Box.get", "Registered.run"),
)
PROBES = [Probe(f"fakes.program:{name}") for name in TARGETS]
ODD = [Probe("fakes.program:stream"), Probe("fakes.program:managed_later")]


@pytest.fixture(params=["off", "on", "taken back"])
def subject(request: pytest.FixtureRequest, recorded: Tracing) -> Iterator[ModuleType]:
    """The program: untouched, probed through and through, and restored. Each test passes on each."""
    if request.param == "off":
        yield program
        return
    with recorded(*PROBES, *ODD):
        assert not set(recorded.missing) & {probe.target for probe in PROBES}, recorded.missing
        if request.param == "on":
            yield program
    if request.param != "on":
        yield program


def test_results_are_the_same_objects(subject: Any) -> None:
    thing = subject.THING
    assert subject.function() is thing
    assert subject.function("a", 1, 2, key="x", more=3) == "a"
    assert subject.fibonacci(10) == 55
    assert list(subject.numbers(4)) == [0, 1, 2, 3]
    base = subject.Base()
    assert base.method()[0] is base
    assert base.method()[1] is thing
    assert subject.Base.method(base, 1) == (base, 1)
    assert subject.Base.class_method() == (subject.Base, thing)
    assert base.class_method(5) == (subject.Base, 5)
    assert subject.Base.static_method() is thing
    assert base.static_method(3) == 3
    assert base.size is thing
    base.size = 4
    assert base.size == 4
    assert base(9) == 9
    assert base.reach_private() == "private"
    assert base.unheard_of == "dynamic unheard_of"
    assert list(base.rows()) == [base]


def test_super_chains(subject: Any) -> None:
    derived = subject.Derived(8)
    assert derived.method(1) == (derived, 1)
    assert derived.class_method(2) == (subject.Derived, 2)
    assert derived.size == 8
    assert derived.static_method(3) == 3
    assert subject.Derived.static_method(3) == 3


def test_cached_property_is_computed_once(subject: Any) -> None:
    subject.Base.made = 0
    base = subject.Base()
    assert base.costly is base.costly
    assert subject.Base.made == 1
    assert "costly" in vars(base)
    assert type(vars(subject.Base)["costly"]) is functools.cached_property
    assert subject.Base.costly.__doc__ == "Made once."
    assert subject.Base.size.__doc__ == "How large."
    assert subject.Base.size.fset is not None


def test_errors_are_the_same_objects(subject: Any) -> None:
    with pytest.raises(subject.Problem) as raised:
        subject.failing()
    assert raised.value is subject.PROBLEM
    assert raised.value.args == ("as it is", 7)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "cause", "context", "frames"),
    [
        ("chained", KeyError, KeyError, ["chained"]),
        ("in_handler", None, KeyError, ["in_handler"]),
        ("fails_after_catching", None, None, ["fails_after_catching"]),
        ("deeper", None, None, ["deeper"]),
    ],
)
def test_errors_keep_their_history(subject: Any, name: str, cause: Any, context: Any, frames: Any) -> None:
    error, names = subject.call_through(getattr(subject, name))
    assert (type(error.__cause__) if error.__cause__ else None) is cause
    assert (type(error.__context__) if error.__context__ else None) is context
    ours = {"traced", "_drive", "call_through"}
    assert [frame for frame in names if frame not in ours] == frames
    if cause:
        inner = error.__cause__.__traceback__
        assert [frame.f_code.co_name for frame, _ in _walk(inner) if frame.f_code.co_name != "traced"] == [
            "chained",
            "deeper",
        ]


def _walk(trace: Any) -> Iterator[Any]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def test_bad_calls_raise_what_they_did(subject: Any) -> None:
    with pytest.raises(TypeError, match=r"deeper\(\) takes 0 positional arguments but 1 was given"):
        subject.deeper(1)
    with pytest.raises(TypeError, match=r"numbers\(\) got an unexpected keyword argument 'bad'"):
        subject.numbers(bad=1)
    with pytest.raises(TypeError, match=r"managed\(\) missing 1 required positional argument"):
        subject.managed()


def test_error_at_the_recursion_limit(subject: Any) -> None:
    def dive(depth: int) -> None:
        try:
            dive(depth + 1)
        except RecursionError:
            subject.failing()  # a few frames are left here

    for _ in range(3):
        with pytest.raises((subject.Problem, RecursionError)):
            dive(0)
    assert subject.function(1) == 1


def test_what_inspect_says(subject: Any) -> None:
    assert str(inspect.signature(subject.function)).startswith("(value: 'Any' = <object object")
    assert list(inspect.signature(subject.function).parameters) == ["value", "rest", "key", "more"]
    assert list(inspect.signature(subject.Base.method).parameters) == ["self", "value"]
    assert list(inspect.signature(subject.Base().method).parameters) == ["value"]
    assert list(inspect.signature(subject.Base.class_method).parameters) == ["value"]
    assert list(inspect.signature(subject.Base.static_method).parameters) == ["value"]
    assert list(inspect.signature(subject.Base).parameters) == ["value"]
    assert list(inspect.signature(subject.Point).parameters) == ["x", "y"]
    assert inspect.getsource(subject.function).startswith("def function(")
    assert inspect.getsource(subject.Base.method).strip().startswith("def method(")
    assert inspect.getsourcefile(subject.function) == program.__file__
    assert inspect.isfunction(subject.function)
    assert inspect.ismethod(subject.Base().method)
    assert inspect.isroutine(subject.Base.method)
    assert inspect.iscoroutinefunction(subject.waits)
    assert asyncio.iscoroutinefunction(subject.waits)
    assert inspect.isgeneratorfunction(subject.numbers)
    assert inspect.isasyncgenfunction(subject.stream)
    assert not inspect.isgeneratorfunction(subject.function)
    assert subject.function.__name__ == "function"
    assert subject.function.__qualname__ == "function"
    assert subject.function.__module__ == "fakes.program"
    assert subject.function.__doc__ == "Its documentation."
    assert subject.function.__defaults__ == (subject.THING,)
    assert subject.function.__kwdefaults__ == {"key": "k"}
    assert subject.function.__code__.co_name == "function"
    assert subject.function.__annotations__["key"] == "str"
    assert subject.function.marked == "by hand"
    assert subject.function.__globals__ is vars(program)
    assert callable(subject.function)
    bound = subject.Base().method
    assert bound.__func__ is not None
    assert bound.__name__ == "method"
    assert "method" in {name for name, _ in inspect.getmembers(subject.Base, inspect.isfunction)}


def test_attributes_can_be_put_on_a_function(subject: Any) -> None:
    subject.function.later = 5
    assert subject.function.later == 5
    del subject.function.later
    assert not hasattr(subject.function, "later")


def test_coroutines(subject: Any) -> None:
    thing = asyncio.run(subject.waits())
    assert thing is subject.THING
    with pytest.raises(subject.Problem) as raised:
        asyncio.run(subject.fails_later())
    assert raised.value is subject.PROBLEM
    coroutine = subject.waits()
    assert inspect.iscoroutine(coroutine)
    assert (coroutine.__name__, coroutine.__qualname__) == ("waits", "waits")
    coroutine.close()


def test_coroutine_closed_before_its_start_says_nothing(subject: Any) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(subject.waits())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        subject.waits().close()
        asyncio.run(cancelled())
        gc.collect()


def test_coroutine_never_awaited_is_said_once(subject: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        subject.waits()
        gc.collect()
    assert [str(warning.message) for warning in said] == ["coroutine 'waits' was never awaited"]


def test_asynchronous_generators_are_left_alone(subject: Any) -> None:
    async def run() -> List[int]:
        log: List[str] = []
        async with subject.managed_later(log) as thing:
            assert thing is subject.THING
        assert log == ["in", "out"]
        return [number async for number in subject.stream()]

    assert asyncio.run(run()) == [1, 2]


def test_context_managers(subject: Any) -> None:
    log: List[str] = []
    with subject.managed(log) as thing:
        assert thing is subject.THING
        log.append("body")
    assert log == ["in", "body", "out"]
    with pytest.raises(subject.Problem) as raised, subject.managed(log):
        raise subject.PROBLEM
    assert raised.value is subject.PROBLEM
    with subject.managed(log, swallow=True):
        raise subject.PROBLEM
    with pytest.raises(subject.Problem), subject.cannot_enter():
        pytest.fail("entered")
    with pytest.raises(subject.Problem), subject.fails_leaving():
        pass
    manager = subject.managed(log)
    with manager, pytest.raises((AttributeError, RuntimeError)):
        manager.__enter__()  # for one use


def test_context_manager_as_a_decorator(subject: Any) -> None:
    log: List[str] = []

    @subject.managed(log)
    def decorated(value: int) -> int:
        """Decorated."""
        log.append("body")
        return value

    assert inspect.isfunction(decorated)
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Decorated.")
    assert [decorated(1), decorated(2)] == [1, 2]
    assert log == ["in", "body", "out"] * 2


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(subject: Any, protocol: int) -> None:
    def travelled(thing: Any) -> Any:
        return pickle.loads(pickle.dumps(thing, protocol))

    assert travelled(subject.function) is subject.function
    assert travelled(subject.numbers) is subject.numbers
    assert travelled(subject.Base.method)(subject.Base(1), 2)[1] == 2
    assert travelled(subject.Base.static_method)(2) == 2
    assert travelled(subject.Base.class_method)(2) == (subject.Base, 2)
    bound = travelled(subject.Base(3).method)
    assert bound.__self__ == subject.Base(3)
    assert bound(4) == (subject.Base(3), 4)
    partial = travelled(functools.partial(subject.function, 5))
    assert partial() == 5
    assert travelled(subject.Point(1)).norm() == 5
    assert travelled(subject.Colour.RED) is subject.Colour.RED


def test_pickling_of_a_local_function_fails_as_ever(subject: Any) -> None:
    def local() -> None:
        pass

    with pytest.raises((AttributeError, pickle.PicklingError), match="local"):
        pickle.dumps(nutrace.probe(local))


def test_cloudpickle(subject: Any) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(cloudpickle.dumps(subject.function)) is subject.function
    assert pickle.loads(cloudpickle.dumps(lambda: subject.function(3)))() == 3


def test_cloudpickle_by_value(recorded: Tracing) -> None:
    """Classes of a notebook travel whole, with what stands in their methods' places."""
    cloudpickle = pytest.importorskip("cloudpickle")

    class Local:
        @nutrace.probe
        def method(self) -> int:
            return 1

        @nutrace.probe
        @staticmethod
        def static() -> int:
            return 2

        @nutrace.probe
        @classmethod
        def klass(cls) -> int:
            return 3

    with recorded():
        travelled = pickle.loads(cloudpickle.dumps(Local))
        assert (travelled().method(), travelled.static(), travelled.klass()) == (1, 2, 3)


def test_copies(subject: Any) -> None:
    assert copy.copy(subject.function) is subject.function
    assert copy.deepcopy(subject.function) is subject.function
    assert copy.deepcopy([subject.Base.method])[0](subject.Base(1), 2)[1] == 2
    base = subject.Base([1])
    copied = copy.deepcopy(base.method)
    assert copied.__self__ is not base
    assert copied.__self__ == base
    assert copied.__self__.value is not base.value
    assert copy.copy(base.method).__self__ is base
    private = copy.deepcopy(base._Base__private)
    assert private() == "private"
    assert copy.deepcopy(subject.Base.class_method)() == (subject.Base, subject.THING)


def test_equality_and_hash_of_bound_methods(subject: Any) -> None:
    base = subject.Base()
    assert base.method == base.method
    assert hash(base.method) == hash(base.method)
    assert base.method in [base.method]
    assert len({base.method, base.method}) == 1
    assert base.method != subject.Derived().method
    assert subject.function == subject.function
    assert {subject.function: 1}[subject.function] == 1


def test_identity_of_methods(subject: Any) -> None:
    """``type(x).method is Base.method`` is how programs find out what is overridden."""
    assert subject.Base.method is subject.Base.method
    assert subject.Derived.rows is subject.Base.rows
    assert subject.Derived.method is not subject.Base.method
    assert subject.Base().method.__func__ is subject.Base.method
    assert subject.Base.static_method is subject.Base().static_method
    assert type(subject.Base().method) is types.MethodType
    assert type(vars(subject.Base)["static_method"]) is staticmethod
    assert type(vars(subject.Base)["class_method"]) is classmethod
    assert repr(subject.function).startswith("<function function at")
    assert repr(subject.Base.method).startswith("<function Base.method at")
    assert repr(subject.Base().method).startswith("<bound method Base.method of")
    assert types.MethodType(subject.Base.method, subject.Base(5))(6)[1] == 6
    assert subject.Base.method(self=subject.Base(5), value=6)[1] == 6


def test_mocks(subject: Any) -> None:
    before = vars(subject.Base)["method"]
    with mock.patch.object(subject.Base, "method", return_value="mocked"):
        assert subject.Base().method() == "mocked"
    assert vars(subject.Base)["method"] is before
    with pytest.raises(TypeError):
        mock.create_autospec(subject.Base)().method(1, 2, 3)


def test_weak_methods(subject: Any) -> None:
    base = subject.Base(1)
    weak = weakref.WeakMethod(base.method)
    assert weak()(2) == (base, 2)  # type: ignore[misc]
    del base
    assert weak() is None


def test_weak_references(subject: Any) -> None:
    assert weakref.ref(subject.function)() is subject.function
    base = subject.Base()
    gone = weakref.ref(base)
    base.method()
    list(base.rows())
    del base
    assert gone() is None, "nothing of ours keeps an object alive"


def test_arguments_are_not_kept_alive(subject: Any) -> None:
    class Thing:
        pass

    thing = Thing()
    gone = weakref.ref(thing)
    subject.function(thing)
    with subject.managed([]):
        pass
    del thing
    assert gone() is None


def test_partials_and_maps(subject: Any) -> None:
    assert functools.partial(subject.function, 4)() == 4
    assert list(map(subject.function, [1, 2])) == [1, 2]
    assert functools.partialmethod(subject.function) is not None
    assert functools.lru_cache(maxsize=None)(subject.function)(6) == 6
    assert functools.reduce(lambda total, number: total + subject.fibonacci(number), [5, 6], 0) == 13


def test_abstract_methods_remain_abstract(subject: Any) -> None:
    assert subject.Abstract.compute.__isabstractmethod__
    with pytest.raises(TypeError, match="abstract"):
        subject.Abstract()

    class Lazy(subject.Abstract):  # type: ignore[misc]
        pass

    with pytest.raises(TypeError, match="abstract"):
        Lazy()

    class Done(subject.Abstract):  # type: ignore[misc]
        def compute(self) -> int:
            return 3

    assert Done().helper() == 3
    assert issubclass(Done, subject.Abstract)
    assert isinstance(Done(), abc.ABC)


def test_kinds_of_classes(subject: Any) -> None:
    assert subject.Point(1) == subject.Point(1, 2)
    assert repr(subject.Point(1)) == "Point(x=1, y=2)"
    assert subject.Point(3, 4).norm() == 25
    assert [colour.mixed() for colour in subject.Colour] == ["red", "green"]
    assert list(subject.Colour.__members__) == ["RED", "GREEN"]
    slotted = subject.Slotted(5)
    assert slotted.method() == 5
    assert not hasattr(slotted, "__dict__")
    assert subject.Box[int](3).get() == 3
    assert subject.Box("x").get() == "x"


def test_class_keywords(subject: Any) -> None:
    class Child(subject.Registered, label="child"):  # type: ignore[misc]
        def run(self) -> str:
            return super().run() + " child"

    assert subject.REGISTRY["child"] is Child
    assert Child().run() == "base child"
    with pytest.raises(TypeError):

        class _Bad(subject.Registered, unknown=1):  # type: ignore[misc]
            pass


def test_every_object_comes_back(recorded: Tracing) -> None:
    def snapshot() -> Any:
        classes = [value for value in vars(program).values() if isinstance(value, type)]
        return [dict(vars(program))] + [
            {name: value for name, value in vars(cls).items() if name not in ("__abstractmethods__", "made")}
            for cls in classes
            if cls.__module__ == program.__name__
        ]

    before = snapshot()
    with recorded(*PROBES, *ODD):
        assert vars(program)["function"] is not before[0]["function"]
    after = snapshot()
    for one, other in zip(before, after):
        assert list(one) == list(other) or set(one) == set(other)
        assert [name for name in one if one[name] is not other[name]] == []


def test_a_module_can_be_reloaded(recorded: Tracing, module: Callable[[str, str], str]) -> None:
    name = module("nutrace_reloaded", "def f():\n    return 1\n")
    with recorded(Probe(f"{name}:f")):
        loaded = importlib.import_module(name)
        assert loaded.f() == 1
        assert importlib.reload(loaded).f() == 1
    assert inspect.isfunction(sys.modules[name].f)
