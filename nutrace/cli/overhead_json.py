"""The document of ``nutrace overhead --json``."""

from __future__ import annotations

from typing import Any, Dict

from nutrace.analysis.own_cost import OwnCost
from nutrace.cli.json_output import per_step, pick

_EVENT = "kind", "count", "in_steps", "outside_us", "inside_us", "spread", "total_ms"
_COMPONENT = "component", "events", "total_ms", "taken_ms"
_SPAN = "name", "component", "events", "total_ms"
_CLOCKED = "what", "times", "spent_ms", "added"
_STEPS = "count", "mean_ms", "p95_ms", "max_ms", "share"


def as_json(cost: OwnCost) -> Dict[str, Any]:
    """The ledger as a JSON document; null stands for what is not known.

    ``total_ms`` is the sum of ``events`` and of what is ``added`` in ``clocked``; without ``priced`` it is
    what the run file says, which is not divided. ``share`` is that without ``start_and_end_ms``, as a part of
    the wall time. ``in_steps`` counts events on the threads of the finished steps, in these. A ``spread`` of
    0 means a price that was not measured: a multiple of a call's. ``unpriced`` are spans of processes that
    state no prices, ``unfinished`` processes that did not come to write what they have clocked.
    """
    steps = cost.steps
    number = steps.count if steps is not None else 0
    return {
        **pick(cost, "priced", "total_ms", "start_and_end_ms", "share", "events_ms"),
        "recorded": cost.spans,
        "events": [pick(event, *_EVENT) for event in cost.events],
        "clocked": [pick(entry, *_CLOCKED) for entry in cost.clocked],
        "steps": None
        if steps is None
        else {
            **pick(steps, *_STEPS),
            "worst": {"scenario": steps.worst[0], "step": steps.worst[1]},
        },
        "components": [
            {
                **pick(component, *_COMPONENT),
                "in_steps_ms_per_step": per_step(component.in_steps_ns / 1e6, number),
            }
            for component in cost.components
        ],
        "spans": [
            {**pick(kind, *_SPAN), "in_steps_ms_per_step": per_step(kind.in_steps_ns / 1e6, number)}
            for kind in cost.kinds
        ],
        **pick(cost, "unpriced", "unfinished"),
    }
