"""The verdict of ``nutrace verify``, as text and as JSON."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from nutrace.cli.json_output import pick
from nutrace.printable import LINE, printable
from nutrace.verify.compare import Compared
from nutrace.verify.difference import Difference
from nutrace.verify.files import NO_METRICS, STEPS_COMPARED
from nutrace.verify.record import BEFORE
from nutrace.verify.verdict import Verdict
from nutrace_exporters.labels import counted


def lines(verdict: Verdict, kept: Optional[str]) -> Iterator[str]:
    """The lines of the verdict; `kept` is the folder of the outputs, None if they were removed."""
    compared = verdict.compared
    if compared.equal:
        yield f"equal: {_counts(compared)}"
    else:
        yield from _different(compared)
    if verdict.output:
        yield printable("the last lines of the run with speedups:", LINE)
        yield from (f"  {printable(line, LINE)}" for line in verdict.output.splitlines())
    if verdict.again is not None:
        yield from _again(verdict.again)
    for name, at_work in verdict.at_work.items():
        yield f"{name}: {'at work' if at_work else 'not at work: its part of the program never ran'}"
    if compared.failed:
        yield f"{compared.failed} of the simulations failed, and in the same way in both runs"
    yield from _uncompared(compared)
    yield from (f"note: {printable(note, LINE)}" for note in verdict.notes)
    if kept:
        yield f"both runs are in {printable(kept, LINE)}"


def _different(compared: Compared) -> Iterator[str]:
    first = compared.differences[0]
    yield f"different: {printable(_place(first), LINE)}"
    yield f"  stock: {printable(first.stock, LINE)}"
    yield f"  with:  {printable(first.changed, LINE)}"
    more = len(compared.differences) - 1
    if more:
        yield f"  and {more} more of the {compared.scenarios + compared.files:,} scenarios and files differ"


def _place(difference: Difference) -> str:
    words = [difference.where]
    if difference.step is not None:
        words.append("before the first step" if difference.step == BEFORE else f"step {difference.step}")
    joint = "." if difference.part and difference.field and not difference.field.startswith("[") else ""
    field = f"{difference.part}{joint}{difference.field}"
    return ", ".join([*words, field] if field else words)


def _again(again: Compared) -> Iterator[str]:
    if again.equal:
        yield "run again without speedups, the program gave the same results as the first time"
        return
    difference = again.differences[0]
    yield "the program does not repeat itself: run again without speedups, it differs from its first run,"
    yield f"so this says nothing about the speedups: {printable(_place(difference), LINE)}"
    yield f"  first:  {printable(difference.stock, LINE)}"
    yield f"  second: {printable(difference.changed, LINE)}"


def _uncompared(compared: Compared) -> Iterator[str]:
    for name, reason in compared.skipped.items():
        if reason not in (NO_METRICS, STEPS_COMPARED):
            yield f"not compared: {printable(name, LINE)}: {printable(reason, LINE)}"
    others = list(compared.skipped.values()).count(NO_METRICS)
    if others:
        yield f"not compared: {counted(others, 'file')} without metrics, such as texts and pictures"
    for kind, count in compared.opaque.items():
        yield f"not compared: {counted(count, 'value')} of type {printable(kind)}, which cannot be compared"


def _counts(compared: Compared) -> str:
    return ", ".join(
        counted(count, name)
        for count, name in (
            (compared.scenarios, "scenario"),
            (compared.steps, "step"),
            (compared.files, "metric file"),
            (compared.values, "value"),
        )
    )


def as_json(verdict: Verdict, kept: Optional[str]) -> Dict[str, Any]:
    """A dict for :func:`json.dumps`; ``repeatable`` is null where the runs are equal."""
    compared = verdict.compared
    return {
        "equal": compared.equal,
        "compared": pick(compared, "scenarios", "steps", "files", "values"),
        "differences": [_difference(each) for each in compared.differences],
        "repeatable": verdict.repeatable,
        "speedups": [{"name": name, "at_work": at_work} for name, at_work in verdict.at_work.items()],
        "failed_simulations": compared.failed,
        "not_compared": {"files": dict(compared.skipped), "values": dict(compared.opaque)},
        "notes": list(verdict.notes),
        "kept": kept,
    }


def _difference(difference: Difference) -> Dict[str, Any]:
    return {**pick(difference, "where", "step", "part", "field", "stock"), "with": difference.changed}
