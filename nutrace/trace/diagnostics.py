"""What a run lost while it was recorded, and what had to be mended to read it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Sequence, Tuple

from nutrace import semconv
from nutrace.trace.bounds import whole
from nutrace.trace.span import Resource


def _mended(sentence: str) -> int:
    """A counter; `sentence` says in a note what is counted."""
    count: int = field(default=0, metadata={"sentence": sentence})
    return count


@dataclass
class Diagnostics:
    """What was lost or mended, from the file's own counts and from reading it.

    The counters from ``bad_lines`` on say how many spans a rule of :mod:`nutrace.trace.tree` touched.

    Attributes
    ----------
    dropped, truncated, unfinished:
        Spans that are not in the file, that had attributes cut, and that never ended. Every report shows
        them.
    faults:
        Errors of nutrace's own that it caught while the program ran.
    complete:
        False if the run was cut short, or goes on.
    running:
        Whether a process of the run was alive when the file was read.
    notes:
        Sentences for people.
    """

    dropped: int = 0
    truncated: int = 0
    unfinished: int = 0
    faults: int = 0
    complete: bool = True
    running: bool = False
    bad_lines: int = _mended("lines that could not be read and were left out")
    orphans: int = _mended("spans whose parent is not in the file, made roots")
    cycles: int = _mended("cycles of parents, cut at their earliest span")
    duplicates: int = _mended("spans with the id of another, of which the one with the later end was kept")
    negative_durations: int = _mended("spans that ended before they began, counted as no time")
    missing_times: int = _mended("spans without a start time, put where another began")
    outside_parent: int = _mended("spans that stick out of their parent (asynchronous, or a clock was set)")
    overlapping: int = _mended("spans that overlap others of their thread, counted as running beside them")
    out_of_bounds: int = _mended("numbers out of bounds, left out")
    busy_clamped: int = _mended(
        "spans that claim more time inside than they lasted, counted as their duration"
    )
    notes: Tuple[str, ...] = ()

    @property
    def cut_short(self) -> str:
        """One sentence on a run that is not complete; "" for one that is."""
        if self.running:
            return "the run is still going on: this is what it has written so far"
        return "" if self.complete else "the run was cut short: this is what was written until then"

    def note(self, sentence: str) -> None:
        """Add a sentence for people."""
        self.notes += (sentence,)

    def add_recorded(self, resources: Sequence[Resource], unfinished: int) -> None:
        """Add what the processes of the run say of themselves, and the notes on all of it.

        Parameters
        ----------
        resources:
            The processes.
        unfinished:
            The spans in the file that never ended.
        """

        def total(key: str) -> int:
            values = [resource.attributes[key] for resource in resources if key in resource.attributes]
            self.out_of_bounds += sum(whole(value) < 0 for value in values)
            return sum(max(whole(value), 0) for value in values)

        self.dropped = total(semconv.SPANS_DROPPED)
        self.truncated = total(semconv.SPANS_TRUNCATED)
        self.unfinished = max(unfinished, total(semconv.SPANS_UNFINISHED))
        self.faults = total(semconv.FAULTS)
        ours = [resource for resource in resources if semconv.RUN_ID in resource.attributes]
        first = [resource for resource in ours if semconv.RUN_PARENT_PID not in resource.attributes] or ours
        ended = all(resource.attributes.get(semconv.RUN_COMPLETE) is True for resource in first)
        self.complete = self.complete and ended and not self.running
        mended = [
            f"{counter.metadata['sentence']}: {getattr(self, counter.name):,}"
            for counter in fields(self)
            if counter.metadata and getattr(self, counter.name)
        ]
        self.notes = tuple(filter(None, (self.cut_short, *self.notes, *mended)))
