"""What a program's messages and tracebacks say is what they say untraced, although probes add frames."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import List

import pytest
from fakes.tracing import Tracing

import nutrace

_CANNOT_LEAVE = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="before Python 3.11 our frames stay in tracebacks, and logging counts them",
)

_PROBED = """
import asyncio, contextlib, copy, logging, sys, traceback, warnings
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
    assert len(lines) >= 9, ran.stderr
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


_REPLACED = """
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
for call in (
    lambda: copy.copy(Uncopied()),
    lambda: copy.deepcopy(Uncopied()),
    lambda: copy.deepcopy([{1: [Uncopied()]}]),
    lambda: pickle.dumps(Uncopied()),
    lambda: pickle.loads(pickled),
    lambda: pickle.loads(b"nothing"),
    lambda: os.fork(1),
    lambda: os.execv("/nowhere/at/all", ["all"]),
):
    try:
        call()
    except Exception as error:
        print(traceback.format_exc())
        print(repr(error.__cause__), repr(error.__context__))
"""


@_CANNOT_LEAVE
def test_tracebacks_of_replaced_functions_have_the_same_frames(tmp_path: Path) -> None:
    _same(tmp_path, _REPLACED, "pass")


_CONTEXTS = """
import sqlite3

class Uninitialised(sqlite3.Connection):
    def __init__(self):
        pass

def fetched():
    rows = sqlite3.connect(":memory:").cursor()
    rows.row_factory = 1
    return next(rows)

for call in (
    lambda: sqlite3.Connection(),
    lambda: sqlite3.connect(1.5),
    lambda: sqlite3.connect("/nowhere/at/all"),
    lambda: Uninitialised().execute("SELECT 1"),
    fetched,
) * 2:
    try:
        call()
    except Exception as error:
        print(repr(error), repr(error.__cause__), repr(error.__context__))
"""


def test_errors_of_sqlite3_have_no_context_of_ours(tmp_path: Path) -> None:
    _same(tmp_path, _CONTEXTS, "pass")
