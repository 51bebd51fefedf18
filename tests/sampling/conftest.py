"""Fixtures of the tests that sample."""

from __future__ import annotations

import pytest
from fakes.sampled import why_not


@pytest.fixture(scope="session")
def pyspy_works() -> None:
    """Skip a test where py-spy cannot look into a process."""
    if why_not():
        pytest.skip(why_not())
