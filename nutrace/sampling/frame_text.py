"""The frames of collapsed stacks, as the samplers of Python programs write them.

========================  =======================================================
py-spy, old austin        ``function (file.py:12)``, ``function (file.py);L12``
austin, Python's sampler  ``file.py:function:12``
perf's trampolines        ``py::function:file.py``
anything else             ``function``
========================  =======================================================

A native frame of perf, or of py-spy's ``--native``, has no file or one that is not Python's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Optional, Tuple

from nutrace.sampling.stacks import Function

# A file's path may have brackets, and so may the name of a C++ function.
_IN_BRACKETS = re.compile(r"(.+) \(((?:[^()]|\([^()]*\))*?)(?::(\d{1,9}))?\)\Z")
_WITH_COLONS = re.compile(r"(.+):([^:]*):(\d{1,9})\Z")
_FILE_FIRST = re.compile(r"(.+\.pyw?):([^:]+)\Z")
_PERF = re.compile(r"py::(.*?):(.*)\Z")
_OLD_AUSTIN_LINE = re.compile(r"L\d+\Z")
#: What stackcollapse-perf.pl adds: kernel, inlined, jitted, waker.
_ANNOTATION = re.compile(r"_\[[kijw]\]\Z")
_PROCESS = re.compile(r"process (\d{1,10}):\"")
_THREAD = re.compile(r"thread \((?:0x)?[0-9A-Fa-f]+\)")
_AUSTIN = re.compile(r"P(\d{1,10})\Z")
_AUSTIN_THREAD = re.compile(r"T(?:\d+:)?(?:0x)?[0-9A-Fa-f]+\Z")
_PYTHON_THREAD = re.compile(r"tid:\d+\Z")
#: austin's word for a frame that it could not read, and for a garbage collection.
_INVALID, _COLLECTING = ":INVALID:", ":GC:"

PY_SPY, AUSTIN, PYTHON, PERF = "py-spy", "austin", "Python's sampler", "perf"


class Stack(NamedTuple):
    """A stack, outermost first, the process that it says it is of, and the sampler that writes so."""

    functions: List[Function]
    pid: Optional[int]
    sampler: str


def parse_stack(text: str) -> Stack:
    """Read the part of a line before its number."""
    pid, sampler, frames = _head(text)
    functions = []
    for frame in frames:
        if not frame or frame == _INVALID or _OLD_AUSTIN_LINE.match(frame):
            continue
        function, written_by = _function(frame)
        sampler = sampler or written_by
        functions.append(function)
    return Stack(functions, pid, sampler)


def _head(text: str) -> Tuple[Optional[int], str, Iterator[str]]:
    """What stands before the frames: processes and threads."""
    frames = text.split(";")
    first = frames[0]
    austin = _AUSTIN.match(first)
    if austin and len(frames) > 1 and _AUSTIN_THREAD.match(frames[1]):
        return int(austin.group(1)), AUSTIN, iter(frames[2:])
    if _PYTHON_THREAD.match(first):
        return None, PYTHON, iter(frames[1:])
    pid, sampler, begin = None, "", 0
    while begin < len(frames):
        # The outermost is the parent, the innermost the process itself. A command may contain semicolons.
        process = _PROCESS.match(frames[begin])
        if process is None:
            break
        pid, sampler = int(process.group(1)), PY_SPY
        while begin < len(frames) and not frames[begin].endswith('"'):
            begin += 1
        begin += 1
    if begin < len(frames) and _THREAD.match(frames[begin]):
        sampler = PY_SPY
        begin += 1
    return pid, sampler, iter(frames[begin:])


@lru_cache(maxsize=1 << 16)  # the same frames stand on most stacks
def _function(frame: str) -> Tuple[Function, str]:
    """A frame's function, and the sampler that writes frames so."""
    if frame == _COLLECTING:
        return ("<GC>", "", 0), AUSTIN
    match = _PERF.match(frame)
    if match:
        return (match.group(1), match.group(2), 0), PERF
    match = _IN_BRACKETS.match(frame)
    if match:
        return (match.group(1), match.group(2), int(match.group(3) or 0)), PY_SPY
    match = _WITH_COLONS.match(frame)
    if match:
        return (match.group(2), match.group(1), int(match.group(3))), ""
    match = _FILE_FIRST.match(frame)
    if match:
        return (match.group(2), match.group(1), 0), ""
    return (_ANNOTATION.sub("", frame), "", 0), ""
