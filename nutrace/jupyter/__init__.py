"""Traces in a notebook: the summary card, pandas tables, the flamegraph."""

from __future__ import annotations

from nutrace.jupyter.card import card
from nutrace.jupyter.flamegraph import Flamegraph, flamegraph
from nutrace.jupyter.frames import span_frame, step_frame
from nutrace.trace.views import Views

#: What :func:`nutrace.load` registers.
VIEWS = Views(card=card, spans=span_frame, steps=step_frame, flamegraph=flamegraph)

__all__ = ["VIEWS", "Flamegraph", "card", "flamegraph", "span_frame", "step_frame"]
