"""``@nutrace.probe`` and ``nutrace.span`` in a program's own source."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import contextmanager
from typing import Any, Iterator, List

import pytest
from fakes.tracing import Tracing
from opentelemetry import trace as otel

import nutrace
from nutrace.errors import ProbeError
from nutrace.recording.context import current


@nutrace.probe
def bare(value: int = 1) -> int:
    """Bare."""
    return value


@nutrace.probe(component="planner")
def with_component() -> None:
    pass


@nutrace.probe(name="renamed", component="model")
def with_name() -> None:
    pass


@nutrace.probe()
def with_empty_parentheses() -> None:
    pass


class Thing:
    @nutrace.probe
    def method(self) -> Any:
        return self

    @nutrace.probe
    @staticmethod
    def static_inside(value: int) -> int:
        return value

    @staticmethod
    @nutrace.probe
    def static_outside(value: int) -> int:
        return value

    @nutrace.probe
    @classmethod
    def class_inside(cls) -> Any:
        return cls

    @classmethod
    @nutrace.probe
    def class_outside(cls) -> Any:
        return cls

    @property
    @nutrace.probe
    def value(self) -> int:
        return 3


def test_bare_and_with_arguments(recorded: Tracing) -> None:
    with recorded():
        assert bare(2) == 2
        with_component()
        with_name()
        with_empty_parentheses()
    spans = [(span.name, span.component) for span in recorded.trace]
    assert spans == [
        ("bare", "other"),
        ("with_component", "planner"),
        ("renamed", "model"),
        ("with_empty_parentheses", "other"),
    ]
    assert recorded.trace[0].function == f"{__name__}.bare"
    assert recorded.trace[0].file == __file__


def test_order_with_other_decorators(recorded: Tracing) -> None:
    with recorded():
        thing = Thing()
        assert thing.method() is thing
        assert Thing.static_inside(1) == thing.static_inside(1) == 1
        assert Thing.static_outside(2) == thing.static_outside(2) == 2
        assert Thing.class_inside() is thing.class_inside() is Thing
        assert Thing.class_outside() is thing.class_outside() is Thing
        assert thing.value == 3
    names = ("static_inside", "static_outside", "class_inside", "class_outside")
    assert [recorded.calls(f"Thing.{name}") for name in names] == [2, 2, 2, 2]
    assert recorded.calls("Thing.value") == recorded.calls("Thing.method") == 1


def test_on_and_off_and_on_again(recorded: Tracing) -> None:
    assert bare(1) == 1
    for expected in (2, 3):
        with recorded():
            for _ in range(expected):
                bare()
        assert recorded.calls("bare") == expected
        bare()


def test_off_goes_straight_to_the_function() -> None:
    def depth() -> int:
        return len(inspect.stack())

    assert nutrace.probe(depth)() == depth()


@pytest.mark.parametrize(
    "bad",
    [
        lambda: nutrace.probe(component="no such"),
        lambda: nutrace.probe("a name"),  # type: ignore[call-overload]
        lambda: nutrace.probe(Thing),
        lambda: nutrace.probe(5),  # type: ignore[call-overload]
        lambda: nutrace.probe(property(lambda self: 1)),  # type: ignore[call-overload]
        lambda: nutrace.probe(_stream),
        lambda: nutrace.span("x", component="no such"),
    ],
)
def test_bad_uses_say_so_at_once(bad: Any) -> None:
    with pytest.raises(ProbeError) as raised:
        bad()
    assert "\n" not in str(raised.value)


async def _stream() -> Any:
    yield 1


def test_above_property_it_says_where_to_go() -> None:
    with pytest.raises(ProbeError, match="below @property"):

        class _Bad:
            @nutrace.probe  # type: ignore[call-overload]
            @property
            def value(self) -> int:
                return 1


def test_generators_and_coroutines_and_managers(recorded: Tracing) -> None:
    @nutrace.probe
    @contextmanager
    def manager() -> Iterator[int]:
        yield 5

    @nutrace.probe(name="coroutine")
    async def coroutine() -> int:
        return bare(6)

    with recorded():
        with manager() as value:
            assert value == 5
            bare()
        assert asyncio.run(coroutine()) == 6
    names = [(span.name.rsplit(".", 1)[-1], span.depth) for span in recorded.trace]
    assert names == [("manager", 0), ("bare", 1), ("coroutine", 0), ("bare", 1)]


def test_a_method_taken_off_its_object(recorded: Tracing) -> None:
    thing = Thing()
    method = thing.method
    wrapped = nutrace.probe(thing.method)
    with recorded():
        assert method() is thing
        assert wrapped() is thing
    assert recorded.calls("Thing.method") == 3  # `wrapped` has two probes, on purpose


# -- with nutrace.span -----------------------------------------------------------------------


def test_span_off_is_nothing() -> None:
    with nutrace.span("off", component="map", key=1) as span:
        assert not span.is_recording()
        span.set_attribute("more", 2)
        assert current.get() is None
    with pytest.raises(LookupError), nutrace.span("off"):
        raise LookupError


def test_spans_nest_and_have_attributes(recorded: Tracing) -> None:
    with recorded():
        with nutrace.span("outer", component="map", layers=["a", "b"], count=3) as outer:
            assert otel.get_current_span() is outer
            with nutrace.span("inner") as inner:
                inner.set_attribute("late", True)
            bare()
        bare()
    assert recorded.shape() == [("outer", ["inner", "bare"]), "bare"]
    span = recorded.span("outer")
    assert span.component == "map"
    assert (span.attributes["count"], list(span.attributes["layers"])) == (3, ["a", "b"])
    assert recorded.span("inner").attributes["late"] is True


def test_an_error_in_a_span(recorded: Tracing) -> None:
    error = LookupError("lost")
    with recorded(), pytest.raises(LookupError) as raised, nutrace.span("block"):
        raise error
    assert raised.value is error
    span = recorded.span("block")
    assert span.status.code == 2
    assert span.events[0].attributes["exception.message"] == "lost"


def test_a_span_that_was_ended_by_hand(recorded: Tracing) -> None:
    with recorded():
        with nutrace.span("ended") as span:
            span.end()
            span.end()
        bare()
    assert recorded.shape() == ["ended", "bare"]


def test_on_and_off_inside_a_block(recorded: Tracing) -> None:
    block = nutrace.span("begun off")
    with block, recorded():
        bare()
    assert recorded.shape() == ["bare"]
    opened = nutrace.span("begun on")
    with recorded():
        opened.__enter__()
        bare()
    opened.__exit__(None, None, None)
    assert recorded.shape() == [("begun on", ["bare"])]
    assert recorded.span("begun on").unfinished
    assert current.get() is None


def test_one_block_object_used_again(recorded: Tracing) -> None:
    block = nutrace.span("again")
    with recorded():
        for _ in range(2):
            with block:
                bare()
    assert recorded.shape() == [("again", ["bare"])] * 2


def test_one_block_object_nested_in_itself(recorded: Tracing) -> None:
    block = nutrace.span("again")
    with recorded():
        with block, block:
            bare()
        bare()
    assert recorded.shape() == [("again", [("again", ["bare"])]), "bare"]


def test_many_names_stay_bounded(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    from nutrace.probes import api

    monkeypatch.setattr(api, "_sites", {})
    monkeypatch.setattr(api, "_MOST_SITES", 10)
    with recorded():
        for number in range(25):
            with nutrace.span(f"name {number}"):
                pass
    assert len(api._sites) == 10
    assert len(recorded.trace) == 25


def test_spans_in_asyncio_tasks(recorded: Tracing) -> None:
    async def task(name: str) -> None:
        with nutrace.span(name):
            await asyncio.sleep(0)
            bare()

    async def run() -> None:
        await asyncio.gather(task("a"), task("b"))

    with recorded():
        asyncio.run(run())
    assert recorded.shape() == [("a", ["bare"]), ("b", ["bare"])]


def test_threads_begin_with_nothing_current(recorded: Tracing) -> None:
    seen: List[Any] = []

    def run() -> None:
        seen.append(current.get())
        bare()

    with recorded(), nutrace.span("outer"):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert seen == [None]
    assert sorted(map(str, recorded.shape())) == ["bare", "outer"]


def test_public_names() -> None:
    assert nutrace.probe.__doc__
    assert str(inspect.signature(nutrace.span)).startswith("(name: 'str', *, component: 'str' = 'other'")
    with pytest.raises(AttributeError, match="no attribute 'no_such'"):
        _ = nutrace.no_such
