"""Read the stacks that samplers write as text: each line a stack, a space and a number.

The number is how often the stack was seen. austin's is the time since its sample before, in microseconds: a
stack counts as often as its interval, which the file says, goes into that, and at least once.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from nutrace.errors import InputError
from nutrace.printable import LINE, printable
from nutrace.sampling.frame_text import AUSTIN, parse_stack
from nutrace.sampling.stacks import MOST_SAMPLES, Stacks
from nutrace.trace.opening import Input

#: A line that is longer is damaged. (1,000 frames take some 100 kB.)
_LONGEST_LINE = 1 << 24
_LARGEST_COUNT = 10**12
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_METADATA = re.compile(r"#\s*(\w+):\s*(.*)")
_EXAMPLE = "py-spy record --idle --function --full-filenames -f raw"

#: How files begin that are given by mistake, and what to say of them.
_OTHERS = (
    (b"MOJ", "is austin's binary format: convert it with mojo2austin"),
    (b"PERFILE", "is perf's binary format: convert it with perf script and stackcollapse-perf.pl"),
    (b"{", f"is JSON, not collapsed stacks: record them with {_EXAMPLE}"),
    (b"[{", f"is JSON, not collapsed stacks: record them with {_EXAMPLE}"),
    (b"<svg", f"is a drawing, not collapsed stacks: record them with {_EXAMPLE}"),
    (b"<?xml", f"is a drawing, not collapsed stacks: record them with {_EXAMPLE}"),
    (b"<!", f"is a page, not collapsed stacks: record them with {_EXAMPLE}"),
)


@dataclass
class _Read:
    """What a file holds."""

    by_pid: Dict[Optional[int], Stacks] = field(default_factory=dict)
    sampler: str = ""
    version: str = ""
    interval_us: int = 0
    mode: str = ""
    lines: int = 0
    taken: int = 0
    damaged: int = 0
    without_frames: int = 0


def read_stacks(name: str) -> List[Tuple[Stacks, Optional[int]]]:
    """The stacks of a file, each with the id of the process that they are of, or None if it does not say.

    Parameters
    ----------
    name:
        A path, or ``-`` for standard input; the file may be gzipped.

    Raises
    ------
    InputError
        If it cannot be read, or holds no stacks.
    """
    shown = printable(name, LINE)
    read = _Read()
    with Input(name, what="file of collapsed stacks") as file:
        try:
            for line in _lines(_plain(file), shown):
                _add(read, line, shown)
        except (EOFError, OSError, zlib.error):
            raise InputError(f"{shown} is gzip, and damaged: copy it again") from None
    if not read.by_pid:
        if read.without_frames:
            raise InputError(f"{shown} has samples without a single frame: record them again")
        if not read.lines:
            raise InputError(f"{shown} is empty: record stacks with {_EXAMPLE}")
        raise InputError(
            f"{shown} holds no collapsed stacks (outer;inner 12 in each line): record them with {_EXAMPLE}"
        )
    return [(_described(stacks, read, shown), pid) for pid, stacks in read.by_pid.items()]


def _described(stacks: Stacks, read: _Read, shown: str) -> Stacks:
    stacks.sampler = " ".join(part for part in (read.sampler or "collapsed stacks", read.version) if part)
    if read.sampler == AUSTIN and read.interval_us:
        stacks.rate_hz = 1e6 / read.interval_us
    elif read.sampler == AUSTIN:
        stacks.notes.append(f"{shown} does not say austin's interval: each line counts as one sample")
    if not any(file for _, file, _ in stacks.functions):
        stacks.notes.append(
            f"{shown} has no files: functions are told apart by their names alone, "
            "and the time in statements and copies is that of the functions that make them"
        )
    if read.mode == "cpu":
        stacks.notes.append(f"{shown} has samples of CPU time: functions that wait are not in them")
    if read.damaged:
        stacks.notes.append(f"{shown}: {read.damaged:,} of {read.lines:,} lines are damaged, and left out")
    if read.without_frames:
        stacks.notes.append(f"{shown}: {read.without_frames:,} samples have no frames, and are left out")
    return stacks


def _add(read: _Read, line: Optional[bytes], shown: str) -> None:
    if line is not None and not line.strip():
        return
    text = "" if line is None else line.decode("utf-8", "replace").strip("\r\n")
    if text.startswith("#"):
        _metadata(read, text, shown)
        return
    read.lines += 1
    frames, _, number = text.rstrip().rpartition(" ")
    count = _count(number)
    if count is None:
        read.damaged += 1
        return
    stack = parse_stack(frames)
    if stack.sampler and not read.sampler:
        read.sampler = stack.sampler
    if read.sampler == AUSTIN:
        count = max(round(count / read.interval_us), 1) if read.interval_us else 1
    if read.taken + count > MOST_SAMPLES:
        read.damaged += 1
        return
    read.taken += count
    if not stack.functions:
        read.without_frames += count
    elif count:
        stacks = read.by_pid.get(stack.pid)
        if stacks is None:
            stacks = read.by_pid[stack.pid] = Stacks(begin_lines=False)
        stacks.add(stack.functions, count)


def _count(number: str) -> Optional[int]:
    """A line's number; austin's "full" mode has three, of which the first is the time."""
    number = number.partition(",")[0]
    if not (number.isascii() and number.isdecimal() and len(number) <= len(str(_LARGEST_COUNT))):
        return None
    count = int(number)
    return count if count <= _LARGEST_COUNT else None


def _metadata(read: _Read, text: str, shown: str) -> None:
    match = _METADATA.match(text)
    if match is None:
        return
    key, value = match.group(1), match.group(2).strip()
    if key == "austin":
        read.sampler, read.version = AUSTIN, printable(value)
    elif key == "interval" and value.isdecimal():
        read.interval_us = int(value)
    elif key == "mode":
        read.mode = value
        if value == "memory":
            raise InputError(f"{shown} has austin's samples of memory, not of time: record it without -m")


def _plain(file: Input) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked if it is gzipped."""
    first = file.read(_CHUNK)
    if not first.startswith(_GZIP):
        while first:
            yield first
            first = file.read(_CHUNK)
        return
    source = gzip.GzipFile(fileobj=_Rest(first, file))  # type: ignore[call-overload]
    while True:
        piece = source.read(_CHUNK)
        if not piece:
            return
        yield piece


class _Rest:
    """What is left of a file of which the beginning was read, for gzip."""

    def __init__(self, first: bytes, file: Input) -> None:
        self._first = first
        self._file = file

    def read(self, size: int) -> bytes:
        data, self._first = self._first[:size], self._first[size:]
        return data + self._file.read(size - len(data)) if len(data) < size else data


def _lines(pieces: Iterator[bytes], shown: str) -> Iterator[Optional[bytes]]:
    """The lines; None for one that is too long."""
    rest, too_long, begun = b"", False, False
    for piece in pieces:
        if not begun:
            begun = True
            _refuse(piece, shown)
            if piece.startswith(_BYTE_ORDER_MARK):
                piece = piece[len(_BYTE_ORDER_MARK) :]
        *whole, last = (rest + piece).split(b"\n")
        for line in whole:
            yield None if too_long or len(line) > _LONGEST_LINE else line
            too_long = False
        rest = last
        if len(rest) > _LONGEST_LINE:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long else rest


def _refuse(first: bytes, shown: str) -> None:
    """Refuse files of other kinds."""
    begin = first.lstrip(_BYTE_ORDER_MARK + b" \t\r\n")
    for beginning, reason in _OTHERS:
        if begin.startswith(beginning):
            raise InputError(f"{shown} {reason}")
    if b"\0" in first:
        raise InputError(f"{shown} is binary, not collapsed stacks: record them with {_EXAMPLE}")
