"""What is known of samples inside spans: rows for reports, tables and ``--json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

from nutrace.trace import Trace


@dataclass(frozen=True)
class Inside:
    """A function inside spans.

    Attributes
    ----------
    itself:
        Whether it is the spans' own function.
    own_ns, total_ns:
        Of the spans' self time, the part in the function itself; and in it with everything that it calls.
        Recursion counts once.
    own_in_steps_ns, total_in_steps_ns:
        The same of the spans that lie in the steps.
    samples, total_samples:
        Samples taken in the function itself; and in it or below.
    share, share_low, share_high:
        ``own_ns`` as a part of the self time, and its interval of 95 %.
    total_share, total_low, total_high:
        The same of ``total_ns``.
    """

    function: str
    file: str
    line: int
    itself: bool
    own_ns: int
    own_in_steps_ns: int
    total_ns: int
    total_in_steps_ns: int
    samples: int
    total_samples: int
    share: float
    share_low: float
    share_high: float
    total_share: float
    total_low: float
    total_high: float


@dataclass(frozen=True)
class Others:
    """What was seen in functions that were on fewer than ``FEWEST_SAMPLES`` samples each."""

    functions: int = 0
    own_ns: int = 0
    own_in_steps_ns: int = 0
    samples: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class InsideSpans:
    """A kind of span that was sampled.

    Attributes
    ----------
    span:
        Its name; of several kinds that samples cannot tell apart, their names.
    blocks:
        Names of the spans without a function of their own that are inside: their self time is in here.
    rate_hz:
        Samples a second; 0 if unknown.
    self_ns, self_in_steps_ns:
        Self time of the spans that were sampled, and of those that lie in the steps.
    not_sampled_ns:
        Self time of such spans of which no sample was taken.
    functions:
        The one with the most time in itself first.
    """

    span: str
    blocks: Tuple[str, ...]
    component: str
    samples: int
    rate_hz: float
    self_ns: int
    self_in_steps_ns: int
    not_sampled_ns: int
    functions: Tuple[Inside, ...]
    others: Others


@dataclass(frozen=True)
class Samples:
    """All samples of a trace; see :class:`nutrace.trace.sampled.Sampled`."""

    taken: int
    placed: int
    unplaced: Mapping[str, int]
    sampler: str
    rate_hz: float
    notes: Tuple[str, ...]


def samples_of(trace: Trace) -> Optional[Samples]:
    """The samples of the whole run, None if there are none."""
    sampled = trace.sampled
    if sampled is None:
        return None
    return Samples(
        taken=sampled.taken,
        placed=sampled.placed,
        unplaced=dict(sorted(sampled.unplaced.items(), key=lambda item: (-item[1], item[0]))),
        sampler=", ".join(sampled.samplers),
        rate_hz=sampled.rate_hz,
        notes=sampled.notes,
    )
