"""What a program's messages and tracebacks say is what they say untraced, although probes add frames."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from fakes.tracing import Tracing

import nutrace

_CANNOT_LEAVE = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="before Python 3.11 our frames stay in tracebacks, and logging counts them",
)

_PROBED = """
import asyncio, contextlib, copy, functools, logging, pickle, sys, traceback, warnings
import nutrace

@nutrace.probe
def function():
    MESSAGE

@nutrace.probe
def outer():
    function()

class Thing:
    @nutrace.probe
    def method(self):
        MESSAGE

    @classmethod
    @nutrace.probe
    def of_class(cls):
        MESSAGE

    @property
    @nutrace.probe
    def size(self):
        MESSAGE

    def __deepcopy__(self, memo):
        MESSAGE_DEEP

class Outer:
    def __deepcopy__(self, memo):
        return copy.deepcopy(Thing())

    def __reduce__(self):
        MESSAGE
        return str, ()

@nutrace.probe
@functools.lru_cache(None)
def cached():
    MESSAGE

@nutrace.probe
def numbers():
    yield 1
    MESSAGE
    yield 2

@nutrace.probe
async def waits():
    await asyncio.sleep(0)
    MESSAGE

@nutrace.probe
@contextlib.contextmanager
def block():
    MESSAGE_DEEP
    yield

def enter():
    with block():
        pass

CALLS = [
    lambda: function(),
    lambda: outer(),
    lambda: Thing().method(),
    lambda: Thing.of_class(),
    lambda: Thing().size,
    lambda: list(numbers()),
    lambda: asyncio.run(waits()),
    lambda: enter(),
    lambda: copy.deepcopy(Thing()),
    lambda: copy.deepcopy(Outer()),
    lambda: copy.copy(Outer()),
    lambda: pickle.dumps(Outer()),
    lambda: cached(),
]
"""

_WARNS = """
warnings.simplefilter("always")
warnings.showwarning = lambda message, category, filename, line, *_: print(message, filename, line)
for call in CALLS:
    call()
"""

_LOGS = """
logging.basicConfig(format="%(message)s %(filename)s:%(lineno)d %(funcName)s", stream=sys.stdout)
for call in CALLS:
    call()
"""

_RAISES = """
for call in CALLS:
    try:
        call()
    except ArithmeticError as error:
        for frame in traceback.extract_tb(error.__traceback__):
            print(frame.filename, frame.lineno, frame.name)
        print(repr(error), repr(error.__cause__), repr(error.__context__))
"""


def _lines(folder: Path, program: str, message: str, deep: str, traced: bool) -> List[str]:
    file = folder / "program.py"
    text = _PROBED.replace("MESSAGE_DEEP", deep).replace("MESSAGE", message) + program
    file.write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    if traced:
        environment["NUTRACE"] = "1"
    ran = subprocess.run(
        [sys.executable, file.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (folder / "run.json").exists() is traced
    lines = ran.stdout.splitlines()
    assert len(lines) >= 13, ran.stderr
    return lines


def _same(folder: Path, program: str, message: str, deep: str = "") -> None:
    plain = _lines(folder, program, message, deep or message, traced=False)
    assert _lines(folder, program, message, deep or message, traced=True) == plain


@pytest.mark.parametrize("level", [1, 2, 3])
def test_warnings_name_the_same_line(tmp_path: Path, level: int) -> None:
    message = "warnings.warn('odd', UserWarning, stacklevel={})"
    _same(tmp_path, _WARNS, message.format(level), message.format(level + 1))


@_CANNOT_LEAVE
@pytest.mark.parametrize("level", [1, 2, 3])
def test_logs_name_the_same_line(tmp_path: Path, level: int) -> None:
    message = "logging.warning('odd', stacklevel={})"
    _same(tmp_path, _LOGS, message.format(level), message.format(level + 1))


@_CANNOT_LEAVE
def test_tracebacks_have_the_same_frames(tmp_path: Path) -> None:
    _same(tmp_path, _RAISES, "1 / 0")


@_CANNOT_LEAVE
def test_tracebacks_of_chained_errors_have_the_same_frames(tmp_path: Path) -> None:
    message = "exec('try: {}[0]\\nexcept KeyError as e: raise ArithmeticError(1) from e')"
    _same(tmp_path, _RAISES, message)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="no frame of ours is in the traceback")
def test_our_frames_show_their_source(recorded: Tracing) -> None:
    """They are under a file name of their own, which no file has."""

    @nutrace.probe
    def failing() -> None:
        raise ArithmeticError

    with recorded():
        try:
            failing()
        except ArithmeticError:
            text = traceback.format_exc()
    assert "    result = wrapped(*args, **kwargs)\n" in text


@dataclass(frozen=True, eq=False)
class Frozen(Exception):
    """Its attributes cannot be set, not even by name of those of all exceptions."""


class Hidden(Exception):
    __traceback__ = None  # type: ignore[assignment]


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __deepcopy__(self, memo: Any) -> Any:
        raise self.error

    @nutrace.probe
    def call(self) -> None:
        raise self.error

    @nutrace.probe
    def generate(self) -> Iterator[int]:
        yield 1
        raise self.error

    @nutrace.probe
    @contextmanager
    def enter(self) -> Iterator[None]:
        raise self.error
        yield


_WAYS: List[Callable[[Failing], Any]] = [
    copy.deepcopy,
    Failing.call,
    lambda failing: list(failing.generate()),
    lambda failing: failing.enter().__enter__(),
]


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("kind", [Frozen, Hidden])
def test_errors_that_refuse_attributes_are_raised_as_they_are(
    recorded: Tracing, way: Callable[[Failing], Any], kind: Callable[[], Exception]
) -> None:
    error = kind()
    with recorded(), pytest.raises(type(error)) as caught:
        way(Failing(error))
    assert caught.value is error
