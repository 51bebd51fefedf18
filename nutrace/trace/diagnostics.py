"""What was lost or mended, counted and said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Sequence

from nutrace import semconv
from nutrace.trace.span import Diagnostics, Resource


@dataclass
class Counts:
    """Counters that fill while a file is read; see :class:`Diagnostics` for their meaning."""

    cut_short: bool = False
    bad_lines: int = 0
    orphans: int = 0
    cycles: int = 0
    duplicates: int = 0
    negative_durations: int = 0
    missing_times: int = 0
    outside_parent: int = 0
    overlapping: int = 0
    busy_clamped: int = 0
    notes: List[str] = field(default_factory=list)


#: Field of Counts, and what a person is told.
_SENTENCES = (
    ("bad_lines", "lines that could not be read and were left out"),
    ("orphans", "spans whose parent is not in the file, made roots"),
    ("cycles", "cycles of parents, cut at their earliest span"),
    ("duplicates", "spans with the id of another, of which the one with the later end was kept"),
    ("negative_durations", "spans that ended before they began, counted as no time"),
    ("missing_times", "spans without a start time, put where another began"),
    ("outside_parent", "spans that stick out of their parent (asynchronous, or a clock was set)"),
    ("overlapping", "spans that overlap others of their thread, counted as running beside them"),
    ("busy_clamped", "spans that claim more time inside than they lasted, counted as their duration"),
)


def diagnose(resources: Sequence[Resource], counts: Counts, unfinished: int) -> Diagnostics:
    """The file's own counts, summed over its processes, and the reader's."""

    def total(key: str) -> int:
        values = (resource.attributes.get(key) for resource in resources)
        return sum(value for value in values if isinstance(value, int))

    ours = [resource for resource in resources if semconv.RUN_ID in resource.attributes]
    main = [resource for resource in ours if semconv.RUN_PARENT_PID not in resource.attributes] or ours
    complete = not counts.cut_short and all(
        resource.attributes.get(semconv.RUN_COMPLETE) is True for resource in main
    )
    notes = list(counts.notes)
    if not complete:
        notes.insert(0, "the run was cut short: this is what was written until then")
    for name, sentence in _SENTENCES:
        if getattr(counts, name):
            notes.append(f"{sentence}: {getattr(counts, name):,}")
    return Diagnostics(
        dropped=total(semconv.SPANS_DROPPED),
        truncated=total(semconv.SPANS_TRUNCATED),
        unfinished=max(unfinished, total(semconv.SPANS_UNFINISHED)),
        faults=total(semconv.FAULTS),
        complete=complete,
        bad_lines=counts.bad_lines,
        orphans=counts.orphans,
        cycles=counts.cycles,
        duplicates=counts.duplicates,
        negative_durations=counts.negative_durations,
        missing_times=counts.missing_times,
        outside_parent=counts.outside_parent,
        overlapping=counts.overlapping,
        busy_clamped=counts.busy_clamped,
        notes=tuple(notes),
    )
