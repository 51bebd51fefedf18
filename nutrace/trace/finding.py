"""Find spans by what they are: name, component, path, time, attributes, errors."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import translate
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, Union

from nutrace.errors import UsageError, did_you_mean
from nutrace.trace.selection import chosen_tops, narrowed, outermost, select, subtrees
from nutrace.trace.trace import Trace
from nutrace.trace.views import Steps

_LONGEST = 200
_MS = 1e6
_S = 1e9
_ARROW = ">"
#: One word, or several of which one is enough; each may have ``*``, ``?`` and ``[...]``.
Words = Union[str, Sequence[str]]


def where(
    trace: Trace,
    *,
    name: Optional[Words] = None,
    component: Optional[Words] = None,
    path: Optional[str] = None,
    scenario: Optional[Union[str, int]] = None,
    steps: Optional[Steps] = None,
    between_s: Optional[Tuple[float, float]] = None,
    at_least_ms: Optional[float] = None,
    attributes: Optional[Mapping[str, Any]] = None,
    failed: Optional[bool] = None,
) -> Trace:
    """The spans for which all of this is so; see :meth:`nutrace.Trace.where`."""
    # Paths and times are those of the whole trace, also where only some of its steps are looked at.
    tops, within = chosen_tops(trace, steps, scenario)
    told: List[str] = []
    chosen = bytearray(b"\1") * len(trace)
    for what, wanted, column in (("name", name, trace.name), ("component", component, trace.component)):
        if wanted is not None:
            there = {word for top in tops for word in column[top : trace.subtree_end[top]]}
            known = _alike(_of(trace, within), what, wanted, there)
            _keep(chosen, (value in known for value in column))
            told.append(f"{what} {_listed(wanted)}")
    if path is not None:
        _keep(chosen, _on_path(trace, path, _of(trace, within)))
        told.append(f"path {path}")
    if between_s is not None:
        first, end = between_s
        begin = trace.begin_ns
        _keep(chosen, (first <= (start - begin) / _S < end for start in trace.start_ns))
        told.append(f"begun between {first:g} and {end:g} s")
    if at_least_ms is not None:
        _keep(chosen, (busy >= at_least_ms * _MS for busy in trace.busy_ns))
        told.append(f"of {at_least_ms:g} ms or more")
    if failed is not None:
        _keep(chosen, ((span in trace.failed) == failed for span in range(len(trace))))
        told.append("left by an error" if failed else "left by no error")
    if attributes:
        for span in range(len(trace)):  # last, as attributes take long to read
            if chosen[span]:
                has = trace.attributes(span)
                chosen[span] = all(key in has and has[key] == value for key, value in attributes.items())
        told.append(", ".join(f"{key} {value!r}" for key, value in attributes.items()))
    return _part(trace, tops, within, chosen, ", ".join(told)) if told or within else trace


def find(trace: Trace, text: str) -> Trace:
    """The spans that words speak of; see :meth:`nutrace.Trace.find`."""
    words = text.lower().split()
    if not words:
        raise UsageError("nothing to find: write words of a span's name, component, function or file")
    known = {}
    chosen = bytearray(len(trace))
    for span, (name, component) in enumerate(zip(trace.name, trace.component)):
        raw = trace.raw.attributes[span]
        key = name, component, raw
        if key not in known:
            view = trace[span]
            spoken = f"{name}\n{component}\n{view.function}\n{view.file}".lower()
            known[key] = all(word in spoken for word in words)
        chosen[span] = known[key]
    return _part(trace, trace.roots, "", chosen, text[:_LONGEST])


def step(trace: Trace, scenario: Union[str, int, Tuple[int, int]], iteration: Optional[int] = None) -> Trace:
    """One step; see :meth:`nutrace.Trace.step`."""
    if iteration is None and isinstance(scenario, tuple):
        scenario, iteration = scenario
    if isinstance(scenario, tuple):
        raise UsageError(f"{scenario} is a step already: leave out {iteration}")
    if iteration is not None:
        return select(trace, steps=iteration, scenario=scenario)
    if len(trace.simulations) > 1:
        raise UsageError(
            f"the run has {len(trace.simulations):,} scenarios: say of which, as in step('TOKEN', {scenario})"
        )
    if isinstance(scenario, str):
        raise UsageError(f"which step of scenario {scenario!r}? Say it, as in step({scenario!r}, 42)")
    return select(trace, steps=scenario)


def slowest(trace: Trace, count: int = 5) -> List[Trace]:
    """The steps that took longest; see :meth:`nutrace.Trace.slowest`."""
    steps = sorted(trace.finished_steps, key=lambda span: (-trace.busy_ns[span], span))[: max(count, 0)]
    numbers = trace.addresses.scenario_of
    iterations = trace.addresses.iteration_of
    return [select(trace, steps=iterations[span], scenario=numbers[span]) for span in steps]


def _keep(chosen: bytearray, those: Iterable[bool]) -> None:
    for span, kept in enumerate(those):
        if not kept:
            chosen[span] = 0


def _alike(where: str, what: str, wanted: Words, known: Set[str]) -> Set[str]:
    """Which of the known words are wanted."""
    patterns = [wanted] if isinstance(wanted, str) else list(wanted)
    found: Set[str] = set()
    for pattern in patterns:
        matches = re.compile(translate(pattern)).match
        alike = {word for word in known if word == pattern or matches(word)}
        if not alike:
            near = did_you_mean(pattern, sorted(known))
            raise UsageError(f"no span of {what} {pattern[:_LONGEST]!r} in {where}{near}")
        found |= alike
    return found


def _on_path(trace: Trace, path: str, where: str) -> List[bool]:
    """For each span whether the names from it upwards are the last of a path."""
    names = [each.strip() for each in path.split(_ARROW)]
    known = set(trace.name)
    patterns = [_alike(where, "name", each, known) for each in reversed(names)]
    found = []
    for span in range(len(trace)):
        at = span
        for pattern in patterns:
            if at < 0 or trace.name[at] not in pattern:
                break
            at = trace.parent[at]
        else:
            found.append(True)
            continue
        found.append(False)
    return found


def _part(trace: Trace, tops: Sequence[int], within: str, chosen: bytearray, told: str) -> Trace:
    found = outermost(trace, tops, chosen, {1})
    if not found:
        raise UsageError(f"no span with {told} in {_of(trace, within)}")
    return replace(subtrees(trace, found), selection=narrowed(trace, within, told))


def _of(trace: Trace, within: str) -> str:
    words = narrowed(trace, within)
    return f"{words} of {trace.path}" if words else trace.path


def _listed(wanted: Words) -> str:
    return wanted if isinstance(wanted, str) else " or ".join(wanted)
