"""Propagation: fewer objects for the garbage collector, trackers and agents."""

from nutrace.speedups.propagation.frozen_heap import FrozenHeap
from nutrace.speedups.propagation.part import Options, build

__all__ = ["FrozenHeap", "Options", "build"]
