"""Make a history of runs from one run file: the same spans, with other durations, at other revisions.

The self time of every span is multiplied by a factor of its component, and by scatter: one lognormal factor
for the run, one for each step. Children are laid out again in their order, so the tree stays as it was
recorded. The step times of such runs are known: :func:`stretched` changes nothing else, and ``without`` drops
spans by name, as a cache would.
"""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

from fakes.otlp import attributes

DAY_NS = 86_400 * 10**9


def spans_of(run: Any) -> List[Any]:
    """All spans of a run file's document."""
    return [
        span
        for resource in run["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def stretched(
    run: Any,
    factors: Mapping[str, float],
    *,
    dice: random.Random,
    scatter: float = 0.0,
    shift_ns: int = 0,
    without: float = 0.0,
    told: Mapping[str, Any] = {},
) -> Any:
    """A copy of a run.

    Parameters
    ----------
    run:
        The document of a run file with one process and one thread.
    factors:
        By component; ``""`` is for all others.
    dice:
        The source of the scatter.
    scatter:
        Standard deviation of the logarithm of the run's factor; half of it for the steps'.
    shift_ns:
        How much later the run began.
    without:
        The part of the statements, with their connections, that is left out.
    told:
        Resource attributes to replace.
    """
    made = copy.deepcopy(run)
    spans = spans_of(made)
    children: Dict[str, List[Any]] = {}
    for span in sorted(spans, key=lambda span: int(span["startTimeUnixNano"])):
        children.setdefault(span.get("parentSpanId", ""), []).append(span)
    dropped = set()
    of_run = dice.lognormvariate(0, scatter)
    choice = random.Random(7)  # the same statements in every run

    def lay(span: Any, start: int, noise: float) -> int:
        began, ended = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        factor = noise * factors.get(_component(span), factors.get("", 1.0))
        if span["name"] == "simulation.step":
            noise, factor = (each * dice.lognormvariate(0, scatter / 2) for each in (noise, factor))
        at, before = float(start), began
        for child in children.get(span["spanId"], ()):
            at += max(int(child["startTimeUnixNano"]) - before, 0) * factor
            before = max(before, int(child["endTimeUnixNano"]))
            if child["name"] in ("sqlite3.statement", "sqlite3.connect") and choice.random() < without:
                dropped.add(child["spanId"])
            else:
                at = lay(child, int(at), noise)
        at += max(ended - before, 0) * factor
        span["startTimeUnixNano"], span["endTimeUnixNano"] = str(start), str(int(at))
        for each in span.get("attributes", ()):
            if each["key"] == "nutrace.busy_ns":
                each["value"] = {"intValue": str(int(int(each["value"]["intValue"]) * factor))}
        return int(at)

    ids = {span["spanId"] for span in spans}
    at = min(int(span["startTimeUnixNano"]) for span in spans) + shift_ns
    for parent, members in children.items():
        if parent not in ids:
            for root in members:
                at = lay(root, at, of_run)
    for resource in made["resourceSpans"]:
        _tell(resource["resource"], told)
        for scope in resource["scopeSpans"]:
            scope["spans"] = [span for span in scope["spans"] if span["spanId"] not in dropped]
    return made


def _component(span: Any) -> str:
    for each in span.get("attributes", ()):
        if each["key"] == "nutrace.component":
            return str(each["value"].get("stringValue"))
    return "other"


def _tell(resource: Any, told: Mapping[str, Any]) -> None:
    kept = [each for each in resource["attributes"] if each["key"] not in told]
    resource["attributes"] = kept + attributes(dict(told))


def write_history(
    folder: Path,
    run: Any,
    runs_of: Sequence[int],
    factors: Sequence[Mapping[str, float]],
    without: Sequence[float],
    *,
    seed: int = 1,
    scatter: float = 0.02,
    branch: str = "main",
    told: Mapping[str, Any] = {},
) -> List[Path]:
    """Write the runs of some revisions, one revision a day; each sequence has an entry for each revision."""
    dice, files = random.Random(seed), []
    for number, (runs, of_revision, left_out) in enumerate(zip(runs_of, factors, without)):
        revision = f"{random.Random(1000 * seed + number).getrandbits(160):040x}"
        for repeat in range(runs):
            made = stretched(
                run,
                of_revision,
                dice=dice,
                scatter=scatter,
                shift_ns=number * DAY_NS + repeat * 600 * 10**9,
                without=left_out,
                told={
                    "nutrace.run.id": f"{seed:04x}{number:08x}{repeat:04x}",
                    "vcs.ref.head.revision": revision,
                    "vcs.ref.head.name": branch,
                    **told,
                },
            )
            path = folder / revision[:7] / f"run-{repeat + 1}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made, separators=(",", ":")), encoding="utf-8")
            files.append(path)
    return files
