"""Join stacks to the spans of a trace: by path, not by clock.

A sampled stack contains the functions that have spans, so what follows the last of them was seen inside its
span. A stack is walked from its outermost frame:

- **nutrace's own frames** are taken out. They also tell where spans begin, as our wrappers call the probed
  functions: after one of them, a frame that is the function of a span below the spans met so far moves there.
  The same function called without a wrapper (the program holds the original) has no span, and stays an
  ordinary frame. If a sampler shows no wrappers, because it writes no files, each such frame moves.
- Any other frame is an **ordinary** one. It counts if no span follows.
- **Statements and copies** have no function of the program's. Their spans begin where our wrapper around
  sqlite3, copy, pickle or SQLAlchemy stands (:mod:`nutrace.sampling.own_frames`).
- If one of our frames is the **innermost** and no such span begins there, the sample is nutrace's own cost:
  the function "(nutrace)". Stacks of nutrace's own threads are left out.
- **Blocks** (``with nutrace.span()``, context managers, steps, SQLAlchemy's statements, the program's own
  spans) have no function of their own on the stack while they last. Their spans are in the group of the
  function around them.
- **Garbage collections** are not divided: what is sampled during one counts for the function that it strikes,
  and the collection has a span and a time of its own.
- **Recursion**: each call with a span of its own is a group of its own.
- **Generators** and coroutines stand on the stack below whatever resumes them, where their spans are, too. If
  another function's generator is what a call returned, the frame to look for is the generator's.
- **Threads**: a span on another thread than its parent begins a new stack, and so does an asyncio task. If a
  called function has no span below the ones met so far, but all of its spans have the same functions around
  them, the frame moves there. If they do not, the sample has no place.
- **Composite spans** are as any others.
- **A subclass's method** that calls its base class's by ``super()`` has two spans, one in the other. So has a
  method that nutrace gave a class in the place of an inherited one: it calls the inherited one.
- **Decorators**: what they do around a probed function is in its span. While their code runs and the function
  has not begun, a sample has a place if only one function that may come there is decorated so.
- **Names**: a function is its file, the line of its beginning, and the last part of its name. Of a sampler
  that gives the current line or none, or a part of the path, a function is a span's if its name, and as
  much as there is of its file, are those of only one function that may come there. Else the sample has no
  place.
- **Native frames** count if none of Python's follows.

A stack without such functions lies outside of the spans.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.sampling.chains import chain_groups
from nutrace.sampling.stacks import Function, Stacks
from nutrace.sampling.walk import AMBIGUOUS, OUTSIDE, Walk
from nutrace.trace.sampled import NO_GROUP, Sampled, SampledFunction, SampledGroup
from nutrace.trace.trace import Trace

#: In place of a resource's number: a process that has no spans.
NOT_TRACED = -1
UNTRACED = "in processes without spans"

__all__ = ["AMBIGUOUS", "NOT_TRACED", "OUTSIDE", "UNTRACED", "Given", "join"]

Given = Tuple[Stacks, Optional[int]]


def join(trace: Trace, stacks: Sequence[Given], notes: Sequence[str] = ()) -> Trace:
    """The trace with ``sampled``: the samples that lie in its spans.

    Parameters
    ----------
    stacks:
        Each with the number of the resource (process) of which they are, :data:`NOT_TRACED` if it has none,
        or None: they may be of any process of which there are no others.
    notes:
        Sentences to add to those of the stacks.
    """
    # One tree for the processes without stacks of their own, and one for each of the others.
    owned = sorted({resource for _, resource in stacks if resource is not None})
    tree_of = {resource: number for number, resource in enumerate(owned, 1)}
    owners = [tree_of.get(resource, 0) for resource in range(len(trace.resources))]
    trees, group_of = chain_groups(trace, owners, len(owned) + 1)
    walks = [
        Walk(tree, UNTRACED if number and owned[number - 1] == NOT_TRACED else OUTSIDE)
        for number, tree in enumerate(trees)
    ]
    for some, resource in stacks:
        walks[0 if resource is None else tree_of[resource]].add(some)
    return replace(trace, sampled=_sampled(trace, owners, group_of, walks, [s for s, _ in stacks], notes))


def _sampled(
    trace: Trace,
    owners: Sequence[int],
    group_of: array[int],
    walks: Sequence[Walk],
    stacks: Sequence[Stacks],
    notes: Sequence[str],
) -> Sampled:
    numbers: Dict[Function, int] = {}
    groups: List[SampledGroup] = []
    final: List[Dict[int, int]] = []
    for walk in walks:
        final.append({})
        for group, made in walk.groups(numbers).items():
            final[-1][group] = len(groups)
            groups.append(made)
    tables = [final[owners[key.resource]] for key in trace.threads]
    of_spans = array(
        "i",
        [
            NO_GROUP if name == semconv.GC_SPAN else tables[thread].get(group, NO_GROUP)
            for name, thread, group in zip(trace.name, trace.thread, group_of)
        ],
    )
    unplaced: Dict[str, int] = {}
    for walk in walks:
        for reason, count in walk.unplaced.items():
            unplaced[reason] = unplaced.get(reason, 0) + count
    taken = sum(walk.taken for walk in walks)
    rates = {some.rate_hz for some in stacks}
    said = [note for some in stacks for note in some.notes]
    return Sampled(
        functions=tuple(SampledFunction(*function) for function in numbers),
        groups=tuple(groups),
        group_of=of_spans,
        taken=taken,
        placed=taken - sum(unplaced.values()),
        unplaced=unplaced,
        samplers=tuple(dict.fromkeys(some.sampler for some in stacks if some.sampler)),
        rate_hz=rates.pop() if len(rates) == 1 else 0.0,
        notes=tuple(dict.fromkeys([*notes, *said])),
    )
