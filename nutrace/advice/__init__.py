"""What is worth doing about a run: findings, each with its evidence, its saving and what proves it."""

from __future__ import annotations

from nutrace.advice.advise import Advice, Ranked, advise
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.registry import KINDS, Kind

__all__ = ["KINDS", "Advice", "Finding", "Kind", "Ranked", "Sureness", "advise"]
