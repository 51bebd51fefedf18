"""What ``nutrace verify`` says. Later tools depend on the keys of ``--json``: add, never rename."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from nutrace.cli.table import printable
from nutrace.verify.compare import Compared
from nutrace.verify.difference import Difference
from nutrace.verify.files import NO_METRICS, STEPS_COMPARED
from nutrace.verify.record import BEFORE
from nutrace.verify.verdict import Verdict

_LONGEST = 400


def lines(verdict: Verdict, kept: Optional[str]) -> Iterator[str]:
    """The verdict for people; `kept` is where the outputs are, if they are anywhere."""
    compared = verdict.compared
    if compared.equal:
        yield f"equal: {_counts(compared)}"
    else:
        yield from _different(compared)
    if verdict.output:
        yield printable("the last lines of the run with speedups:", _LONGEST)
        yield from (f"  {printable(line, _LONGEST)}" for line in verdict.output.splitlines())
    if verdict.again is not None:
        yield from _again(verdict.again)
    for name, at_work in verdict.at_work.items():
        yield f"{name}: {'at work' if at_work else 'not at work: its part of the program never ran'}"
    if compared.failed:
        yield f"{compared.failed} of the simulations failed, in both runs alike"
    yield from _uncompared(compared)
    yield from (f"note: {printable(note, _LONGEST)}" for note in verdict.notes)
    if kept:
        yield f"both runs are in {printable(kept, _LONGEST)}"


def _different(compared: Compared) -> Iterator[str]:
    found = compared.differences[0]
    yield f"different: {printable(_place(found), _LONGEST)}"
    yield f"  stock: {printable(found.stock, _LONGEST)}"
    yield f"  with:  {printable(found.changed, _LONGEST)}"
    more = len(compared.differences) - 1
    if more:
        yield f"  and {more} more of the {compared.scenarios + compared.files:,} scenarios and files differ"


def _place(found: Difference) -> str:
    words = [found.where]
    if found.step is not None:
        words.append("before the first step" if found.step == BEFORE else f"step {found.step}")
    joint = "." if found.part and found.field and not found.field.startswith("[") else ""
    field = f"{found.part}{joint}{found.field}"
    return ", ".join([*words, field] if field else words)


def _again(again: Compared) -> Iterator[str]:
    if again.equal:
        yield "run again without speedups, the program came to the same as the first time"
        return
    found = again.differences[0]
    yield "the program does not repeat itself: run again without speedups, it differs as well, so this"
    yield f"tells nothing about speedups: {printable(_place(found), _LONGEST)}"
    yield f"  first:  {printable(found.stock, _LONGEST)}"
    yield f"  second: {printable(found.changed, _LONGEST)}"


def _uncompared(compared: Compared) -> Iterator[str]:
    for name, reason in compared.skipped.items():
        if reason not in (NO_METRICS, STEPS_COMPARED):
            yield f"not compared: {printable(name, _LONGEST)}: {printable(reason, _LONGEST)}"
    others = list(compared.skipped.values()).count(NO_METRICS)
    if others:
        yield f"not compared: {_number(others, 'file')} without metrics, such as texts and pictures"
    for kind, count in compared.opaque.items():
        yield f"not compared: {_number(count, 'value')} of type {printable(kind)}, which nothing tells"


def _counts(compared: Compared) -> str:
    return ", ".join(
        _number(count, name)
        for count, name in (
            (compared.scenarios, "scenario"),
            (compared.steps, "step"),
            (compared.files, "metric file"),
            (compared.values, "value"),
        )
    )


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count != 1)}"


def as_json(verdict: Verdict, kept: Optional[str]) -> Dict[str, Any]:
    """A dict for :func:`json.dumps`; ``repeatable`` is null where the runs are equal."""
    compared = verdict.compared
    return {
        "equal": compared.equal,
        "compared": {
            "scenarios": compared.scenarios,
            "steps": compared.steps,
            "files": compared.files,
            "values": compared.values,
        },
        "differences": [_difference(each) for each in compared.differences],
        "repeatable": verdict.repeatable,
        "speedups": [{"name": name, "at_work": at_work} for name, at_work in verdict.at_work.items()],
        "failed_simulations": compared.failed,
        "not_compared": {"files": dict(compared.skipped), "values": dict(compared.opaque)},
        "notes": list(verdict.notes),
        "kept": kept,
    }


def _difference(found: Difference) -> Dict[str, Any]:
    return {
        "where": found.where,
        "step": found.step,
        "part": found.part,
        "field": found.field,
        "stock": found.stock,
        "with": found.changed,
    }
