"""The sampled functions that a probe can be put on, with what it would be called."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import AbstractSet, Iterable, List, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.errors import ProbeError
from nutrace.intervals import FEWEST_SAMPLES, wilson
from nutrace.probes.probe import Probe
from nutrace.suggestions.forest import Forest, SampledSpan
from nutrace.suggestions.modules import MAIN, Modules, first_of_each_kind
from nutrace.suggestions.origin import Origin, origin
from nutrace.suggestions.source import Sources, Unreachable
from nutrace.trace import Trace
from nutrace.trace.sampled import SampledFunction


@dataclass(frozen=True)
class Seen:
    """What the samples say of a function.

    Attributes
    ----------
    number:
        Its index in :attr:`Forest.functions`.
    span:
        The span in which it spends the most time.
    share, share_low, share_high, samples:
        The part of that span's self time in which it runs or is waited for, the 95 % interval, and how many
        samples say so.
    own_ns, total_ns:
        Time in the function alone, and with all that it calls, in all spans; in the whole run.
    """

    number: int
    function: SampledFunction
    span: SampledSpan
    share: float
    share_low: float
    share_high: float
    samples: int
    own_ns: float
    total_ns: float


@dataclass(frozen=True)
class Candidate:
    """A function on which a probe can be put, and the probe."""

    seen: Seen
    origin: Origin
    probe: Probe


@dataclass(frozen=True)
class Unprobed:
    """One of the user's functions on which none can be put, and why."""

    seen: Seen
    reason: str


def look(forest: Forest, min_share: float) -> List[Seen]:
    """The functions with at least `min_share` (0 to 1) of a span, those with the most time first."""
    seen = []
    for number, nodes in forest.outermost.items():
        by_span = [0.0] * len(forest.spans)
        samples = [0.0] * len(forest.spans)
        for node in nodes:
            by_span[forest.span[node]] += forest.total_ns[node]
            samples[forest.span[node]] += forest.total_samples[node]
        most = max(range(len(by_span)), key=by_span.__getitem__)
        span = forest.spans[most]
        if samples[most] < FEWEST_SAMPLES or by_span[most] < min_share * span.self_ns:
            continue
        share = by_span[most] / span.self_ns if span.self_ns else 0.0
        low, high = wilson(*sorted((round(samples[most]), round(span.samples))))
        function = forest.functions[number]
        seen.append(Seen(number, function, span, share, low, high, round(samples[most]), 0.0, sum(by_span)))
    own = {each.number: 0.0 for each in seen}
    for node in forest.nodes():
        if forest.function[node] in own:
            own[forest.function[node]] += forest.own_ns[node]
    seen = [replace(each, own_ns=own[each.number]) for each in seen]
    return sorted(seen, key=lambda each: (-each.total_ns, forest.outermost[each.number][0]))


def candidates(
    trace: Trace, seen: Iterable[Seen], probed: Sequence[Probe]
) -> Tuple[List[Candidate], List[Unprobed]]:
    """The functions that can be probed, and the user's that cannot.

    Parameters
    ----------
    probed:
        The probes that a traced process may apply, of all levels. Those that this run had are left out.
    """
    modules, sources = Modules(trace), Sources()
    declared = {probe.target: probe for probe in probed}
    applied = applied_targets(trace)
    functions = {span.function for span in first_of_each_kind(trace)}
    taken = {probe.span_name for probe in probed} | set(trace.name)
    possible: List[Candidate] = []
    impossible: List[Unprobed] = []
    for each in seen:
        file = modules.absolute(each.function.file)
        module = modules.name(file) if file else ""
        whose = origin(file, module)
        if whose >= Origin.STANDARD or each.function.name.rpartition(".")[2].startswith("<"):
            continue  # what a comprehension does is the time of the function around it
        try:
            qualname = sources.qualname(replace(each.function, file=file))
            if module == MAIN:
                raise Unreachable("it is in the program's main file: put @nutrace.probe on it")
            if not module:
                raise Unreachable("the name of its module is not known")
            target = f"{module}:{qualname}"
            if target in applied or f"{module}.{qualname}" in functions:
                continue
            probe = Probe(target, each.span.component, _name(module, qualname, taken))
            if target in declared:
                # The run had a coarser level. Where a name and a component are all that it is, it can be set.
                known = declared[target]
                probe = Probe(target, known.component, known.span_name)
                if replace(known, level="normal", distribution="") != probe:
                    continue
        except (Unreachable, ProbeError) as error:
            if whose is Origin.OWN:
                impossible.append(Unprobed(each, str(error)))
            continue
        taken.add(probe.span_name)
        possible.append(Candidate(each, whose, probe))
    return possible, impossible


def applied_targets(trace: Trace) -> Set[str]:
    """The targets that had a probe in the processes of a run."""
    targets: Set[str] = set()
    for resource in trace.resources:
        probes = resource.attributes.get(semconv.PROBES)
        if isinstance(probes, list):
            targets.update(str(target) for target in probes)
    return targets


def _name(module: str, qualname: str, taken: AbstractSet[str]) -> str:
    """A short name that no other span has: ``pdm_simulator.simulate_proposals``."""
    last, function = module.rpartition(".")[2], qualname.rpartition(".")[2]
    short = qualname if function.startswith("__") else function.lstrip("_") or function
    longer = [f"{last}.{short}", f"{last}.{qualname}", f"{module}.{qualname}"]
    numbered = (f"{module}.{qualname} {number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(longer, numbered) if name not in taken)
