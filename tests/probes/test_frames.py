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


_STUBBORN = """
import dataclasses

@dataclasses.dataclass(frozen=True)
class Frozen(ArithmeticError):
    number: int

class Unchanging(ArithmeticError):
    def __setattr__(self, name, value):
        raise AttributeError(name)

class Hiding(ArithmeticError):
    @property
    def __traceback__(self):
        return None
"""


@_CANNOT_LEAVE
@pytest.mark.parametrize("raised", ["Frozen(1)", "Unchanging()", "Hiding()"])
def test_errors_that_let_nobody_change_them_stay_what_they_are(tmp_path: Path, raised: str) -> None:
    raises = _RAISES.replace("error.__traceback__", "sys.exc_info()[2]")
    _same(tmp_path, _STUBBORN + raises, f"raise {raised}")


_THROWS = """
@nutrace.probe
async def waits_long():
    await asyncio.sleep(60)

@nutrace.probe
async def waits_within():
    await waits_long()

@nutrace.probe
def goes_on():
    for number in range(9):
        try:
            yield number
        finally:
            print("once more")

async def cancelled():
    task = asyncio.ensure_future(waits_within())
    await asyncio.sleep(0.01)
    task.cancel()
    await task

async def too_late():
    await asyncio.wait_for(waits_within(), 0.01)

def thrown():
    generator = goes_on()
    next(generator)
    generator.throw(ValueError("thrown"))

def thrown_again():
    try:
        thrown()
    except ValueError as error:
        generator = goes_on()
        next(generator)
        generator.throw(error)

for call in (lambda: asyncio.run(cancelled()), lambda: asyncio.run(too_late()), thrown, thrown_again):
    try:
        call()
    except (Exception, asyncio.CancelledError) as error:
        print(traceback.format_exc())
"""


@_CANNOT_LEAVE
def test_tracebacks_of_errors_thrown_into_generators_have_the_same_frames(tmp_path: Path) -> None:
    _same(tmp_path, _THROWS, "pass")


_COPIED = """
import os, pickle

def fails(*_):
    raise ArithmeticError("of the program")

class Uncopied:
    __copy__ = __deepcopy__ = __reduce__ = __setstate__ = fails

class Unloaded:
    __setstate__ = fails
    def __getstate__(self):
        return {"a": 1}

pickled = pickle.dumps(Unloaded())
CALLS = [
    lambda: copy.copy(Uncopied()),
    lambda: copy.deepcopy(Uncopied()),
    lambda: copy.deepcopy([{1: [Uncopied()]}]),
    lambda: pickle.dumps(Uncopied()),
    lambda: pickle.loads(pickled),
    lambda: pickle.loads(b"nothing"),
    lambda: os.fork(1),
    lambda: os.execv("/nowhere/at/all", ["all"]),
]
"""

_QUERIED = """
import sqlite3

def fails(*_):
    raise ArithmeticError("of the program")

def sets():
    yield (1,)
    fails()

class Uninitialised(sqlite3.Connection):
    def __init__(self):
        pass

connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE t (a)")
connection.execute("INSERT INTO t VALUES (1)")
closed = sqlite3.connect(":memory:")
closed.close()
rows = sqlite3.connect(":memory:")
rows.row_factory = fails
CALLS = [
    lambda: connection.execute("SELEC"),
    lambda: connection.cursor().execute("SELEC"),
    lambda: connection.execute(b"SELECT 1"),
    lambda: connection.execute("SELECT ?"),
    lambda: connection.executemany("INSERT INTO t VALUES (?)", sets()),
    lambda: connection.cursor().executemany("INSERT INTO t VALUES (?)", sets()),
    lambda: connection.executescript("SELEC"),
    lambda: connection.cursor().executescript("SELEC"),
    lambda: rows.execute("SELECT 1").fetchone(),
    lambda: rows.execute("SELECT 1").fetchmany(2),
    lambda: rows.execute("SELECT 1").fetchall(),
    lambda: next(rows.execute("SELECT 1")),
    lambda: list(rows.execute("SELECT 1")),
    lambda: next(connection.cursor().execute("SELECT 1 WHERE 0")),
    lambda: connection.cursor(1),
    lambda: connection.cursor(lambda _: 1),
    lambda: connection.__exit__(1),
    lambda: closed.cursor(),
    lambda: closed.execute("SELECT 1"),
    lambda: closed.commit(),
    lambda: closed.rollback(),
    lambda: Uninitialised().execute("SELECT 1"),
    lambda: sqlite3.connect(),
    lambda: sqlite3.connect(1.5),
    lambda: sqlite3.connect("/nowhere/at/all"),
    lambda: sqlite3.Connection("/nowhere/at/all"),
]
"""

_SHOWN = """
for call in CALLS:
    try:
        call()
    except Exception as error:
        for frame in traceback.extract_tb(error.__traceback__):
            if not frame.filename.endswith("(LEFT OUT)"):
                print(frame.filename, frame.lineno, frame.name)
        print(repr(error), repr(error.__cause__), repr(error.__context__))
"""


@_CANNOT_LEAVE
def test_tracebacks_of_copies_and_forks_have_the_same_frames(tmp_path: Path) -> None:
    _same(tmp_path, _COPIED + _SHOWN, "pass")


def test_tracebacks_of_queries_have_the_same_frames_besides_ours(tmp_path: Path) -> None:
    shown = _SHOWN.replace("(LEFT OUT)", "(skipped like importlib._bootstrap)")
    _same(tmp_path, _QUERIED + shown, "pass")
