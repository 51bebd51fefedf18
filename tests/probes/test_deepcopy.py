"""Deep copies: every root call is counted at its caller, with its size, and the program runs as before."""

from __future__ import annotations

import copy
import cProfile
import gc
import inspect
import os
import pickle
import sys
import threading
import time
import traceback
import weakref
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from fakes.clock import FakeClock
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nutrace
from nutrace import semconv
from nutrace.patching.frames import can_leave
from nutrace.probes.catalogue.copies import PROBES, in_mode
from nutrace.trace import SpanView

ROOT = semconv.DEEPCOPY_SPAN
#: Not a name of this module: those are bound to the replacement while probes are installed.
ORIGINAL = {"deepcopy": copy.deepcopy}


def primitive_calls(program: Callable[[], object]) -> int:
    """How often ``copy.deepcopy`` was entered while it was not running, by cProfile's count."""
    profile = cProfile.Profile()
    profile.runcall(program)
    code = ORIGINAL["deepcopy"].__code__
    (entry,) = (entry for entry in profile.getstats() if entry.code is code)
    return entry.callcount - entry.reccallcount


def objects(recorded: Tracing) -> int:
    """How many objects all roots copied."""
    return sum(span.attributes[semconv.COPY_OBJECTS] for span in recorded.spans(ROOT))


class Own:
    """Copies its parts with the memo that it is given."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __deepcopy__(self, memo: Dict[int, Any]) -> Own:
        return Own(*(copy.deepcopy(part, memo) for part in self.parts))


class Fresh:
    """Copies its parts without the memo: each copy is a nested root."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __deepcopy__(self, memo: Dict[int, Any]) -> Fresh:
        return Fresh(*(copy.deepcopy(part) for part in self.parts))


class Slow:
    """Takes `ns` nanoseconds to copy."""

    def __init__(self, clock: FakeClock, ns: int) -> None:
        self.clock = clock
        self.ns = ns

    def __deepcopy__(self, memo: Dict[int, Any]) -> Slow:
        self.clock.advance(self.ns)
        return self


def test_caller_line_type_and_size(recorded: Tracing) -> None:
    with recorded(*PROBES):
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        copied = copy.deepcopy({"a": [1, 2], "b": [3]})
    assert copied == {"a": [1, 2], "b": [3]}
    span = recorded.span(ROOT)
    assert span.component == "deepcopy"
    assert (span.file, span.line) == (__file__, line)
    assert span.function == f"{__name__}.test_caller_line_type_and_size"
    assert span.attributes[semconv.COPY_ROOT_TYPE] == "dict"
    assert span.attributes[semconv.COPY_THROUGH] == "builtin"
    assert span.attributes[semconv.COPY_OBJECTS] == 4  # the dict, two lists, and the list of originals


class Asking:
    """Calls from a method, a property, and a method of a nested class."""

    def method(self) -> Any:
        return copy.deepcopy([])

    @property
    def readable(self) -> Any:
        return copy.deepcopy([])

    class Inner:
        @staticmethod
        def static() -> Any:
            return copy.deepcopy([])


def test_callers_have_qualified_names(recorded: Tracing) -> None:
    with recorded(*PROBES):
        Asking().method()
        Asking().readable  # noqa: B018
        Asking.Inner.static()
    names = [span.function for span in recorded.spans(ROOT)]
    assert names == [f"{__name__}.Asking.{name}" for name in ("method", "readable", "Inner.static")]


def test_names_bound_before_and_after_the_start(recorded: Tracing, module: Callable[[str, str], str]) -> None:
    source = (
        "from copy import deepcopy\ndef run(): return deepcopy([1])\ndef default(x, f=deepcopy): return f(x)"
    )
    early = __import__(module("early_binder", source))
    before = early.default.__defaults__
    with recorded(*PROBES):
        late = __import__(module("late_binder", source))
        assert early.deepcopy is late.deepcopy is copy.deepcopy is not ORIGINAL["deepcopy"]
        early.run()
        late.run()
        early.default([1])  # bound as a default before the start, and left alone
        assert early.default.__defaults__ is before
    assert early.deepcopy is late.deepcopy is copy.deepcopy is ORIGINAL["deepcopy"]
    assert [span.function for span in recorded.spans(ROOT)] == ["early_binder.run", "late_binder.run"]


def test_everything_is_put_back(recorded: Tracing) -> None:
    held = (copy.deepcopy, copy.copy, pickle.dumps, pickle.loads, copy.deepcopy.__defaults__)
    with recorded(*PROBES):
        assert copy.deepcopy is not held[0]
        copy.deepcopy([])
    assert (copy.deepcopy, copy.copy, pickle.dumps, pickle.loads, copy.deepcopy.__defaults__) == held


def test_replacement_looks_like_the_original(recorded: Tracing) -> None:
    original = ORIGINAL["deepcopy"]
    by_name = pickle.dumps(original)
    with recorded(*PROBES):
        function = copy.deepcopy
        assert function is copy.deepcopy
        assert inspect.isfunction(function)
        assert inspect.signature(function) == inspect.signature(original)
        for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__"):
            assert getattr(function, name) == getattr(original, name)
        assert function.__defaults__[-1] is original.__defaults__[-1]  # type: ignore[index]
        assert pickle.dumps(function) == by_name
        assert pickle.loads(by_name) is function
        assert copy.deepcopy(function) is function
        with pytest.raises(TypeError, match=r"deepcopy\(\) missing 1 required positional argument: 'x'"):
            function()  # type: ignore[call-arg]
        assert function(x=[1], memo=None) == [1]


def test_calls_with_the_memo_belong_to_their_root(recorded: Tracing) -> None:
    tree = Own(Own([1], [2]), Own({}, Own([3])))
    size = len(_memo_of(tree))
    with recorded(*PROBES):
        copy.deepcopy(tree)
    span = recorded.span(ROOT)
    assert (span.calls, span.attributes[semconv.COPY_OBJECTS]) == (1, size)
    assert span.attributes[semconv.COPY_THROUGH] == "__deepcopy__"
    assert semconv.COPY_NESTED not in span.attributes


def test_roots_in_a_root_are_numbers_of_it(recorded: Tracing) -> None:
    tree = [Fresh([1]), Fresh(Fresh([2, []]))]
    with recorded(*PROBES):
        copy.deepcopy(tree)
    span = recorded.span(ROOT)
    assert span.calls == 1
    assert span.attributes[semconv.COPY_OBJECTS] == len(_memo_of(tree)) == 4
    assert span.attributes[semconv.COPY_NESTED] == 3
    assert span.attributes[semconv.COPY_DEPTH] == 2
    # For each memo one more than the objects: the list of originals.
    assert span.attributes[semconv.COPY_NESTED_OBJECTS] == 2 + 2 + 3
    assert span.children == ()


def test_a_memo_of_the_callers_own_makes_a_root_outside_and_a_nested_one_inside(recorded: Tracing) -> None:
    class Mixed:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            copy.deepcopy([1], {})  # its own: nested
            inner: Dict[int, Any] = {}
            copy.deepcopy([Own(Back(memo))], inner)
            return self

    class Back:
        def __init__(self, outer: Dict[int, Any]) -> None:
            self.outer = outer

        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            copy.deepcopy([1], self.outer)  # the root's memo, two levels up: part of the root
            return self

    with recorded(*PROBES):
        memo: Dict[int, Any] = {}
        copy.deepcopy([1], memo)
        copy.deepcopy([2], memo)
        copy.deepcopy(Mixed())
    first, second, mixed = recorded.spans(ROOT)
    assert [span.attributes[semconv.COPY_OBJECTS] for span in (first, second)] == [2, 1]  # growth
    assert mixed.attributes[semconv.COPY_NESTED] == 2
    assert mixed.attributes[semconv.COPY_DEPTH] == 1


def test_odd_memos_are_passed_on(recorded: Tracing) -> None:
    class Memo:
        def __init__(self) -> None:
            self.kept: Dict[int, Any] = {}

        def get(self, key: int, default: Any) -> Any:
            return self.kept.get(key, default)

        def __setitem__(self, key: int, value: Any) -> None:
            self.kept[key] = value

        def __getitem__(self, key: int) -> Any:
            return self.kept[key]

    memo: Any = Memo()
    with recorded(*PROBES):
        assert copy.deepcopy([1], memo) == [1]
    assert len(memo.kept) == 2
    assert recorded.span(ROOT).attributes[semconv.COPY_OBJECTS] == 0
    assert recorded.faults == []


def test_errors_pass_unchanged(recorded: Tracing) -> None:
    error = RuntimeError("not to be copied")

    class Bad:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            raise error

    def frames() -> List[str]:
        with pytest.raises(RuntimeError) as caught:
            copy.deepcopy([[], Bad()])
        assert caught.value is error
        assert error.__context__ is error.__cause__ is None
        names = [entry.name for entry in traceback.extract_tb(error.__traceback__)]
        error.__traceback__ = None
        return names

    plain = frames()
    with recorded(*PROBES):
        traced = frames()
        copy.deepcopy([1])
    if not can_leave:
        traced.remove("deepcopy")
    assert traced == plain
    failed, good = recorded.spans(ROOT)
    assert failed.status.code == 2
    assert failed.attributes[semconv.COPY_OBJECTS] == 3  # both lists and that of the originals
    assert good.attributes[semconv.COPY_OBJECTS] == 2
    assert semconv.COPY_NESTED not in good.attributes


def test_generators_of_copies_are_charged_where_they_run(recorded: Tracing) -> None:
    def copies() -> Iterator[Any]:
        while True:
            yield copy.deepcopy([1])

    with recorded(*PROBES, compress_us=1e6):
        one, two = copies(), copies()
        for around in ("a", "b"):
            with nutrace.span(around):
                next(one)
                next(two)
    assert recorded.shape() == [("a", [ROOT]), ("b", [ROOT])]
    assert [span.calls for span in recorded.spans(ROOT)] == [2, 2]


def test_threads_have_roots_of_their_own(recorded: Tracing) -> None:
    inside = threading.Event()
    done = threading.Event()

    class Waits:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            inside.set()
            assert done.wait(20)
            return self

    with recorded(*PROBES):
        thread = threading.Thread(target=copy.deepcopy, args=([Waits()],))
        thread.start()
        assert inside.wait(20)
        copy.deepcopy([1])  # the other thread is in a root: this one is not
        done.set()
        thread.join()
    assert recorded.calls(ROOT) == 2
    assert all(semconv.COPY_NESTED not in span.attributes for span in recorded.spans(ROOT))


def test_a_thread_that_begins_with_a_copy_has_no_caller(recorded: Tracing) -> None:
    import _thread

    ended = threading.Event()

    class Tells:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            ended.set()
            return self

    with recorded(*PROBES) as session:
        _thread.start_new_thread(copy.deepcopy, (Tells(),))
        assert ended.wait(20)
        deadline = time.monotonic() + 20
        while session.recorder.totals.recorded < 1 and time.monotonic() < deadline:
            session.recorder.flush()
            time.sleep(0.01)
    assert recorded.span(ROOT).function == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_children_count_their_own(recorded: Tracing) -> None:
    with recorded(*PROBES):
        copy.deepcopy([1])
        pid = os.fork()
        if not pid:
            copy.deepcopy([1])
            copy.deepcopy([2])
            os._exit(0)
        os.waitpid(pid, 0)
    by_process: Dict[int, int] = {}
    for span in recorded.spans(ROOT):
        by_process[span.thread.resource] = by_process.get(span.thread.resource, 0) + span.calls
    assert sorted(by_process.values()) == [1, 2]


def test_many_cheap_ones_are_few_spans(recorded: Tracing) -> None:
    with recorded(*PROBES, compress_us=1e9), nutrace.span("around"):
        for number in range(20_000):
            copy.deepcopy([number])
            copy.deepcopy(number)
    assert recorded.calls(ROOT) == 40_000
    assert objects(recorded) == 40_000
    assert len(recorded.spans(ROOT)) < 200


def test_time_is_charged_to_the_slow_row(recorded: Tracing, clock: FakeClock) -> None:
    with recorded(*PROBES), nutrace.span("around"):
        copy.deepcopy([Slow(clock, 200)])
        copy.deepcopy([Fresh(Slow(clock, 100), Own(Slow(clock, 30)))])
        copy.deepcopy([[]])
        clock.advance(7)
    slow, nested, quick = recorded.spans(ROOT)
    assert slow.total_ns == 200
    assert nested.total_ns == 130  # counted once, although two roots were nested in it
    assert quick.total_ns == 0
    around = recorded.span("around")
    assert (around.total_ns, around.self_ns) == (337, 7)


def test_real_time_is_charged_to_the_slow_row(recorded: Tracing) -> None:
    """The span takes as long as the slow method measures itself, within 5 %; the best of five."""
    spent: List[int] = []

    class Burns:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            began = time.perf_counter_ns()
            while time.perf_counter_ns() - began < 50_000_000:
                pass
            spent.append(time.perf_counter_ns() - began)
            return self

    with recorded(*PROBES):
        for _ in range(5):
            copy.deepcopy([Burns()])
    ratios = [span.total_ns / own for span, own in zip(recorded.spans(ROOT), spent)]
    assert min(ratios) >= 1
    assert min(ratios) < 1.05


def test_probed_functions_in_a_copy_lie_below_it(recorded: Tracing) -> None:
    class Probed:
        def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
            with nutrace.span("inside"):
                return copy.copy(self)

    with recorded(*PROBES, compress_us=1e6), nutrace.span("around"):
        copy.deepcopy([Probed()])
    assert recorded.shape() == [("around", [(ROOT, [("inside", [semconv.COPY_SPAN])])])]


def test_nutrace_keeps_no_class_and_no_object_alive(recorded: Tracing) -> None:
    class Passing:
        pass

    with recorded(*PROBES):
        original = Passing()
        copied = [copy.deepcopy(original)]
        gone = [weakref.ref(original), weakref.ref(copied[0]), weakref.ref(Passing)]
        del original, copied, Passing
        gc.collect()
        assert [reference() for reference in gone] == [None, None, None]


def test_detail_says_what_lies_inside(recorded: Tracing) -> None:
    shared = [1]
    with recorded(*in_mode(PROBES, "detail"), compress_us=1e6), nutrace.span("around"):
        for _ in range(3):
            copy.deepcopy({"a": shared, "b": [shared, Own()]})
    span = recorded.span(ROOT)
    assert span.calls == 3
    types = span.attributes[semconv.COPY_TYPES]
    assert {name: numbers["objects"] for name, numbers in types.items()} == {
        "dict": 3,
        "list": 6,
        f"{__name__}.Own": 3,
    }
    assert types["list"]["bytes"] == pytest.approx(3 * (sys.getsizeof([1]) + sys.getsizeof([1, 2])), abs=200)
    # Each root's memo holds one more entry: the list of originals.
    assert span.attributes[semconv.COPY_OBJECTS] == 12 + 3


def test_detail_leaves_out_what_the_memo_had_and_survives_odd_objects(recorded: Tracing) -> None:
    class Odd(List[int]):
        def __sizeof__(self) -> int:
            raise RuntimeError("no size")

    memo: Dict[int, Any] = {}
    with recorded(*in_mode(PROBES, "detail")):
        copy.deepcopy([{}, {}], memo)
        copy.deepcopy([Odd()], memo)
    types = recorded.spans(ROOT)[1].attributes[semconv.COPY_TYPES]
    assert {name.rpartition(".")[2]: numbers["objects"] for name, numbers in types.items()} == {
        "list": 1,
        "Odd": 1,
    }
    assert recorded.faults == []


def test_off_leaves_everything_alone(recorded: Tracing) -> None:
    assert in_mode(PROBES, "off") == ()
    with recorded(*in_mode(PROBES, "off")):
        assert copy.deepcopy is ORIGINAL["deepcopy"]


# -- random programs --------------------------------------------------------------------------

_Values = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.none(), st.just(())),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.tuples(inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: Own(*parts)),
        st.lists(inner, max_size=2).map(lambda parts: Fresh(*parts)),
        inner.map(lambda part: [part, part]),  # shared
    ),
    max_leaves=20,
)


def _memo_of(value: Any) -> Dict[int, Any]:
    memo: Dict[int, Any] = {}
    ORIGINAL["deepcopy"](value, memo)
    return memo


def _print(value: Any) -> Any:
    """`value` as plain structures that can be compared."""
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [_print(item) for item in value])
    if isinstance(value, dict):
        return ("dict", [(key, _print(item)) for key, item in value.items()])
    if isinstance(value, (Own, Fresh)):
        return (type(value).__name__, [_print(item) for item in value.parts])
    return value


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(program=st.lists(st.tuples(_Values, st.sampled_from(["plain", "memo", "shallow"])), max_size=8))
def test_roots_and_objects_of_random_programs(recorded: Tracing, program: List[Tuple[Any, str]]) -> None:
    def run() -> List[Any]:
        results: List[Any] = []
        for value, how in program:
            if how == "shallow":
                results.append(copy.copy(value))
            elif how == "memo":
                results.append(copy.deepcopy(value, {}))
            else:
                results.append(copy.deepcopy(value))
        return results

    roots = [value for value, how in program if how != "shallow"]
    if roots:
        assert primitive_calls(run) == len(roots)
    expected = sum(len(_memo_of(value)) for value in roots)
    plain = run()
    with recorded(*PROBES, compress_us=1000), nutrace.span("around"):
        traced = run()
    assert _print(traced) == _print(plain)
    assert recorded.calls(ROOT) == len(roots)
    assert objects(recorded) == expected
    shallow: List[SpanView] = recorded.spans(semconv.COPY_SPAN)
    assert sum(span.calls for span in shallow) == len(program) - len(roots)
    around = recorded.span("around")
    assert around.self_ns + sum(span.total_ns for span in around.children) == around.total_ns
    assert recorded.trace.diagnostics.overlapping == 0
