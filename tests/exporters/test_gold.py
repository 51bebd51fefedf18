"""Small outputs for people to review; ``NUTRACE_TESTS_REGOLD=1 pytest ...`` writes them again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import pytest

from nutrace.trace import Trace
from nutrace_exporters import find

GOLD = Path(__file__).parent.parent / "gold"
#: Formats that show sampled functions, and are short enough to read.
SAMPLED = ("speedscope", "collapsed", "chrome", "svg")


@pytest.mark.parametrize("name", ["speedscope", "collapsed", "chrome", "svg"])
def test_output_is_the_reviewed_one(name: str, sample: Trace, rendered: Callable[..., bytes]) -> None:
    row = find(name)
    gold = GOLD / f"sample{row.suffix}"
    output = rendered(row.load(), sample)
    if os.environ.get("NUTRACE_TESTS_REGOLD"):
        gold.write_bytes(output)
    assert output.decode() == gold.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLED)
def test_output_with_samples_is_the_reviewed_one(
    name: str, sampled: Trace, rendered: Callable[..., bytes]
) -> None:
    row = find(name)
    gold = GOLD / f"sampled{row.suffix}"
    output = rendered(row.load(), sampled)
    if os.environ.get("NUTRACE_TESTS_REGOLD"):
        gold.write_bytes(output)
    assert output.decode() == gold.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["html", *SAMPLED])
def test_without_samples_nothing_is_different(
    name: str, sample: Trace, sampled: Trace, rendered: Callable[..., bytes]
) -> None:
    module = find(name).load()
    assert rendered(module, sampled, samples=False) == rendered(module, sample)


@pytest.mark.parametrize("name", ["html", "speedscope", "collapsed", "chrome", "svg"])
def test_rendering_twice_gives_equal_bytes(name: str, sample: Any, rendered: Callable[..., bytes]) -> None:
    module = find(name).load()
    assert rendered(module, sample) == rendered(module, sample)
