"""What spans spend their self time in, function by function, as far as samples tell.

A group of spans that were sampled (:mod:`nutrace.trace.sampled`) divides its self time as its samples are.
Here the groups of one kind of span are added up.

A share is uncertain by chance alone. Its interval is Wilson's of 95 %: in 19 of 20 runs the true share lies
in it. Where a kind of span has several groups, it has fewer samples in effect (:mod:`nutrace.intervals`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import DefaultDict, Dict, Iterator, List, Mapping, Set, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.analysis.regions import Region, Regions
from nutrace.analysis.samples import Inside, InsideSpans, Others
from nutrace.analysis.traced_functions import is_placed_at_caller
from nutrace.intervals import FEWEST_SAMPLES, effective_samples, wilson
from nutrace.trace import Trace
from nutrace.trace.sampled import NO_GROUP, Sampled, SampledFunction

_ITSELF = -1  # in the place of a function's number: the span's own


def inside_spans(trace: Trace, regions: Regions) -> Tuple[InsideSpans, ...]:
    """Every kind of span with samples, the one with the most self time first."""
    sampled = trace.sampled
    if sampled is None:
        return ()
    groups, not_sampled = _group_facts(trace, regions, sampled)
    kinds = [
        _kind(trace, sampled, [(group, groups[group]) for group in numbers], not_sampled)
        for numbers in _kinds(groups)
    ]
    return tuple(sorted(kinds, key=lambda kind: (-kind.self_ns, kind.span, kind.component)))


@dataclass
class _Group:
    """Facts of a group: its spans' self time, and what they are called."""

    self_ns: int = 0
    in_steps_ns: int = 0
    span: int = -1  # one whose function it is
    names: Dict[Tuple[str, str], int] = field(default_factory=dict)  # by name and component: self time
    blocks: Set[str] = field(default_factory=set)


#: Self times by name and component.
_Times = DefaultDict[Tuple[str, str], int]


def _group_facts(trace: Trace, regions: Regions, sampled: Sampled) -> Tuple[Dict[int, _Group], _Times]:
    """The groups, and the self times of the spans that have none."""
    groups: DefaultDict[int, _Group] = defaultdict(_Group)
    not_sampled: _Times = defaultdict(int)
    group_of, parent, thread = sampled.group_of, trace.parent, trace.thread
    for span, group in enumerate(group_of):
        own = trace.self_ns[span]
        if group == NO_GROUP:
            not_sampled[trace.name[span], trace.component[span]] += own
            continue
        facts = groups[group]
        facts.self_ns += own
        if regions.region[span] == Region.INSIDE:
            facts.in_steps_ns += own
        above = parent[span]
        if above >= 0 and group_of[above] == group and thread[above] == thread[span]:
            facts.blocks.add(trace.name[span])
            continue
        facts.span = span
        key = trace.name[span], trace.component[span]
        facts.names[key] = facts.names.get(key, 0) + own
    return groups, not_sampled


def _kinds(groups: Mapping[int, _Group]) -> Iterator[List[int]]:
    """The groups of one kind of span each. Kinds that share a group are one."""
    kind: Dict[Tuple[str, str], Tuple[str, str]] = {}

    def find(name: Tuple[str, str]) -> Tuple[str, str]:
        while kind.setdefault(name, name) != name:
            name = kind[name]
        return name

    for facts in groups.values():
        first, *more = facts.names
        for name in more:
            kind[find(name)] = find(first)
    by_kind: DefaultDict[Tuple[str, str], List[int]] = defaultdict(list)
    for group, facts in sorted(groups.items()):
        by_kind[find(next(iter(facts.names)))].append(group)
    yield from by_kind.values()


def _kind(
    trace: Trace, sampled: Sampled, groups: List[Tuple[int, _Group]], not_sampled: _Times
) -> InsideSpans:
    names: _Times = defaultdict(int)
    for _, facts in groups:
        for name, own in facts.names.items():
            names[name] += own
    ordered = sorted(names, key=lambda name: (-names[name], name))
    self_ns = sum(facts.self_ns for _, facts in groups)
    samples = sum(sampled.groups[group].samples for group, _ in groups)
    functions, others = _functions(trace, sampled, groups, self_ns)
    return InsideSpans(
        span=", ".join(dict.fromkeys(name for name, _ in ordered)),
        blocks=tuple(sorted(set().union(*(facts.blocks for _, facts in groups)) - {n for n, _ in ordered})),
        component=ordered[0][1],
        samples=samples,
        rate_hz=sampled.rate_hz,
        self_ns=self_ns,
        self_in_steps_ns=sum(facts.in_steps_ns for _, facts in groups),
        not_sampled_ns=sum(not_sampled.get(name, 0) for name in names),
        functions=functions,
        others=others,
    )


@dataclass
class _Sums:
    own_ns: int = 0
    own_in_steps_ns: int = 0
    total_ns: int = 0
    total_in_steps_ns: int = 0
    samples: int = 0
    total_samples: int = 0


def _functions(
    trace: Trace, sampled: Sampled, groups: List[Tuple[int, _Group]], self_ns: int
) -> Tuple[Tuple[Inside, ...], Others]:
    sums: DefaultDict[Tuple[int, SampledFunction], _Sums] = defaultdict(_Sums)
    for group, facts in groups:
        _add_up(sums, sampled, group, facts, _own_function(trace, facts.span))
    effective = effective_samples((facts.self_ns, sampled.groups[group].samples) for group, facts in groups)
    rows: List[Inside] = []
    others: List[_Sums] = []
    for (number_of, function), of in sums.items():
        if of.total_samples < FEWEST_SAMPLES:
            others.append(of)
            continue
        share, total = (of.own_ns / self_ns, of.total_ns / self_ns) if self_ns else (0.0, 0.0)
        rows.append(
            Inside(
                function.name,
                function.file,
                function.line,
                number_of == _ITSELF,
                of.own_ns,
                of.own_in_steps_ns,
                of.total_ns,
                of.total_in_steps_ns,
                of.samples,
                of.total_samples,
                share,
                *wilson(share * effective, effective),
                total,
                *wilson(total * effective, effective),
            )
        )
    rows.sort(key=lambda row: (-row.own_ns, -row.total_ns, row.function, row.file, row.line))
    own = sum(of.own_ns for of in others)
    return tuple(rows), Others(
        functions=len(others),
        own_ns=own,
        own_in_steps_ns=sum(of.own_in_steps_ns for of in others),
        samples=sum(of.samples for of in others),
        share=own / self_ns if self_ns else 0.0,
    )


def _add_up(
    sums: DefaultDict[Tuple[int, SampledFunction], _Sums],
    sampled: Sampled,
    number_of: int,
    facts: _Group,
    itself: SampledFunction,
) -> None:
    """Add the times and samples of a group to those of its functions."""
    group = sampled.groups[number_of]
    own_ns, parts = group.spread(facts.self_ns)
    own_in_steps, parts_in_steps = group.spread(facts.in_steps_ns)
    of = sums[_ITSELF, itself]
    of.own_ns += own_ns
    of.own_in_steps_ns += own_in_steps
    of.samples += group.own
    of.total_ns += facts.self_ns
    of.total_in_steps_ns += facts.in_steps_ns
    of.total_samples += group.samples
    times, in_steps, samples = map(group.by_function, (parts, parts_in_steps, group.count))
    for function, (own, total) in times.items():
        of = sums[function, sampled.functions[function]]
        of.own_ns += own
        of.total_ns += total
        of.own_in_steps_ns += in_steps[function][0]
        of.total_in_steps_ns += in_steps[function][1]
        of.samples += samples[function][0]
        of.total_samples += samples[function][1]


def _own_function(trace: Trace, span: int) -> SampledFunction:
    """The function of a span, which its group's samples without a function below it were taken in."""
    attributes = trace.attributes(span)
    # Of a block in a selected part the function around it is not known.
    is_block = attributes.get(semconv.BLOCK) is True or trace.name[span] == semconv.STEP_SPAN
    if is_block or is_placed_at_caller(trace.name[span]):
        return SampledFunction(trace.name[span])
    for names in (
        (semconv.GIVEN_FUNCTION, semconv.GIVEN_FILE, semconv.GIVEN_LINE),
        (semconv.CODE_FUNCTION, semconv.CODE_FILE, semconv.CODE_LINE),
    ):
        function, file, line = names
        if text(attributes, file):
            return SampledFunction(
                text(attributes, function), text(attributes, file), number(attributes, line)
            )
    return SampledFunction(trace.name[span])
