"""Generators: the time inside, over all resumptions, charged where it was spent; one call."""

from __future__ import annotations

import gc
import inspect
import os
import threading
import weakref
from typing import Any, Callable, Generator, Iterator, List

import pytest
from fakes.clock import FakeClock
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.probes import resumptions
from nutrace.probes.given import site_of_given
from nutrace.recording.call_site import CallSite


class Failure(Exception):
    pass


def numbers_of(clock: FakeClock, count: int = 3, cost: int = 10) -> Callable[[], Iterator[int]]:
    """A probed generator that spends `cost` before each value, and once more before its end."""

    @nutrace.probe(name="numbers")
    def numbers() -> Iterator[int]:
        for number in range(count):
            clock.advance(cost)
            yield number
        clock.advance(cost)

    return numbers


def test_cost_is_the_time_inside(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded(), nutrace.span("consumer"):
        for _ in numbers():
            clock.advance(1000)
    span = recorded.span("numbers")
    assert (span.calls, span.yielded, span.total_ns, span.self_ns) == (1, 3, 40, 40)
    assert span.end_ns - span.start_ns == 3040
    assert recorded.span("consumer").self_ns == 3000


def test_two_interleaved(recorded: Tracing, clock: FakeClock) -> None:
    fast, slow = numbers_of(clock, 3, 1), numbers_of(clock, 3, 100)
    with recorded(), nutrace.span("consumer"):
        for _ in zip(fast(), slow()):
            clock.advance(7)
    one, other = recorded.spans("numbers")
    # zip asks the first for a fourth value, which it has not, and so abandons the second at its third.
    assert sorted((span.total_ns, span.yielded, span.calls) for span in (one, other)) == [
        (4, 3, 1),
        (300, 3, 1),
    ]
    assert recorded.span("consumer").self_ns == 21


def test_resumed_under_different_parents(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)

    @nutrace.probe(name="first")
    def first(source: Iterator[int]) -> int:
        clock.advance(1)
        return next(source)

    @nutrace.probe(name="rest")
    def rest(source: Iterator[int]) -> List[int]:
        clock.advance(2)
        return list(source)

    with recorded():
        source = numbers()
        assert (first(source), rest(source)) == (0, [1, 2])
    head, tail = recorded.spans("numbers")
    assert head.parent is not None
    assert tail.parent is not None
    assert (head.parent.name, head.calls, head.yielded, head.total_ns) == ("first", 1, 1, 10)
    assert (tail.parent.name, tail.calls, tail.yielded, tail.total_ns) == ("rest", 0, 2, 30)
    assert tail.attributes[semconv.CONTINUES] == recorded.trace.span_id(head.index)
    assert (recorded.span("first").self_ns, recorded.span("rest").self_ns) == (1, 2)


def test_resumed_in_another_thread(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded():
        source = numbers()
        next(source)
        thread = threading.Thread(target=next, args=(source,))
        thread.start()
        thread.join()
        assert list(source) == [2]
    parts = recorded.spans("numbers")
    assert [part.calls for part in parts] == [1, 0, 0]
    assert [part.total_ns for part in parts] == [10, 10, 20]
    ids = [part.thread.thread_id for part in parts]
    assert ids[0] == ids[2] == threading.get_native_id()
    assert ids[1] != ids[0]


def test_handed_to_a_thread_for_good(recorded: Tracing, clock: FakeClock) -> None:
    """The part that ran in the first thread is that thread's, though the second one ends it."""
    numbers = numbers_of(clock)
    with recorded():
        source = numbers()
        next(source)
        thread = threading.Thread(target=list, args=(source,))
        thread.start()
        thread.join()
    head, tail = recorded.spans("numbers")
    assert (head.total_ns, tail.total_ns) == (10, 30)
    assert head.thread.thread_id == threading.get_native_id()
    assert tail.thread.thread_id != head.thread.thread_id


def test_never_started(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded(), nutrace.span("outer"):
        numbers()
        numbers().close()  # type: ignore[attr-defined]
    assert recorded.shape() == ["outer"]


def test_abandoned_and_collected_elsewhere(recorded: Tracing, clock: FakeClock) -> None:
    @nutrace.probe(name="endless")
    def endless() -> Iterator[int]:
        try:
            while True:
                clock.advance(5)
                yield 1
        finally:
            clock.advance(100)  # what closing costs

    @nutrace.probe(name="bin")
    def rubbish(held: List[Any]) -> None:
        held.clear()

    with recorded():
        held: List[Any] = [endless()]
        next(held[0])
        rubbish(held)
    head, tail = sorted(recorded.spans("endless"), key=lambda span: span.start_ns)
    assert (head.total_ns, head.calls, head.yielded) == (5, 1, 1)
    assert (tail.total_ns, tail.calls, tail.yielded) == (100, 0, 0)
    assert tail.parent is not None
    assert tail.parent.name == "bin"
    assert tail.attributes[semconv.ABANDONED] is True
    assert recorded.span("bin").self_ns == 0


def test_collected_as_part_of_a_cycle(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded():
        held: List[Any] = [numbers()]
        held.append(held)
        next(held[0])
        del held
        gc.collect()
    assert recorded.span("numbers").attributes[semconv.ABANDONED] is True


def test_abandoned_by_break(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded(), nutrace.span("consumer"):
        for _ in numbers():
            break
    span = recorded.span("numbers")
    assert (span.yielded, span.attributes[semconv.ABANDONED]) == (1, True)


def test_a_run_to_its_end_is_not_abandoned(recorded: Tracing, clock: FakeClock) -> None:
    with recorded():
        list(numbers_of(clock)())
    assert semconv.ABANDONED not in recorded.span("numbers").attributes


def test_generator_in_a_generator(recorded: Tracing, clock: FakeClock) -> None:
    inner = numbers_of(clock)

    @nutrace.probe(name="outer")
    def outer() -> Iterator[int]:
        for number in inner():
            clock.advance(3)
            yield number

    with recorded(), nutrace.span("consumer"):
        assert list(outer()) == [0, 1, 2]
    assert recorded.shape() == [("consumer", [("outer", ["numbers"])])]
    assert recorded.span("outer").total_ns == 49
    assert recorded.span("outer").self_ns == 9


def test_span_open_across_yields(recorded: Tracing, clock: FakeClock) -> None:
    """A with-block around a yield holds what runs in it, and not what the consumer does meanwhile."""

    @nutrace.probe(name="work")
    def work() -> None:
        clock.advance(4)

    @nutrace.probe(name="rows")
    def rows() -> Iterator[int]:
        with nutrace.span("cursor"):
            for number in range(3):
                work()
                yield number

    with recorded(), nutrace.span("consumer"):
        for _ in rows():
            clock.advance(1000)
            work()
    assert recorded.shape() == [
        ("consumer", [("rows", [("cursor", ["work", "work", "work"])]), "work", "work", "work"])
    ]
    assert recorded.span("cursor").total_ns == 12
    assert recorded.span("rows").total_ns == 12
    assert recorded.span("consumer").self_ns == 3000
    assert recorded.trace.diagnostics.overlapping == 0


def test_function_that_returns_a_generator(recorded: Tracing, clock: FakeClock) -> None:
    def made() -> Iterator[int]:
        clock.advance(20)
        yield 1
        clock.advance(20)

    @nutrace.probe(name="query")
    def query() -> Iterator[int]:
        clock.advance(5)
        return made()

    with recorded(), nutrace.span("consumer"):
        assert list(query()) == [1]
        given = query()
        with nutrace.span("elsewhere"):
            assert list(given) == [1]
        query()
    at_once, call, elsewhere, never = recorded.spans("query")
    assert (at_once.total_ns, at_once.calls, at_once.yielded) == (45, 1, 1)
    assert (call.total_ns, call.calls, call.yielded) == (5, 1, 0)
    assert (elsewhere.total_ns, elsewhere.calls, elsewhere.yielded) == (40, 0, 1)
    assert (never.total_ns, never.calls, never.yielded) == (5, 1, 0)
    assert recorded.shape() == [("consumer", ["query", "query", ("elsewhere", ["query"]), "query"])]


@pytest.mark.parametrize("between", ["written", "another span"])
def test_a_generator_whose_call_cannot_be_taken_back(
    recorded: Tracing, clock: FakeClock, between: str
) -> None:
    """Its first resumption finds the call's span written, or others behind it: another continues it."""

    @nutrace.probe(name="query")
    def query() -> Iterator[int]:
        clock.advance(5)
        return made()

    def made() -> Iterator[int]:
        clock.advance(20)
        yield 1

    with recorded() as session, nutrace.span("consumer"):
        given = query()
        if between == "written":
            session.recorder.flush()
        else:
            with nutrace.span("between"):
                pass
        assert list(given) == [1]
    call, rest = recorded.spans("query")
    assert (call.total_ns, call.calls, call.yielded, call.unfinished) == (5, 1, 0, False)
    assert (rest.total_ns, rest.calls, rest.yielded, rest.unfinished) == (20, 0, 1, False)
    assert recorded.trace.diagnostics.unfinished == session.recorder.diagnostics.unfinished == 0


def test_a_block_around_a_yield_was_away_whoever_resumes(recorded: Tracing, clock: FakeClock) -> None:
    @nutrace.probe(name="rows")
    def rows() -> Iterator[int]:
        with nutrace.span("block"):
            clock.advance(3)
            yield 1
            clock.advance(4)

    with recorded():
        source = rows()
        with nutrace.span("first"):
            next(source)
        clock.advance(1000)
        with nutrace.span("second"):
            assert list(source) == []
    assert recorded.span("block").total_ns == 7


def test_a_fault_in_closing_costs_no_run_file(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumptions, "close_suspended", lambda: 1 / 0)
    with recorded(), nutrace.span("outer"):
        pass
    assert len(recorded.faults) == 1
    assert recorded.path is not None
    assert recorded.path.suffix == ".json"


def test_generator_that_was_given_and_never_resumed(recorded: Tracing, clock: FakeClock) -> None:
    @nutrace.probe(name="query")
    def query() -> Iterator[int]:
        clock.advance(5)
        return iter_of(3)

    def iter_of(most: int) -> Iterator[int]:
        yield from range(most)

    with recorded() as session:
        given = query()
        child = os.fork()
        if child == 0:
            del given
            nutrace.uninstrument()
            os._exit(0)
        os.waitpid(child, 0)
    assert list(given) == [0, 1, 2]
    span = recorded.span("query")
    assert (span.total_ns, span.calls, span.unfinished) == (5, 1, False)
    assert session.recorder.diagnostics.unfinished == 0


def test_call_that_resumed_a_generator_is_not_merged_away(recorded: Tracing, clock: FakeClock) -> None:
    @nutrace.probe(name="draw")
    def draw(source: Iterator[int]) -> int:
        return next(source)

    with recorded(compress_us=200), nutrace.span("outer"):
        sources = [numbers_of(clock)() for _ in range(3)]
        for source in sources:
            draw(source)
        del source, sources
    assert recorded.shape() == [("outer", [("draw", ["numbers"])] * 3 + ["numbers"] * 3)]


def test_suspended_at_the_end_is_not_lost(recorded: Tracing, clock: FakeClock) -> None:
    @nutrace.probe(name="draw")
    def draw(source: Iterator[int]) -> int:
        return next(source)

    with recorded() as session:
        source = numbers_of(clock)()
        draw(source)
    assert recorded.shape() == [("draw", ["numbers"])]
    span = recorded.span("numbers")
    assert (span.total_ns, span.yielded, span.unfinished) == (10, 1, True)
    assert session.recorder.diagnostics.unfinished == recorded.trace.diagnostics.unfinished == 1
    assert list(source) == [1, 2]


def test_a_forked_child_counts_its_own_part(recorded: Tracing) -> None:
    @nutrace.probe(name="numbers")
    def numbers() -> Iterator[int]:
        yield from range(3)

    with recorded():
        source = numbers()
        next(source)
        child = os.fork()
        if child == 0:
            try:
                list(source)
                nutrace.uninstrument()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        list(source)
    parts = sorted((span.trace.resources[span.thread.resource].pid, span.calls) for span in recorded.trace)
    assert [calls for pid, calls in parts if pid == os.getpid()] == [1]
    assert [calls for pid, calls in parts if pid == child] == [0]


def test_function_that_hands_on_a_probed_generator(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)

    @nutrace.probe(name="facade")
    def facade() -> Iterator[int]:
        return numbers()

    with recorded(), nutrace.span("consumer"):
        list(facade())
    assert [recorded.calls(name) for name in ("facade", "numbers")] == [1, 1]
    assert recorded.span("numbers").total_ns == 40
    assert recorded.span("facade").total_ns == 0


def test_function_that_returns_a_shared_generator(recorded: Tracing) -> None:
    """Others hold it and go on with it, so nothing may close it but the program; begun, it is left alone."""
    closed: List[bool] = []

    class Stream:
        def __init__(self) -> None:
            self.source = self.numbers()

        def numbers(self) -> Iterator[int]:
            try:
                yield from range(5)
            finally:
                closed.append(True)

        @nutrace.probe(name="get")
        def get(self) -> Iterator[int]:
            return self.source

    with recorded():
        stream = Stream()
        stream.get()
        assert [next(stream.get()) for _ in range(3)] == [0, 1, 2]
        assert stream.get() is stream.source
        assert list(stream.get()) == [3, 4]
        assert closed == [True]
        stream = Stream()
        held: Any = stream.get()
        assert next(held) == 0
        held.close()  # this closes the generator itself
        assert closed == [True, True]
        assert list(stream.source) == []
    assert recorded.calls("get") == 7


@pytest.mark.parametrize("probed", ["the generator", "a function that returns it"])
def test_dropped_in_the_middle_it_ends_within_its_span(
    recorded: Tracing, clock: FakeClock, probed: str
) -> None:
    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            clock.advance(7)
            with nutrace.span("ending"):
                pass

    make = nutrace.probe(numbers if probed == "the generator" else lambda: numbers())
    with recorded(), nutrace.span("consumer"):
        for _ in make():
            break
    (name, inner), *rest = recorded.shape()[0][1]
    assert (inner, rest) == (["ending"], [])
    (span,) = (span for span in recorded.trace if span.name == name)
    assert (span.total_ns, span.calls, span.yielded) == (7, 1, 1)
    assert span.attributes[semconv.ABANDONED] is True


# -- what a consumer sees --------------------------------------------------------------------


def conversation(log: List[Any]) -> Generator[Any, Any, Any]:
    """Answers everything, and writes down what it was asked."""
    answer: Any = "ready"
    while answer != "stop":
        try:
            heard = yield answer
            log.append(("heard", heard))
            answer = heard
        except Failure as failure:
            log.append(("caught", failure))
            answer = failure
    return "goodbye"


probed_conversation = nutrace.probe(conversation)


def delegating(log: List[Any]) -> Generator[Any, Any, Any]:
    value = yield from probed_conversation(log)
    return value


@pytest.mark.parametrize("make", [conversation, probed_conversation, delegating])
def test_send_throw_and_return(recorded: Tracing, make: Callable[..., Any]) -> None:
    log: List[Any] = []
    failure = Failure("x")
    with recorded():
        talk = make(log)
        with pytest.raises(TypeError, match="just-started"):
            talk.send("too early")
        assert next(talk) == "ready"
        assert talk.send("hello") == "hello"
        assert talk.throw(failure) is failure
        with pytest.raises(StopIteration) as stop:
            talk.send("stop")
        assert stop.value.value == "goodbye"
        with pytest.raises(StopIteration) as stop:
            next(talk)
        assert stop.value.value is None
    assert log == [("heard", "hello"), ("caught", failure), ("heard", "stop")]
    assert failure.__context__ is None


def test_exception_inside(recorded: Tracing, clock: FakeClock) -> None:
    failure = Failure("inside")

    @nutrace.probe(name="fails")
    def fails() -> Iterator[int]:
        clock.advance(1)
        yield 1
        clock.advance(2)
        raise failure

    with recorded(), pytest.raises(Failure) as raised:
        list(fails())
    assert raised.value is failure
    assert failure.__context__ is None
    span = recorded.span("fails")
    assert span.total_ns == 3
    assert span.status.code == 2
    (event,) = span.events
    assert event.attributes["exception.message"] == "inside"
    assert "raise failure" in event.attributes["exception.stacktrace"]


def test_stop_iteration_inside_becomes_a_runtime_error(recorded: Tracing) -> None:
    @nutrace.probe
    def fails() -> Iterator[int]:
        yield next(iter(()))

    with recorded(), pytest.raises(RuntimeError, match="raised StopIteration") as raised:
        list(fails())
    assert isinstance(raised.value.__cause__, StopIteration)


def stubborn(log: List[str]) -> Iterator[int]:
    try:
        yield 1
    except GeneratorExit:
        log.append("ignored")
    yield 2
    yield 3


def replaces() -> Iterator[int]:
    try:
        yield 1
    except GeneratorExit:
        raise Failure("instead") from None


def answers() -> Generator[str, None, None]:
    try:
        yield "first"
    except GeneratorExit:
        yield "second"


@pytest.mark.parametrize("probed", [False, True])
class TestGeneratorExit:
    """Close, and a thrown GeneratorExit, do what they do without a probe."""

    def make(self, function: Callable[..., Any], probed: bool, *args: Any) -> Any:
        return (nutrace.probe(function) if probed else function)(*args)

    def test_ignored(self, recorded: Tracing, probed: bool) -> None:
        log: List[str] = []
        with recorded():
            source = self.make(stubborn, probed, log)
            next(source)
            with pytest.raises(RuntimeError, match="generator ignored GeneratorExit") as raised:
                source.close()
            assert raised.value.__context__ is None
            assert log == ["ignored"]
            assert list(source) == [3]  # it lives on

    def test_replaced(self, recorded: Tracing, probed: bool) -> None:
        with recorded():
            source = self.make(replaces, probed)
            next(source)
            with pytest.raises(Failure, match="instead"):
                source.close()
        if probed:
            assert recorded.trace[0].status.code == 2

    def test_thrown_in_and_answered(self, recorded: Tracing, probed: bool) -> None:
        with recorded():
            source = self.make(answers, probed)
            assert next(source) == "first"
            assert source.throw(GeneratorExit()) == "second"
            assert list(source) == []

    def test_thrown_in_and_let_through(self, recorded: Tracing, probed: bool) -> None:
        leaving = GeneratorExit()
        with recorded():
            source = self.make(conversation, probed, [])
            next(source)
            with pytest.raises(GeneratorExit) as raised:
                source.throw(leaving)
            assert raised.value is leaving
        if probed:
            assert recorded.trace[0].status.code == 0


def test_looks_like_a_generator(recorded: Tracing) -> None:
    @nutrace.probe
    def numbers() -> Iterator[int]:
        yield 1

    with recorded():
        source = numbers()
        assert inspect.isgenerator(source)
        assert inspect.isgeneratorfunction(numbers)
        assert source.__name__ == "numbers"
        assert source.__qualname__.endswith("<locals>.numbers")
        assert inspect.getgeneratorstate(source) == inspect.GEN_CREATED
        next(source)
        assert inspect.getgeneratorstate(source) == inspect.GEN_SUSPENDED
        assert list(source) == []
        assert inspect.getgeneratorstate(source) == inspect.GEN_CLOSED


def test_holds_no_value_longer_than_the_program(recorded: Tracing) -> None:
    class Frame:
        pass

    @nutrace.probe
    def frames() -> Generator[Any, Any, None]:
        while True:
            yield Frame()

    with recorded():
        source = frames()
        yielded = weakref.ref(next(source))
        assert yielded() is None
        sent = Frame()
        was_sent = weakref.ref(sent)
        source.send(sent)
        del sent
        assert was_sent() is None
        source.close()


def test_thrown_error_leaves_no_cycle(recorded: Tracing) -> None:
    class Marked(Exception):
        pass

    @nutrace.probe
    def numbers() -> Iterator[int]:
        yield 1

    with recorded():
        gc.collect()
        gc.disable()
        try:
            source = numbers()
            next(source)
            failure = Marked()
            gone = weakref.ref(failure)
            try:
                source.throw(failure)  # type: ignore[attr-defined]
            except Marked:
                pass
            del failure, source
            assert gone() is None
        finally:
            gc.enable()


def test_reentrance_is_still_an_error(recorded: Tracing) -> None:
    held: List[Any] = []

    @nutrace.probe
    def snake() -> Iterator[int]:
        yield next(held[0])

    with recorded():
        held.append(snake())
        with pytest.raises(ValueError, match="already executing"):
            next(held[0])


def test_off_gives_the_very_generator() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    source = nutrace.probe(numbers)()
    assert source.gi_code is numbers.__code__  # type: ignore[attr-defined]


def test_made_while_on_and_used_while_off(recorded: Tracing, clock: FakeClock) -> None:
    numbers = numbers_of(clock)
    with recorded():
        source = numbers()
        assert next(source) == 0
    assert list(source) == [1, 2]
    with recorded():
        later = numbers()
        next(later)
    with recorded(), nutrace.span("second run"):
        assert list(later) == [1, 2]
    # The call was counted in the first run; the second has the time that was spent in it.
    assert recorded.calls("numbers") == 0
    assert recorded.span("numbers").total_ns == 30


def test_names_of_a_given_generator_may_be_anything(recorded: Tracing) -> None:
    class Hostile(str):
        def __format__(self, spec: str) -> str:
            raise ZeroDivisionError

    class Names(dict):  # type: ignore[type-arg]
        def get(self, *args: Any) -> Any:
            raise ZeroDivisionError

    def make(names: Any, qualified: str) -> Any:
        exec("def rows(): yield 1", names)
        made = names["rows"]()
        made.__qualname__ = qualified
        return made

    @nutrace.probe(name="give")
    def give(number: int) -> Any:
        return [
            lambda: make(Names(), "rows"),
            lambda: make({"__name__": Hostile("m")}, "rows"),
            lambda: make({"__name__": None}, Hostile("rows")),
        ][number]()

    with recorded():
        assert [list(give(number)) for number in (0, 1, 2)] == [[1]] * 3
    assert recorded.calls("give") == 3
    named = [span.attributes[semconv.GIVEN_FUNCTION] for span in recorded.spans("give")]
    assert named == ["rows"] * 3


def test_a_function_may_give_generators_without_number(recorded: Tracing) -> None:
    @nutrace.probe(name="give")
    def give(number: int) -> Any:
        names: Any = {"__name__": "made"}
        exec("\n" * number + "def rows(): yield 1", names)
        return names["rows"]()

    with recorded():
        assert [list(give(number)) for number in range(100)] == [[1]] * 100
    assert recorded.calls("give") == 100
    named = [span for span in recorded.spans("give") if semconv.GIVEN_FUNCTION in span.attributes]
    assert len(named) == 16


def test_a_method_that_returns_the_generator_of_another_function_is_a_method() -> None:
    """Its calls cost what calls of methods do."""
    method = CallSite("values", "other", function="module.Class.values", of_method=True)
    values: Any = (each for each in [1])
    twin = site_of_given(values, method)
    assert twin is not method
    assert twin.of_method
