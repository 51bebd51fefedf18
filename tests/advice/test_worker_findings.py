"""Findings about workers, in runs that are made to show one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from advice.fakes_of_advice import findings
from fakes.evaluations import Worker, evaluated

from nutrace import semconv
from nutrace.trace import Trace

_FOUR = {semconv.PROCESSORS: 4}


def _titles(trace: Trace, kind: str) -> List[str]:
    return [finding.title for finding in findings(trace).get(kind, [])]


def test_a_sequential_run_beside_idle_processors(tmp_path: Path) -> None:
    scenarios = [(20 + 30 * at, 50 + 30 * at) for at in range(8)]
    trace = evaluated(tmp_path, main=scenarios, **_FOUR)
    # Four processes import what the driver did, in 10 s, and simulate two scenarios each.
    assert _titles(trace, "cores") == [
        "Simulate in 4 processes: the run likely takes 92.0 s instead of 262.0 s"
    ]
    (finding,) = findings(trace)["cores"]
    assert "worker=ray_distributed" in finding.proof[0].full


@pytest.mark.parametrize(
    ("more", "scenarios"),
    [
        ({}, 8),  # nobody knows how many processors there are
        ({semconv.PROCESSORS: 1}, 8),
        (_FOUR, 1),
    ],
)
def test_no_idle_processors_or_nothing_to_spread(tmp_path: Path, more: Any, scenarios: int) -> None:
    trace = evaluated(tmp_path, main=[(20 + 30 * at, 50 + 30 * at) for at in range(scenarios)], **more)
    assert _titles(trace, "cores") == []


def test_scenarios_that_use_all_processors_already(tmp_path: Path) -> None:
    scenarios = [(20 + 30 * at, 50 + 30 * at) for at in range(8)]
    assert _titles(evaluated(tmp_path, main=scenarios, main_cpu_share=3.8, **_FOUR), "cores") == []
    assert _titles(evaluated(tmp_path, main=scenarios, main_cpu_share=1.0, **_FOUR), "cores")


def test_threads_that_share_the_lock(tmp_path: Path) -> None:
    pool = [Worker([(20, 120)], created=None, cpu=1.0, cpu_share=0.5)] * 2
    trace = evaluated(tmp_path, *pool, **_FOUR)
    assert _titles(trace, "cores") == [
        "Simulate in 2 processes: the run likely takes 82.0 s instead of 122.0 s"
    ]


def test_processes_already(tmp_path: Path) -> None:
    trace = evaluated(tmp_path, Worker([(21, 50), (50, 90)], created=5, cpu=1.0), **_FOUR)
    assert _titles(trace, "cores") == []


def test_a_process_for_each_scenario(tmp_path: Path) -> None:
    workers = [Worker([(26 + 20 * at, 36 + 20 * at)], created=20 + 20 * at) for at in range(4)]
    (title,) = _titles(evaluated(tmp_path, *workers), "startups")
    assert title == "Let worker processes live on: 4 of them simulated 4 scenarios"


def test_a_process_for_each_scenario_at_once_is_as_it_should_be(tmp_path: Path) -> None:
    workers = [Worker([(26, 36)], created=20) for _ in range(4)]
    assert _titles(evaluated(tmp_path, *workers), "startups") == []


def test_handing_over_takes_long(tmp_path: Path) -> None:
    """2 s between scenarios of 10 s."""
    scenarios = [(20 + 12 * at, 30 + 12 * at) for at in range(5)]
    trace = evaluated(tmp_path, Worker(scenarios, created=5, cpu=1.0))
    (finding,) = findings(trace)["startups"]
    assert finding.title == "Start scenarios faster: 2,000 ms go by before the first step of each, 17% of it"
    assert "2,000 ms a scenario: handing it over" in finding.evidence


@pytest.mark.parametrize(("gb", "title"), [(8, "Use 2 workers"), (14, ""), (2, "Use 1 worker")])
def test_more_workers_than_memory_holds(tmp_path: Path, gb: int, title: str) -> None:
    """The driver has 1 GB, a worker 3 GB."""
    workers = [Worker([(21, 41)], created=5, memory_mb=3000) for _ in range(3)]
    workers.append(Worker([(21, 25), (25, 30)], created=5, memory_mb=3000, unfinished=True))
    of_all = {semconv.HOST_MEMORY: gb * 10**9, semconv.MEMORY_PEAK: 10**9}
    trace = evaluated(tmp_path, *workers, **of_all)
    found = findings(trace).get("crowded", [])
    assert [each.title for each in found] == (
        [f"{title} at most: the machine has {gb}.0 GB"] if title else []
    )
    for finding in found:
        assert "4 workers need 13.0 GB" in finding.evidence
        assert "process 104 ended in scenario 0005" in finding.evidence
