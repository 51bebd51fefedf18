"""Whole evaluations: what each scenario took, and what the workers that simulated them did."""

from __future__ import annotations
