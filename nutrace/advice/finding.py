"""What one kind of finding says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Mapping, Tuple

from nutrace.advice.proof import Proof
from nutrace.analysis.whatif.result import LIKELY


class Sureness(str, Enum):
    """How sure a finding is that its change saves what it says.

    Verified: SQLite's own planner says so. Measured: the time was measured, and the change removes it, as far
    as is known. Estimated: how much of a measured time goes is a guess.
    """

    VERIFIED = "verified"
    MEASURED = "measured"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class Finding:
    """Something that is worth doing, or looking at.

    Attributes
    ----------
    title:
        What to do, in a line.
    evidence:
        What the run shows, in lines.
    sureness, because:
        How sure the saving is, and why.
    saves:
        By span: the time in ns that it takes less at best, of its self time. Empty if it is not known what
        can be saved: then there is something to look into.
    likely_part:
        The part of ``saves`` that is likely; :data:`LIKELY` where nothing better is known.
    proof:
        Commands that make the change, or show what it brings.
    only_traced:
        Whether it saves time only in runs that are traced.
    unknown_share:
        The part of a step of which it is not known what it does, where that is to be looked into.
    """

    title: str
    evidence: Tuple[str, ...]
    sureness: Sureness
    because: str
    proof: Tuple[Proof, ...]
    saves: Mapping[int, float] = field(default_factory=dict)
    likely_part: float = LIKELY
    only_traced: bool = False
    unknown_share: float = 0.0
