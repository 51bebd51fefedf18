"""Samples against a truth of their own: the times that the program measured itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.sampled import BURN, inside, run_sampled, stacks_of

pytestmark = pytest.mark.usefixtures("pyspy_works")


def _agree(counts: dict[str, int], spent: dict[str, float]) -> None:
    """Each share is within four standard errors, and a 50th for what happens between two samples."""
    total, seconds = sum(counts[name] for name in spent), sum(spent.values())
    assert total > 50
    for name, time_s in spent.items():
        share = time_s / seconds
        error = 4 * (share * (1 - share) / total) ** 0.5 + 0.02
        assert counts[name] / total == pytest.approx(share, abs=error), (counts, spent)


def test_functions_of_a_span_have_the_shares_that_they_take(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        BURN
        + """
import json, nutrace
@nutrace.probe
def work():
    for _ in range(15):
        half(); third(); fifth()
until_sampled()
work()
print(json.dumps(spent))
""",
    )
    stacks = stacks_of(ended.trace)
    assert len(stacks) == 1
    (seen,) = stacks.values()
    _agree(inside(seen), json.loads(ended.out))
    assert seen.sampler.startswith("py-spy 0.")
    assert seen.rate_hz == 200
    assert seen.modules[str(tmp_path / "program.py")] == "__main__"
    assert f"{seen.taken:,} samples ({seen.sampler}, 200 Hz)" in ended.err


def test_a_function_that_waits_counts_and_so_does_another_thread(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        BURN
        + """
import json, nutrace, threading
def waits():
    began = time.perf_counter()
    time.sleep(1.0)
    spent["waits"] = time.perf_counter() - began
def waits_too(lock):
    began = time.perf_counter()
    lock.acquire(timeout=1.0)
    spent["waits_too"] = time.perf_counter() - began
@nutrace.probe
def work():
    waits()
lock = threading.Lock()
lock.acquire()
until_sampled()
thread = threading.Thread(target=waits_too, args=[lock])
thread.start()
work()
thread.join()
print(json.dumps(spent))
""",
    )
    (seen,) = stacks_of(ended.trace).values()
    counts = inside(seen)
    assert counts["waits"] > 80
    spent = json.loads(ended.out)
    expected = counts["waits"] * spent["waits_too"] / spent["waits"]  # either one may wake up late
    assert counts["waits_too"] == pytest.approx(expected, rel=0.4)
    assert not counts["_write_in_background"]
    assert not counts["finish"]


def test_functions_that_are_not_pythons(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        BURN
        + """
import nutrace, zlib
data = bytes(range(256)) * 100_000
@nutrace.probe
def work():
    for _ in range(20):
        zlib.compress(data, 9)
until_sampled()
work()
""",
        variables={"NUTRACE_SAMPLE_NATIVE": "1"},
    )
    (seen,) = stacks_of(ended.trace).values()
    below = [stack[-1] for stack, _ in seen.stacks() if any(name == "work" for name, _, _ in stack)]
    assert any(file.endswith((".so", ".c")) or ".so." in file for _, file, _ in below), below


def test_the_samples_are_written_once_and_whole(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        BURN
        + """
import nutrace, time
@nutrace.probe
def work():
    for _ in range(20):
        half()
        with nutrace.span("inner"):
            pass
until_sampled()
work()
""",
        variables={"NUTRACE_TEXT_LIMIT": "16", "NUTRACE_FLUSH_SECONDS": "0.05"},
    )
    (seen,) = stacks_of(ended.trace).values()
    assert inside(seen)["half"] > 20
    assert (tmp_path / "run.json").read_text().count("nutrace.samples") == 1
