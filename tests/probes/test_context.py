"""What a probed call does to the current context: what the program attaches inside it stays attached."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Iterator, List

import pytest
from fakes.tracing import Tracing
from opentelemetry import baggage, context
from opentelemetry import trace as otel

import nutrace
from nutrace.recording.context import current


@pytest.fixture(autouse=True)
def nothing_stays_attached() -> Iterator[None]:
    yield
    current.set(None)


def _attach() -> Any:
    return context.attach(baggage.set_baggage("user", "bob"))


def _function() -> Any:
    return nutrace.probe(_attach)()


def _raising() -> Any:
    @nutrace.probe
    def fails() -> None:
        _attach()
        raise KeyError

    with pytest.raises(KeyError):
        fails()


def _block() -> Any:
    with nutrace.span("block"):
        return _attach()


def _generator() -> Any:
    @nutrace.probe
    def numbers() -> Iterator[Any]:
        yield 1
        yield _attach()

    return list(numbers())[-1]


def _coroutine() -> Any:
    @nutrace.probe
    async def attaches() -> Any:
        return _attach()

    coroutine = attaches()
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


WAYS = [_function, _raising, _block, _generator, _coroutine]


@pytest.mark.parametrize("attach", WAYS)
def test_what_is_attached_inside_stays(recorded: Tracing, attach: Callable[[], Any]) -> None:
    with recorded():
        with nutrace.span("outer"):
            attach()
            assert baggage.get_baggage("user") == "bob"
            with nutrace.span("after"):
                assert baggage.get_baggage("user") == "bob"
        assert baggage.get_baggage("user") == "bob"
        with nutrace.span("later"):
            pass
    later = recorded.shape()[-1]
    assert later == "later"
    assert [child.name for child in recorded.span("outer").children][-1] == "after"
    assert not recorded.faults


@pytest.mark.parametrize("attach", [_function, _block, _generator, _coroutine])
def test_what_is_attached_inside_can_be_detached_outside(
    recorded: Tracing, attach: Callable[[], Any]
) -> None:
    with recorded():
        token = attach()
        assert baggage.get_baggage("user") == "bob"
        nutrace.probe(context.detach)(token)
        assert baggage.get_baggage("user") is None
        with nutrace.span("after"):
            pass
    assert recorded.shape()[-1] == "after"


def test_a_span_that_one_method_attaches_and_another_detaches(recorded: Tracing) -> None:
    class Handler:
        @nutrace.probe(name="before")
        def before(self) -> None:
            self.span = otel.get_tracer("lib").start_span("request")
            self.token = context.attach(otel.set_span_in_context(self.span))

        @nutrace.probe(name="query")
        def query(self) -> None:
            pass

        @nutrace.probe(name="after")
        def after(self) -> None:
            context.detach(self.token)
            self.span.end()

    with recorded(), nutrace.span("outer"):
        handler = Handler()
        handler.before()
        handler.query()
        handler.after()
        handler.query()
    assert recorded.shape() == [("outer", [("before", [("request", ["query", "after"])]), "query"])]


def test_blocks_that_end_in_the_order_they_began(recorded: Tracing) -> None:
    with recorded(), nutrace.span("outer"):
        one, other = nutrace.span("one"), nutrace.span("other")
        one.__enter__()
        other.__enter__()
        one.__exit__(None, None, None)
        other.__exit__(None, None, None)
        with nutrace.span("after"):
            pass
    assert recorded.shape() == [("outer", [("one", ["other"]), "after"])]


def test_a_context_attached_around_a_yield_is_the_consumers(recorded: Tracing) -> None:
    """As untraced: a generator has no context of its own."""

    @nutrace.probe(name="fixture")
    def fixture() -> Iterator[None]:
        token = context.attach(baggage.set_baggage("user", "bob", context.Context()))
        yield
        context.detach(token)

    with recorded():
        generator = fixture()
        next(generator)
        assert baggage.get_baggage("user") == "bob"
        assert list(generator) == []
        assert baggage.get_baggage("user") is None
    (span,) = recorded.spans("fixture")
    assert (span.calls, span.yielded) == (1, 1)


def test_a_context_attached_around_an_await_is_there_behind_it(recorded: Tracing) -> None:
    seen: List[object] = []

    @nutrace.probe(name="request")
    async def request() -> None:
        context.attach(baggage.set_baggage("user", "bob", context.Context()))
        await asyncio.sleep(0)
        seen.append(baggage.get_baggage("user"))

    async def main() -> None:
        await request()
        seen.append(baggage.get_baggage("user"))

    with recorded():
        asyncio.run(main())
    assert seen == ["bob", "bob"]
    assert recorded.calls("request") == 1
