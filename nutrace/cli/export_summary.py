"""What became of the runs that ``nutrace export`` converts, while it goes on and at its end."""

from __future__ import annotations

import glob
import os
import sys
import time
from typing import Any, Dict, List, Sequence, Tuple

from nutrace.cli.export_jobs import size_of
from nutrace.cli.export_one import Conversion, Outcome
from nutrace.errors import OutputError
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

_LISTED = 5  # runs that were there already
_FAILED = 1


class Summary:
    """The runs that are converted, failed, left and left out.

    Parameters
    ----------
    folder, format:
        As the user gave them.
    jobs:
        How many runs are converted at a time.
    todo, there:
        What is to be converted, and what is not, as it is in the folder already.
    resume:
        Whether the user wants the latter to be left alone; else it counts as failed.
    """

    def __init__(
        self,
        folder: str,
        format: str,
        jobs: int,
        todo: Sequence[Conversion],
        there: Sequence[Conversion],
        *,
        resume: bool,
    ) -> None:
        self.done: List[Tuple[Conversion, Outcome, float]] = []
        self.failed: List[Tuple[Conversion, Outcome]] = []
        self._folder = folder
        self._format = format
        self._jobs = jobs
        self._there = there
        self._resume = resume
        self._place = {one: place for place, one in enumerate(todo)}
        self._left = {one: size_of(one.file) for one in todo}
        self._whole = sum(self._left.values())
        self._count = len(todo)
        self._began = time.monotonic()

    def ended(self, one: Conversion, outcome: Outcome, seconds: float) -> bool:
        """Note that a conversion has ended; returns whether it makes sense to begin more."""
        del self._left[one]
        if not outcome.error:
            self.done.append((one, outcome, seconds))
            if outcome.cut_short:
                _print(f"{printable(one.file, LINE)}: {outcome.cut_short}")
            return True
        self.failed.append((one, outcome))
        _print_error(one, outcome.error)
        return outcome.exit_code != OutputError.exit_code  # where one cannot be written, none can

    def doing(self, working: int) -> str:
        """What is done of what, and what is left, for a terminal."""
        ended = self._count - len(self._left)
        text = f"{ended:,} of {counted(self._count, 'run')} done, {working} at work"
        converted = self._whole - sum(self._left.values())
        if not ended or not converted:
            return text
        seconds = (time.monotonic() - self._began) * (self._whole - converted) / converted
        return f"{text}, about {duration(seconds)} left"

    @property
    def code(self) -> int:
        """The exit code."""
        refused = self._there and not self._resume
        return _FAILED if self.failed or self._left or refused else 0

    def say(self, *, interrupted: bool) -> None:
        """Print what was not converted, a line each, on stderr; what failed has its lines already."""
        if self._there and not self._resume:
            for one in self._there[:_LISTED]:
                what = f"{self._folder} has a run called {one.run} already"
                _print_error(one, f"{what}: --force replaces it, --resume leaves it")
            more = len(self._there) - _LISTED
            if more > 0:
                _print(f"and {more:,} more runs that are there already: --resume leaves them alone")
        if interrupted:
            _print(
                f"interrupted: {len(self._left):,} of {counted(self._count, 'run')} left; --resume goes on"
            )
        elif self._left:
            _print(f"{counted(len(self._left), 'run')} not tried: {self._folder} cannot be written")

    def line(self) -> str:
        """What was written."""
        size = sum(_bytes(one) for one, _, _ in self.done) / 1e6
        spans = counted(sum(outcome.spans for _, outcome, _ in self.done), "span")
        steps = counted(sum(outcome.steps for _, outcome, _ in self.done), "step")
        text = f"{counted(len(self.done), 'run')}, {spans}, {steps}"
        if self._there and self._resume:
            text += f"; {len(self._there):,} were there already"
        return f"{printable(self._folder, LINE)}: {self._format}, {size:.1f} MB, {text}"

    def as_json(self) -> Dict[str, Any]:
        """All of it as a JSON document."""
        return {
            "folder": self._folder,
            "format": self._format,
            "jobs": self._jobs,
            "seconds": time.monotonic() - self._began,
            "runs": [
                {
                    "run": one.run,
                    "file": one.file,
                    "spans": outcome.spans,
                    "steps": outcome.steps,
                    "cut_short": outcome.cut_short,
                    "bytes": _bytes(one),
                    "seconds": seconds,
                }
                for one, outcome, seconds in sorted(self.done, key=lambda row: self._place[row[0]])
            ],
            "failed": [
                {"run": one.run, "file": one.file, "error": outcome.error, "exit_code": outcome.exit_code}
                for one, outcome in self.failed
            ],
            "there_already": [{"run": one.run, "file": one.file} for one in self._there],
            "not_tried": [{"run": one.run, "file": one.file} for one in self._left],
        }


def duration(seconds: float) -> str:
    """A time to wait, in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _bytes(one: Conversion) -> int:
    """The bytes of what was written."""
    if not one.is_tables():
        return os.path.getsize(one.place())
    pattern = os.path.join(glob.escape(one.folder), "*", glob.escape(os.path.basename(one.place())), "*")
    return sum(os.path.getsize(file) for file in glob.glob(pattern))


def _print_error(one: Conversion, error: str) -> None:
    named = error if one.file in error else f"{one.file}: {error}"
    _print(f"error: {printable(named, LINE)}")


def _print(line: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # the spinner's line
    print(f"{clear}nutrace: {line}", file=sys.stderr, flush=True)
