"""Run programs that are sampled, and look at what was seen and what is left."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

from fakes.programs import Ended, finish, start, write

from nutrace import semconv
from nutrace.sampling import pyspy
from nutrace.sampling.stacks import Stacks, parse
from nutrace.trace import Trace

#: Burns wall-clock time in a named function, and notes how much: `spent` is what samples are compared with.
#: Nobody waits for py-spy, which comes late on a busy machine: a program calls `until_sampled()` before the
#: work whose samples are counted, and `until_sampled(2)` after an exec, when sampling begins again.
BURN = """
import collections, os, pathlib, time
spent = collections.Counter()
def burn(name, seconds):
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        sum(range(1000))
    spent[name] += time.perf_counter() - began
def until_sampled(times=1):
    until = time.monotonic() + 60
    logs = pathlib.Path(os.environ["TMPDIR"])
    while time.monotonic() < until:
        own = [log.read_text() for log in logs.glob(f"nutrace*/{os.getpid()}-*.log")]
        if sum("Sampling process" in log for log in own) >= times:
            return
        sum(range(10_000))
    raise SystemExit("waited in vain for py-spy")
def half(): burn("half", 0.05)
def third(): burn("third", 0.03)
def fifth(): burn("fifth", 0.02)
"""


@functools.cache
def why_not() -> str:
    """Why py-spy cannot be used here; "" if it can."""
    program = pyspy.find()
    if program is None:
        return "py-spy is not installed"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        time.sleep(0.3)
        words = [program, "dump", "--pid", str(sleeper.pid)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    finally:
        sleeper.kill()
        sleeper.wait()
    return "" if done.returncode == 0 else f"py-spy cannot look into a process here: {done.stderr[:200]}"


def start_sampled(
    folder: Path, source: str, *arguments: str, hz: int = 200, **options: Any
) -> subprocess.Popen[str]:
    """Start a program that is sampled; what nutrace puts into temporary folders is below `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    variables = {
        "NUTRACE_SAMPLE": str(hz),
        "TMPDIR": str(temporary),
        **options.pop("variables", {}),
    }
    return start(folder, [write(folder, source).name, *arguments], variables=variables, **options)


def run_sampled(folder: Path, source: str, *arguments: str, **options: Any) -> Ended:
    """Run such a program to its end, and see that nothing of the sampling is left."""
    process = start_sampled(folder, source, *arguments, **options)
    ended = finish(folder, process, options.get("output", "run.json"))
    assert "fault" not in ended.err
    wait_until_nothing_is_left(folder)
    return ended


def wait_until_nothing_is_left(folder: Path) -> None:
    """See that the processes that sample end, and that their files go."""
    until = time.monotonic() + 15
    while samplers(folder) or list((folder / "tmp").glob("nutrace*")):
        assert time.monotonic() < until, (samplers(folder), list((folder / "tmp").rglob("*")))
        time.sleep(0.02)


def samplers(folder: Path) -> Dict[int, str]:
    """The processes that sample programs of `folder`: py-spy, and the one beside the run."""
    running = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path("/proc", pid, "cmdline").read_bytes().decode().replace("\0", " ")
            state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"{folder}/tmp/nutrace-sampling-" in words and state != "Z":
            running[int(pid)] = words
    return running


def pyspies(folder: Path) -> List[int]:
    """The process ids of py-spy."""
    return [pid for pid, words in samplers(folder).items() if " record " in words]


def attached(folder: Path, number: int = 1) -> bool:
    """Whether so many of the programs of `folder` are being sampled."""
    logs = [file.read_text() for file in (folder / "tmp").glob("nutrace*/*.log")]
    return sum("Sampling process" in log for log in logs) >= number


def beside(folder: Path) -> List[int]:
    """The process ids of what stands beside a run."""
    return [pid for pid, words in samplers(folder).items() if "beside.py" in words]


def wait_for(condition: Any) -> Any:
    """Wait until something is true, and return it."""
    until = time.monotonic() + 20
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def stacks_of(trace: Trace) -> Dict[int, Stacks]:
    """The samples of each process of a run that has some."""
    return {
        resource.pid or 0: parse(resource.attributes[semconv.SAMPLES])
        for resource in trace.resources
        if semconv.SAMPLES in resource.attributes
    }


def inside(stacks: Stacks) -> Counter[str]:
    """For each function the samples that it is in, itself or what it calls."""
    counts: Counter[str] = Counter()
    for stack, count in stacks.stacks():
        counts.update(dict.fromkeys({name.rpartition(".")[2] for name, _, _ in stack}, count))
    return counts
