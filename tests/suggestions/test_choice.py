"""Which functions are chosen, and what of a span's time lies in them."""

from __future__ import annotations

import time
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import pytest
from fakes.joined_samples import Function, Stack, with_samples
from fakes.otlp import RESOURCE, document, write

from nutrace.probes.probe import Probe
from nutrace.suggestions.suggest import Suggestions, survey
from nutrace.trace import Trace, load
from nutrace.trace.sampled import SampledFunction, SampledGroup

_STEPS = 10
_STEP = [("planner.compute", 100, 900, {"nutrace.component": "planner"})]


class Project:
    """Source files, and samples of their functions.

    ``project("user:plan")`` is the function ``plan`` of the user's module ``user``; a module that begins with
    ``lib`` lies in site-packages.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: Dict[str, List[str]] = {}

    def __call__(self, target: str) -> Function:
        module, name = target.split(":")
        lines = self.lines.setdefault(module, [])
        source = f"def {name}(): pass"
        if source not in lines:
            lines.append(source)
        folder = self.folder / "site-packages" if module.startswith("lib") else self.folder
        folder.mkdir(exist_ok=True)
        file = folder / f"{module}.py"
        file.write_text("\n".join(lines), encoding="utf-8")
        return name, str(file), lines.index(source) + 1

    def stacks(self, text: str) -> List[Stack]:
        """Stacks as lines: ``user:plan user:search 30``."""
        return [
            ([self(word) for word in words], int(number))
            for *words, number in map(str.split, text.strip().splitlines())
        ]

    def trace(
        self,
        stacks: str,
        step: Sequence[Any] = _STEP,
        name: str = "planner.compute",
        resource: Optional[Dict[str, Any]] = None,
    ) -> Trace:
        """A run with steps of a millisecond, 800 us of it in planner.compute, with samples."""
        tree = []
        for at in range(0, _STEPS * 1000, 1000):
            inside = [(span, at + start, at + end, *more) for span, start, end, *more in step]
            tree.append(("simulation.step", at, at + 1000, inside))
        trace = load(write(self.folder / "run.json", document(*tree, resource=resource)))
        return with_samples(trace, {name: self.stacks(stacks)})

    def suggest(self, stacks: str, limit: int = 0, probed: Sequence[Probe] = (), **more: Any) -> Suggestions:
        trace = self.trace(stacks, **more)
        assert trace.sampled is not None
        return survey(trace, trace.sampled, probed, None, 0.03).suggest(limit)


def targets(suggestions: Suggestions) -> List[str]:
    return [each.candidate.probe.target for each in suggestions.suggested]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_phases_below_a_wrapper_and_their_leaves(project: Project) -> None:
    suggestions = project.suggest("""
        user:compute 10
        user:compute user:simulate 100
        user:compute user:simulate user:track 400
        user:compute user:score 300
        user:compute user:brake 190
    """)
    # compute is the whole span.
    assert targets(suggestions) == ["user:simulate", "user:track", "user:score", "user:brake"]
    assert suggestions.covered == (pytest.approx(0.99),)


def test_a_chain_is_suggested_once(project: Project) -> None:
    suggestions = project.suggest("""
        user:first user:second user:third 500
        user:other 500
    """)
    assert targets(suggestions) == ["user:first", "user:other"]


def test_a_callee_of_several_is_no_link_of_a_chain(project: Project) -> None:
    suggestions = project.suggest("""
        user:one user:shared 300
        user:two user:shared 300
        user:rest 400
    """)
    assert sorted(targets(suggestions)) == ["user:one", "user:rest", "user:shared", "user:two"]


def test_times_shares_and_intervals(project: Project) -> None:
    seen = {
        each.candidate.probe.target: each.candidate.seen
        for each in project.suggest("""
            user:plan 100
            user:plan user:search 300
            user:rest 400
        """).suggested
    }
    plan = seen["user:plan"]
    assert (plan.own_ns, plan.total_ns) == (_STEPS * 100_000, _STEPS * 400_000)
    assert (plan.share, plan.samples) == (0.5, 400)
    assert (plan.share_low, plan.share_high) == pytest.approx((0.4654, 0.5346), abs=1e-4)


def test_recursion_counts_once(project: Project) -> None:
    suggestions = project.suggest("""
        user:walk user:walk user:walk 300
        user:walk user:leaf user:walk 300
        user:rest 200
    """)
    walk = suggestions.suggested[0].candidate.seen
    assert (walk.function.name, walk.share, walk.own_ns) == ("walk", 0.75, _STEPS * 600_000)
    assert suggestions.covered == (1.0,)


def test_other_packages_come_after_and_only_for_what_is_left(project: Project) -> None:
    suggestions = project.suggest("""
        libgeometry:contains 250
        libgeometry:contains libgeometry:inner 250
        user:small libgeometry:distance 200
        user:plan 100
    """)
    assert targets(suggestions) == ["user:small", "user:plan", "libgeometry:contains"]
    assert [each.candidate.origin.name for each in suggestions.suggested] == ["OWN", "OWN", "PACKAGE"]


def test_a_library_that_calls_the_user(project: Project) -> None:
    """The user's function is preferred to a caller that is not theirs and adds nothing."""
    suggestions = project.suggest("""
        libloop:run user:step 500
        user:rest 300
    """)
    assert targets(suggestions) == ["user:step", "user:rest"]


def test_the_limit_keeps_the_largest(project: Project) -> None:
    suggestions = project.suggest("user:a 500\nuser:b 200\nuser:c 100", limit=2)
    assert targets(suggestions) == ["user:a", "user:b"]
    assert suggestions.covered == (0.875,)


def test_few_samples_are_no_fact(project: Project) -> None:
    assert targets(project.suggest("user:a 200\nuser:b 9")) == []  # a is nearly the whole span
    assert targets(project.suggest("user:a 40\nuser:b 30\nuser:c 9")) == ["user:a", "user:b"]


def test_what_has_a_probe_is_left_out(project: Project) -> None:
    resource = {**RESOURCE, "nutrace.probes": ["user:a"]}
    suggestions = project.suggest("user:a 300\nuser:b 300", resource=resource)
    assert targets(suggestions) == ["user:b"]


def test_names_are_unique(project: Project) -> None:
    suggestions = project.suggest("user:a 300\nuser:b 300", probed=[Probe("elsewhere:b", name="user.b")])
    names = {each.candidate.probe.target: each.candidate.probe.name for each in suggestions.suggested}
    assert names == {"user:a": "user.a", "user:b": "user.b 2"}


def test_a_probe_of_a_finer_level_keeps_its_name(project: Project) -> None:
    probed = [
        Probe("user:a", "model", "model.a", "fine", distribution="x"),
        Probe("user:b", "model", "model.b", "fine", subclasses=True),
    ]
    suggestions = project.suggest("user:a 300\nuser:b 300\nuser:c 300", probed=probed)
    probes = {each.candidate.probe for each in suggestions.suggested}
    # A file could not say that b is one of a family.
    assert probes == {Probe("user:a", "model", "model.a"), Probe("user:c", "planner", "user.c")}


def test_the_component_is_that_of_the_span_or_of_what_asked(project: Project) -> None:
    stacks = "user:a 300\nuser:b 300"
    suggestions = project.suggest(stacks)
    assert {each.candidate.probe.component for each in suggestions.suggested} == {"planner"}
    copy = [("planner.compute", 100, 900, [("copy.deepcopy", 200, 800, {"nutrace.component": "deepcopy"})],
             {"nutrace.component": "planner"})]  # fmt: skip
    tree = [("simulation.step", 0, 1000, copy)]
    trace = with_samples(
        load(write(project.folder / "run.json", document(*tree))), {"copy.deepcopy": project.stacks(stacks)}
    )
    assert trace.sampled is not None
    found = survey(trace, trace.sampled, (), None, 0.03).suggest(0)
    assert {each.candidate.probe.component for each in found.suggested} == {"planner"}


def test_unknown_components_of_other_programs(project: Project) -> None:
    step = [("work", 100, 900, {"nutrace.component": "engine\nroom"})]
    suggestions = project.suggest("user:a 300\nuser:b 300", step=step, name="work")
    assert {each.candidate.probe.component for each in suggestions.suggested} == {"other"}


def test_small_spans_are_not_looked_into_unless_named(project: Project) -> None:
    step = [("planner.compute", 0, 30, {"nutrace.component": "planner"}), ("large", 30, 1000)]
    trace = project.trace("user:a 300\nuser:b 300", step=step)
    assert trace.sampled is not None
    trace = with_samples(
        trace,
        {"planner.compute": project.stacks("user:a 300\nuser:b 300"), "large": project.stacks("user:c 9")},
    )
    assert trace.sampled is not None
    assert targets(survey(trace, trace.sampled, (), None, 0.03).suggest(0)) == []
    found = survey(trace, trace.sampled, (), "planner.compute", 0.03).suggest(0)
    assert targets(found) == ["user:a", "user:b"]


def test_what_cannot_be_probed_is_said(project: Project) -> None:
    trace = project.trace("user:a 300\nuser:b 300")
    (project.folder / "user.py").write_text("\n\ndef b(): pass\n", encoding="utf-8")
    assert trace.sampled is not None
    found = survey(trace, trace.sampled, (), None, 0.03).suggest(0)
    assert targets(found) == []
    assert {each.seen.function.name: each.reason.partition(":")[0] for each in found.unprobed} == {
        "a": "the source has no such function at line 1",
        "b": "the source has no such function at line 2",
    }


def test_deep_stacks(project: Project) -> None:
    """Thousands of functions that call each other, again and again."""
    lines = [f"def f{number}(): pass" for number in range(3000)]
    file = project.folder / "user.py"
    trace = project.trace("user:f0 100")
    file.write_text("\n".join(lines), encoding="utf-8")
    depth = 2 * len(lines)
    chain = SampledGroup(
        0,
        array("i", range(-1, depth - 1)),
        array("i", [number % len(lines) for number in range(depth)]),
        array("q", [0] * (depth - 1) + [100]),
    )
    assert trace.sampled is not None
    functions = tuple(SampledFunction(f"f{number}", str(file), number + 1) for number in range(len(lines)))
    sampled = replace(trace.sampled, functions=functions, groups=(chain,))
    began = time.process_time()
    suggestions = survey(trace, sampled, (), None, 0.03).suggest(0)
    assert time.process_time() - began < 5
    assert targets(suggestions) == []  # each is all of the span
