"""What a process says of itself and its machine is what others say of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest

from nutrace.recording import machine

_SAY = """
import time
time.sleep(0.3)
from nutrace.recording import machine
print(machine.creation_time())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the start of a process is read from /proc")
def test_creation_time_is_when_the_process_was_started_not_when_it_was_asked() -> None:
    before = time.time()
    program = subprocess.Popen([sys.executable, "-c", _SAY], stdout=subprocess.PIPE, text=True)
    started = time.time()
    said, _ = program.communicate(timeout=60)
    created = datetime.strptime(said.strip(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert before - 0.05 <= created.timestamp() <= started + 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_processors_are_those_that_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert machine.processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert machine.processors() == len(allowed)


def test_memory_is_not_more_than_the_machine_has() -> None:
    size = machine.memory_bytes()
    assert size is not None
    assert 100e6 < size <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
