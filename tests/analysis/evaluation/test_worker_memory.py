"""What workers need, from runs in which each process holds what the test says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Optional, Sequence

import pytest
from fakes.chosen_scenarios import DRIVER, MB, Simulated, evaluation_of
from fakes.otlp import document, trace_of, write

from nutrace import semconv
from nutrace.analysis.evaluation.memory_growth import AFTER, BEFORE, BETWEEN, STEPS, WHOLE
from nutrace.analysis.evaluation.worker_memory import WorkerMemory, worker_memory
from nutrace.analysis.memory import memory
from nutrace.cli.main import main
from nutrace.trace import load

DRIVER_MB, BASE_MB, PASSING_MB = 600, 400, 50
STEP_MS = [10.0] * 5


def _worker_needs_mb(growth_mb: float, scenarios: int) -> float:
    """The truth: what it loads, what each scenario leaves, and what a scenario needs while it lasts."""
    return BASE_MB + growth_mb * scenarios + PASSING_MB


def _run(growth_mb: float, shares: Sequence[int], *, peaks: bool = True) -> List[Simulated]:
    """Workers that simulate so many scenarios each; what a scenario leaves comes after its steps."""
    scenarios = []
    for worker, share in enumerate(shares, 201):
        for place in range(share):
            held = BASE_MB + growth_mb * place
            readings = [held, *[held + PASSING_MB] * 5, held + growth_mb]
            peak = _worker_needs_mb(growth_mb, place + 1) if peaks else None
            token = f"{worker}-{place:03d}"
            scenarios.append(Simulated(token, worker, STEP_MS, 100 * place, memory_mb=readings, peak_mb=peak))
    return scenarios


def _of(tmp_path: Path, scenarios: Sequence[Simulated], **options: Any) -> WorkerMemory:
    driver = {semconv.MEMORY_PEAK: DRIVER_MB * MB}
    found = worker_memory(evaluation_of(tmp_path, scenarios, driver=driver, **options))
    assert found is not None
    return found


def test_without_growth_the_largest_peak_counts(tmp_path: Path) -> None:
    found = _of(tmp_path, _run(0, [4, 3]))
    assert (found.driver_mb, found.per_worker_mb, found.peak_mb) == (600, 450, 600)
    assert (found.growth_mb_per_scenario, found.steady, found.grew_in) == (0, False, ())
    assert (found.by_kernel, found.threads, found.driver_simulates) == (True, 0, False)
    assert [(worker.pid, worker.scenarios) for worker in found.workers] == [(201, 4), (202, 3)]
    expected = tuple((gb, int((gb * 1000 - 600) // 450)) for gb in (8, 16, 32, 64, 128, 256))
    assert found.fits == expected
    assert found.fits[0] == (8, 16)


@pytest.mark.parametrize("shares", [[6, 6], [12], [4, 3, 5]])
@pytest.mark.parametrize("growth_mb", [20, 300])
def test_growth_over_the_scenarios_that_a_worker_gets(
    tmp_path: Path, growth_mb: float, shares: List[int]
) -> None:
    """Predictions for other numbers of workers are what such workers would need."""
    found = _of(tmp_path, _run(growth_mb, shares))
    assert found.steady
    assert found.growth_mb_per_scenario == growth_mb
    assert found.per_worker_mb == _worker_needs_mb(growth_mb, max(shares))

    def truth(workers: int) -> float:
        return DRIVER_MB + workers * _worker_needs_mb(growth_mb, -(-12 // workers))

    for workers in range(1, 40):
        assert found.needed_mb(workers) == pytest.approx(truth(workers), abs=0.1)
    for gb, fit in found.fits:
        most = max((n for n in range(1, 600) if truth(n) <= gb * 1000), default=0)
        assert fit == most, gb


def test_workers_that_fit_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = {pid: {semconv.HOST_MEMORY: 8_200_000_000} for pid in (201, 202)}
    found = _of(tmp_path, _run(20, [6, 6]), resources=machine)
    path = str(tmp_path / "run.json")
    assert main(["workers", path, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["memory"]
    assert (said["peak_mb"], said["per_worker_mb"], said["growth_mb_per_scenario"]) == (600, 570, 20)
    assert said["fits"] == [{"gb": gb, "workers": workers} for gb, workers in found.fits]
    assert [gb for gb, _ in found.fits] == [8, 8.2, 16, 32, 64, 128, 256]
    assert main(["workers", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "workers at most" in line)
    assert row.split()[3:] == [f"{workers:,}" for _, workers in found.fits]
    assert "  The run's machine has 8.2 GB." in lines
    assert main(["report", path]) == 0
    line = f"at most {found.fit(8.2)} such workers fit into 8.2 GB"
    assert line in capsys.readouterr().out


def test_steady_growth_comes_before_chance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two scenarios are too few to tell, however much the process grew."""
    loading = [
        Simulated(f"l{place}", 203, STEP_MS, 100 * place, memory_mb=[400, *[400] * 5, 400 + 100 * place])
        for place in range(2)
    ]
    found = _of(tmp_path, [*_run(20, [5]), *loading])
    assert (found.steady, found.growth_mb_per_scenario) == (True, 20)
    found = _of(tmp_path, _run(20, [1, 1]))
    assert (found.steady, found.growth_mb_per_scenario) == (False, None)
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "its growth not known" in capsys.readouterr().out


def test_growth_is_the_one_of_the_report(tmp_path: Path) -> None:
    trace = evaluation_of(tmp_path, _run(20, [6, 6]))
    found, used = worker_memory(trace), memory(trace)
    assert found is not None
    assert used is not None
    assert found.growth_mb_per_scenario == (used.growth[0].per_scenario or 0) / MB
    assert found.peak_mb == used.peak / MB


def test_not_one_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _of(tmp_path, _run(2_000, [6]), resources={201: {semconv.HOST_MEMORY: 8_200_000_000}})
    assert found.fits[0] == (8, 0)
    assert found.machine_gb == 8.2
    assert found.fit(8.2) == found.fits[1][1] == 0
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "not one such worker fits into 8.2 GB" in capsys.readouterr().out


def test_readings_alone_are_no_kernels_peak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a worker that was killed: the true peak may be higher, and it is said."""
    found = _of(tmp_path, _run(0, [3, 3], peaks=False))
    assert not found.by_kernel
    assert found.per_worker_mb == BASE_MB + PASSING_MB
    assert main(["report", str(tmp_path / "run.json")]) == 0
    line = "a worker needs 450.0 MB at its highest reading, the driver 600.0 MB, no steady growth: "
    assert line + "at most 34 such workers fit into 16 GB, 140 into 64 GB" in capsys.readouterr().out


def test_a_worker_that_was_killed_for_memory(tmp_path: Path) -> None:
    """What it held when it was last heard of is what a worker needs."""
    grown = [BASE_MB, 900, 2_000, 3_900]
    killed = Simulated("killed", 203, [10.0] * 4, 5, memory_mb=[*grown, None], unfinished=True)
    found = _of(tmp_path, [*_run(0, [2, 2]), killed])
    assert found.per_worker_mb == 3_900
    assert found.workers[0].pid == 203
    assert not found.by_kernel


def test_a_driver_that_simulates_by_itself(tmp_path: Path) -> None:
    """A worker process would need what this one did, beside a driver as it was before."""
    scenarios = [
        Simulated(f"t{place}", DRIVER, STEP_MS, 100 * place, memory_mb=[400, *[450] * 5, 400])
        for place in range(3)
    ]
    found = worker_memory(evaluation_of(tmp_path, scenarios))
    assert found is not None
    assert (found.driver_simulates, found.threads) == (True, 0)
    assert (found.driver_mb, found.per_worker_mb) == (400, 450)


def test_threads_of_one_process(tmp_path: Path) -> None:
    """Two threads hold 100 MB each while they simulate, and each scenario leaves 20 MB in the process."""
    scenarios = []
    for place in range(8):
        for thread in (2, 3):
            done = 2 * place + (thread - 2)
            held = 400 + 20 * done
            readings = [held, *[held + 200] * 5, held + 20]
            scenarios.append(
                Simulated(
                    f"{thread}-{place}", DRIVER, STEP_MS, 100 * place + thread, thread, memory_mb=readings
                )
            )
    peak = 400 + 20 * 16 + 200
    driver = {semconv.MEMORY_PEAK: peak * MB}
    found = worker_memory(evaluation_of(tmp_path, scenarios, driver=driver))
    assert found is not None
    assert (found.threads, found.driver_mb, found.growth_mb_per_scenario) == (2, 400, 20)
    assert found.per_worker_mb == pytest.approx(100)
    assert found.needed_mb(2) == pytest.approx(peak)
    assert found.needed_mb(5) == pytest.approx(peak + 300)
    assert found.fits[0] == (8, (8_000 - 720) // 100)
    assert found.grew_in == ()


@pytest.mark.parametrize(
    ("readings", "between", "part", "components"),
    [
        # At the start, at the ends of three steps, at the end.
        ([400, 420, 420, 420, 420], 0, BEFORE, ("planner",)),
        ([400, 400, None, 420, 420], 0, STEPS, ()),
        ([400, 400, 400, 400, 420], 0, AFTER, ("metrics",)),
        ([400, 400, 400, 400, 400], 20, BETWEEN, ()),
        ([400, None, None, None, 420], 0, WHOLE, ()),
    ],
)
def test_where_it_grew(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    readings: List[Optional[float]],
    between: float,
    part: str,
    components: Sequence[str],
) -> None:
    scenarios = []
    for place in range(6):
        now = [None if each is None else each + 20 * place for each in readings]
        now = [None if each is None else each + (between - 20) * place * (between > 0) for each in now]
        scenarios.append(Simulated(f"t{place}", 201, [10.0] * 3, 100 * place, memory_mb=now))
    found = _of(tmp_path, scenarios)
    first = found.grew_in[0]
    assert first.part == part
    assert first.per_scenario >= 20 * MB - 1
    assert tuple(name for name, _ in first.components) == components
    trace = load(tmp_path / "run.json")
    used = memory(trace)
    assert used is not None
    assert sum(each.per_scenario for each in found.grew_in) == pytest.approx(used.growth[0].per_scenario)
    assert main(["report", str(tmp_path / "run.json")]) == 0
    text = capsys.readouterr().out
    assert f"and grows by 20.0 MB a scenario (+20.0 {part}" in text
    assert main(["workers", str(tmp_path / "run.json")]) == 0
    text = capsys.readouterr().out
    assert f"(+20.0 {part}" in text
    assert "over an even share of the 6 scenarios." in text
    assert "Which call keeps what grew is not known" in text


def test_what_one_part_gives_back_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenarios = [
        Simulated(
            f"t{place}", 201, [10.0] * 3, 100 * place, memory_mb=[each + 20 * place for each in readings]
        )
        for place, readings in enumerate([[400, 450, 430, 400, 420]] * 6)
    ]
    found = _of(tmp_path, scenarios)
    grew = [(each.part, round(each.per_scenario / MB)) for each in found.grew_in]
    assert grew == [(BEFORE, 50), (AFTER, 20), (STEPS, -50)]
    assert main(["report", str(tmp_path / "run.json")]) == 0
    said = f"(+50.0 {BEFORE}, where planner ran, +20.0 {AFTER}, where metrics ran, -50.0 {STEPS})"
    assert said in capsys.readouterr().out


def test_no_memory_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert worker_memory(evaluation_of(tmp_path, [Simulated("a", 201, STEP_MS)] * 2)) is None
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "memory     the run did not record it" in capsys.readouterr().out


def test_memory_without_scenarios(tmp_path: Path) -> None:
    resource = {semconv.MEMORY_PEAK: 100 * MB}
    found = worker_memory(trace_of(tmp_path, ("a", 0, 10), resource=resource))
    assert found is not None
    assert (found.peak_mb, found.per_worker_mb, found.fits) == (100, None, ())
    assert found.fit(8) == 0


def test_a_driver_without_a_peak(tmp_path: Path) -> None:
    """It was killed, so that its end is not in the file."""
    found = worker_memory(evaluation_of(tmp_path, _run(0, [2, 2])))
    assert found is not None
    assert found.driver_mb is None
    assert found.fits[0] == (8, 17)


def test_one_scenario_is_no_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation_of(tmp_path, _run(0, [1]))
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "Evaluation" not in capsys.readouterr().out
    evaluation_of(tmp_path, _run(0, [1, 1]))
    assert main(["report", str(tmp_path / "run.json"), "--scenario", "1"]) == 0
    assert "Evaluation" not in capsys.readouterr().out
    write(tmp_path / "run.json", document(("a", 0, 10)))
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "Evaluation" not in capsys.readouterr().out
