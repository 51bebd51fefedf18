"""Pictures that are drawn while or after the simulation."""

from __future__ import annotations

from typing import Dict, Iterator, List

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, bench_with
from nutrace.advice.words import count, ms

#: The devkit's callbacks that draw: in each step, and a summary of the metrics after the run.
_IN_STEPS = "VisualizationCallback"
_AT_THE_END = "MetricSummaryCallback"
_WITHOUT = "main_callback=[time_callback,metric_file_callback,metric_aggregator_callback]"


def find(facts: Facts) -> Iterator[Finding]:
    """A finding for each callback that draws."""
    trace = facts.trace
    drawn: Dict[str, List[int]] = {_IN_STEPS: [], _AT_THE_END: []}
    for span, name in enumerate(trace.name):
        if name.startswith(("callback.", "main_callback.")):
            words = trace[span].function.split(".")
            if len(words) > 1 and words[-2] in drawn:
                drawn[words[-2]].append(span)
    for callback, spans in drawn.items():
        saves = facts.subtrees(spans)
        if not saves:
            continue
        at_the_end = callback == _AT_THE_END
        yield Finding(
            title=f"Leave {callback} out of runs of which nobody looks at the pictures",
            evidence=(
                f"{count(sum(trace.calls[span] for span in spans), 'call')}, {ms(sum(saves.values()))}",
            ),
            sureness=Sureness.MEASURED,
            because="the time of the callback; no score depends on it",
            saves=saves,
            likely_part=1.0,
            proof=(bench_with(facts, "nopictures", _WITHOUT) if at_the_end else against(facts),),
        )
