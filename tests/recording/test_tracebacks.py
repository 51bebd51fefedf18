"""Tracebacks are noted in the program's threads and formatted by the writer, to the text of before."""

from __future__ import annotations

import contextlib
import gc
import linecache
import sys
import traceback
import weakref
import zipfile
from pathlib import Path
from typing import Any, Callable, List

import pytest
from fakes.tracing import Tracing

import nutrace
from nutrace.recording import tracebacks
from nutrace.recording.tracebacks import NotedTraceback, Texts


def error_of(function: Callable[[], Any]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("it did not raise")


def nested() -> None:
    def inner(value: int) -> int:
        return value // (
            0
            + 0
        )  # fmt: skip

    inner(1)


def recursive(depth: int = 50) -> None:
    if depth:
        recursive(depth - 1)
    raise ValueError


def mutual(depth: int = 30) -> int:
    return [lambda: mutual(depth - 1), lambda: 1 // depth][depth == 0]()


def evaluated() -> None:
    exec(compile("def f():\n    return [][1]\nf()", "<made>", "exec"), {})


def typed_in() -> None:
    source = "def f():\n    return {}['typed in']\nf()\n"
    linecache.cache["<input-7>"] = (len(source), None, source.splitlines(True), "<input-7>")
    exec(compile(source, "<input-7>", "exec"), {})


def without_a_file() -> None:
    exec(compile("x = 1\nraise KeyError(x)", "/nowhere/at/all.py", "exec"), {})


def in_library() -> None:
    import json

    json.loads("{")


@pytest.mark.parametrize(
    "function", [nested, recursive, mutual, evaluated, typed_in, without_a_file, in_library]
)
def test_the_text_is_that_of_format_tb(function: Callable[[], Any]) -> None:
    trace = error_of(function).__traceback__
    assert NotedTraceback(trace, True).text() == "".join(traceback.format_tb(trace, limit=-20))


def test_the_source_of_a_module_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_away.py", "def fails():\n    raise ValueError('zipped')\n")
    monkeypatch.syspath_prepend(str(archive))
    import zipped_away  # type: ignore[import-not-found]

    trace = error_of(zipped_away.fails).__traceback__
    linecache.clearcache()
    text = NotedTraceback(trace, True).text()
    assert "raise ValueError('zipped')" in text
    assert text == "".join(traceback.format_tb(trace, limit=-20))
    del sys.modules["zipped_away"]


def test_without_source_only_places() -> None:
    error = error_of(nested)
    frames = traceback.extract_tb(error.__traceback__)
    assert NotedTraceback(error.__traceback__, False).text() == "".join(
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n' for frame in frames
    )


def test_a_source_that_cannot_be_had_costs_the_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise RuntimeError(name)

    noted = NotedTraceback(error_of(nested).__traceback__, True)
    monkeypatch.setattr(linecache, "checkcache", fails)
    assert noted.text().count("\n") == len(noted.frames)


def test_nothing_is_formatted_where_the_program_runs(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: List[str] = []
    original = NotedTraceback.text

    def text(noted: NotedTraceback) -> str:
        formatted.append(original(noted))
        return formatted[-1]

    monkeypatch.setattr(tracebacks.NotedTraceback, "text", text)

    @nutrace.probe(name="fails")
    def fails() -> None:
        raise ValueError("x")

    @nutrace.probe(name="passes")
    def passes() -> None:
        fails()

    with recorded(flush_seconds=3600) as session:
        for _ in range(10):
            with contextlib.suppress(ValueError):
                passes()
        assert not formatted
        session.recorder.flush()
        assert len(formatted) == 1  # ten errors of one place, each of which has passed through two spans
    stacks = {span.events[0].attributes["exception.stacktrace"] for span in recorded.spans("fails")}
    assert stacks == set(formatted)
    assert 'raise ValueError("x")' in formatted[0]


def test_what_waits_keeps_no_object_of_the_program_alive(recorded: Tracing) -> None:
    class Large:
        pass

    alive: List[Any] = []

    @nutrace.probe(name="fails")
    def fails(argument: Large) -> None:
        local = Large()
        alive.extend((weakref.ref(local), weakref.ref(argument)))
        raise ValueError("x")

    with recorded(flush_seconds=3600):
        with contextlib.suppress(ValueError):
            fails(Large())
        assert [reference() for reference in alive] == [None, None]
    assert "exception.stacktrace" in recorded.span("fails").events[0].attributes


def test_texts_forgets_code_between_batches() -> None:
    def made() -> Any:
        names: Any = {}
        exec("def f(): raise ValueError", names)
        return names["f"]

    function = made()
    code = weakref.ref(function.__code__)
    texts = Texts()
    noted = NotedTraceback(error_of(function).__traceback__, True)
    assert texts.of(noted) == texts.of(noted)
    del function, noted
    assert code() is not None
    texts.forget()
    gc.collect()
    assert code() is None
