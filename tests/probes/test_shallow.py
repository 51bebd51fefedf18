"""``copy.copy``, ``pickle.dumps`` and ``pickle.loads``: counted by caller, with unchanged behaviour."""

from __future__ import annotations

import copy
import copyreg
import inspect
import pickle
from typing import Any, Callable, Dict, List

import cloudpickle
import pytest
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nutrace import semconv
from nutrace.probes.catalogue.copies import PROBES

SHALLOW, DUMPS, LOADS = semconv.COPY_SPAN, semconv.PICKLE_SPAN, semconv.UNPICKLE_SPAN
ORIGINAL: Dict[str, Callable[..., Any]] = {
    "copy": copy.copy,
    "dumps": pickle.dumps,
    "loads": pickle.loads,
}


class Plain:
    """Copied through ``__reduce_ex__``."""


class Special:
    """Copied through ``__copy__``."""

    def __copy__(self) -> Special:
        return copy.copy(Special.Inner(self)).whole

    class Inner:
        def __init__(self, whole: Any) -> None:
            self.whole = whole


class Registered:
    """Copied as ``copyreg`` says."""


def _reduce(value: Registered) -> Any:
    return Registered, ()


def test_shallow_copies_by_caller_type_and_way(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, Registered, _reduce)
    with recorded(*PROBES):
        for value in ([1], Plain(), Registered(), 5):
            copy.copy(value)
        special = Special()
        assert copy.copy(special) is special
    spans = recorded.spans(SHALLOW)
    found = [
        (span.attributes[semconv.COPY_ROOT_TYPE].rpartition(".")[2], span.attributes[semconv.COPY_THROUGH])
        for span in spans
    ]
    assert found == [
        ("list", "builtin"),
        ("Plain", "__reduce_ex__"),
        ("Registered", "copyreg"),
        ("int", "builtin"),
        ("Special", "__copy__"),
        ("Inner", "__reduce_ex__"),
    ]
    assert spans[-1].parent == spans[-2]
    assert spans[-1].function == f"{__name__}.Special.__copy__"
    assert {span.component for span in spans} == {"deepcopy"}


def test_pickles_by_caller_and_type(recorded: Tracing) -> None:
    with recorded(*PROBES):
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        data = pickle.dumps({"a": 1})
        assert pickle.loads(data) == {"a": 1}
    dumped, loaded = recorded.span(DUMPS), recorded.span(LOADS)
    assert (dumped.file, dumped.line, loaded.line) == (__file__, line, line + 1)
    assert dumped.function == loaded.function == f"{__name__}.test_pickles_by_caller_and_type"
    assert dumped.attributes[semconv.COPY_ROOT_TYPE] == loaded.attributes[semconv.COPY_ROOT_TYPE] == "dict"


def test_pickle_takes_what_it_took(recorded: Tracing) -> None:
    data = bytearray(b"12345")
    with recorded(*PROBES):
        buffers: List[Any] = []
        out = pickle.dumps(
            obj=pickle.PickleBuffer(data), protocol=5, fix_imports=False, buffer_callback=buffers.append
        )
        assert bytes(pickle.loads(out, buffers=buffers)) == b"12345"
        assert pickle.dumps([1], 0) == ORIGINAL["dumps"]([1], 0)
        assert pickle.dumps([1], protocol=2) == ORIGINAL["dumps"]([1], protocol=2)
        assert pickle.loads(ORIGINAL["dumps"]([1]), encoding="latin1") == [1]
        with pytest.raises(TypeError, match="missing required argument 'obj'"):
            pickle.dumps()  # type: ignore[call-arg]
        with pytest.raises(pickle.UnpicklingError, match="pickle data was truncated"):
            pickle.loads(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00")
        with pytest.raises(Exception, match="lambda"):
            pickle.dumps(lambda: None)
    assert recorded.spans(LOADS)[-1].status.code == 2


def test_replacements_look_like_the_originals(recorded: Tracing) -> None:
    by_name = {name: ORIGINAL["dumps"](function) for name, function in ORIGINAL.items()}
    with recorded(*PROBES):
        for name, function in (("copy", copy.copy), ("dumps", pickle.dumps), ("loads", pickle.loads)):
            original = ORIGINAL[name]
            assert function is not original
            assert function.__name__ == original.__name__
            assert function.__doc__ == original.__doc__
            assert function.__module__ == original.__module__
            assert inspect.signature(function) == inspect.signature(original)
            assert inspect.isbuiltin(function) == inspect.isbuiltin(original)
            assert pickle.dumps(function) == by_name[name]
            assert pickle.loads(by_name[name]) is function
            assert pickle.loads(cloudpickle.dumps(function)) is function

        class Serializer:
            dump = pickle.dumps  # a built-in function does not bind, and neither does its replacement

        assert Serializer().dump([1]) == ORIGINAL["dumps"]([1])


def test_picklers_of_their_own_are_left_alone(recorded: Tracing) -> None:
    with recorded(*PROBES):
        data = cloudpickle.dumps([1])
        copy.copy(5)
    assert cloudpickle.loads(data) == [1]
    assert recorded.spans(DUMPS) == []


def test_loops_are_few_spans(recorded: Tracing) -> None:
    data = pickle.dumps([1])
    with recorded(*PROBES, compress_us=1e9):
        for _ in range(500):
            copy.copy([1])
            copy.copy(Plain())
            pickle.loads(data)
    assert (recorded.calls(SHALLOW), recorded.calls(LOADS)) == (1000, 500)
    assert len(recorded.trace) < 50


def test_errors_pass_unchanged(recorded: Tracing) -> None:
    error = KeyError("no")

    class Bad:
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise error

    with recorded(*PROBES):
        for call in (copy.copy, pickle.dumps):
            with pytest.raises(KeyError) as caught:
                call(Bad())
            assert caught.value is error
    assert [span.status.code for span in recorded.trace] == [2, 2]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    program=st.lists(
        st.tuples(
            st.sampled_from(["copy", "deepcopy", "dumps", "round"]),
            st.one_of(st.integers(), st.lists(st.integers(), max_size=3), st.just(None)),
        ),
        max_size=12,
    )
)
def test_counts_of_random_programs(recorded: Tracing, program: List[Any]) -> None:
    results = []
    with recorded(*PROBES, compress_us=1000):
        for how, value in program:
            if how == "round":
                results.append(pickle.loads(pickle.dumps(value)))
            elif how == "dumps":
                results.append(ORIGINAL["loads"](pickle.dumps(value)))
            else:
                results.append(getattr(copy, how)(value))
    assert results == [value for _, value in program]
    count = [how for how, _ in program].count
    for name, expected in (
        (SHALLOW, count("copy")),
        (semconv.DEEPCOPY_SPAN, count("deepcopy")),
        (DUMPS, count("dumps") + count("round")),
        (LOADS, count("round")),
    ):
        assert recorded.calls(name) == expected
