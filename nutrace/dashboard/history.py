"""What a dashboard shows: series with their changes, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Tuple

from nutrace.comparison.changes import Change
from nutrace.comparison.history import Series


@dataclass(frozen=True)
class JudgedSeries:
    """A series and its changes."""

    series: Series
    changes: Tuple[Change, ...]


@dataclass(frozen=True)
class History:
    """A folder of runs.

    Attributes
    ----------
    folder:
        What the user named.
    series:
        That of the latest run first.
    left_out:
        Run files that are not shown, each with the reason.
    merged:
        In what runs of one series may differ, as the user has said: host, command or configuration.
    links:
        For run files that have a flamegraph, where it is, as an address relative to the page.
    """

    folder: str
    series: Tuple[JudgedSeries, ...]
    left_out: Tuple[Tuple[str, str], ...] = ()
    merged: Tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
