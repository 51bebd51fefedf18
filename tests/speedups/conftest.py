"""The logs of these tests, and what asks them through a speedup."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from asking import CachedAsking, make_numbers, settle
from asking_frames import FrameAsking, make_frames_log

from nutrace.speedups.scenario_prefetch import reader


@pytest.fixture(scope="session")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A log of numbers that no test changes."""
    made = make_numbers(tmp_path_factory.mktemp("numbers") / "log.db")
    settle(made)
    return made


@pytest.fixture
def own_numbers(tmp_path: Path) -> str:
    """A log of numbers for one test."""
    made = make_numbers(tmp_path / "own.db")
    settle(made)
    return made


@pytest.fixture
def asked() -> Iterator[CachedAsking]:
    """A row cache, which leaves no connection open."""
    made = CachedAsking()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


@pytest.fixture(scope="session")
def frames_logs(tmp_path_factory: pytest.TempPathFactory) -> Dict[bool, str]:
    """Logs of frames with and without indexes, which no test changes."""
    folder = tmp_path_factory.mktemp("frames")
    return {indexes: make_frames_log(folder / f"{indexes}.db", indexes) for indexes in (True, False)}


@pytest.fixture(params=[True, False], ids=["indexed", "unindexed"])
def frames_log(request: Any, frames_logs: Dict[bool, str]) -> str:
    """Each of them."""
    return frames_logs[request.param]


@pytest.fixture
def asking(frames_log: str) -> Iterator[FrameAsking]:
    """A prefetch at the beginning of a scenario, which leaves no connection open."""
    made = FrameAsking(frames_log)
    made.begin()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


@pytest.fixture(autouse=True)
def uncounted_again() -> Iterator[None]:
    """The prefetch's own connections are counted by one :class:`FrameAsking` only."""
    yield
    reader.sqlite3 = sqlite3  # type: ignore[attr-defined]
