"""Every command on files that were changed at random, for half a minute; see cases.py for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Optional

import pytest

pytestmark = pytest.mark.once

_CASES = Path(__file__).with_name("cases.py")


@pytest.mark.timeout(300)  # a busy machine needs longer to make the first run file
@pytest.mark.parametrize("seed", [1, None], ids=["the same cases", "others each time"])
def test_no_file_makes_a_command_fail(seed: Optional[int]) -> None:
    chosen = Random().randrange(10**6) if seed is None else seed
    words = [sys.executable, str(_CASES), "--seconds", "15", "--seed", str(chosen), "--faults", "3"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280)
    assert done.returncode == 0, done.stdout
    assert f"seed {chosen}" in done.stdout
