"""Tracebacks: noted where an exception passes, and made a text where spans are written.

To format one takes 20 to 50 us, and several times that if the source has to be read first. In the thread of
the program that would be somebody's self time. What is noted instead are code objects and numbers, which
keep neither frames nor variables alive.
"""

from __future__ import annotations

import itertools
import linecache
import sys
import traceback
from types import CodeType, TracebackType
from typing import Any, Dict, List, Optional, Tuple

from nutrace.recording.process_state import process_state

_MOST_FRAMES = 20  # of a traceback, the innermost

_Position = Tuple[Optional[int], Optional[int], Optional[int], Optional[int]]


class NotedTraceback:
    """The innermost frames of a traceback, to be formatted later.

    Parameters
    ----------
    trace:
        Of the exception.
    with_source:
        Whether lines of source are shown; they may have a statement with its values.
    """

    __slots__ = ("frames", "with_source")

    def __init__(self, trace: Optional[TracebackType], with_source: bool) -> None:
        innermost: List[TracebackType] = []
        while trace is not None:
            innermost.append(trace)
            trace = trace.tb_next
        innermost = innermost[-_MOST_FRAMES:]
        if with_source:
            for entry in innermost:
                frame = entry.tb_frame
                # A module in an archive has its source from its loader, which only the frame tells.
                if frame.f_code.co_filename not in linecache.cache:
                    linecache.lazycache(frame.f_code.co_filename, frame.f_globals)
        #: Code, index of the instruction in it, line.
        self.frames: Tuple[Tuple[CodeType, int, int], ...] = tuple(
            (entry.tb_frame.f_code, entry.tb_lasti, entry.tb_lineno) for entry in innermost
        )
        self.with_source = with_source

    def text(self) -> str:
        """What ``traceback.format_tb`` would have given; without source, the places only."""
        if self.with_source:
            try:
                return self._with_source()
            except Exception:  # files and loaders of the program's may fail in any way
                process_state.fault("formatting a traceback")
        return "".join(
            f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, _, line in self.frames
        )

    def _with_source(self) -> str:
        for name in dict.fromkeys(code.co_filename for code, _, _ in self.frames):
            linecache.checkcache(name)
        summaries = [_summary(code, index, line) for code, index, line in self.frames]
        return "".join(traceback.StackSummary.from_list(summaries).format())


class Texts:
    """The texts of the tracebacks of one batch: equal ones, as of an error in a loop, are formatted once."""

    def __init__(self) -> None:
        self._known: Dict[Any, Tuple[NotedTraceback, str]] = {}

    def of(self, noted: NotedTraceback) -> str:
        """The text of a traceback."""
        # By id(), as comparing code objects takes longer than formatting; they live as long as `_known`.
        key = (noted.with_source, *((id(code), index) for code, index, _ in noted.frames))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = noted, noted.text()
        return known[1]

    def forget(self) -> None:
        """Keep no code of the program's alive, and look again whether its source has changed."""
        self._known.clear()


def _summary(code: CodeType, index: int, line: int) -> traceback.FrameSummary:
    if sys.version_info < (3, 11):
        return traceback.FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)
    first, last, column, last_column = _position(code, index)
    # Python 3.13.1 and later find the source of code that was typed in by the code object itself.
    more: Dict[str, Any] = {"_code": code} if hasattr(traceback.FrameSummary, "_code") else {}
    return traceback.FrameSummary(
        code.co_filename,
        line if first is None else first,
        code.co_name,
        lookup_line=False,
        end_lineno=last,
        colno=column,
        end_colno=last_column,
        **more,
    )


def _position(code: Any, index: int) -> _Position:
    """First and last line and column of an instruction, which has two bytes."""
    nowhere: _Position = (None, None, None, None)
    if index < 0:
        return nowhere
    return next(itertools.islice(code.co_positions(), index // 2, None), nowhere)
