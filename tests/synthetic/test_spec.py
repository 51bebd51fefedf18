"""Bad dimensions are refused with one line that says what is allowed."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from nutrace.errors import UsageError
from nutrace.synthetic import LogSpec


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"seconds": 26.9}, "seconds must be 27 to 7200"),
        ({"seconds": 7201}, "seconds must be 27 to 7200"),
        ({"seconds": float("nan")}, "seconds must be 27 to 7200, not nan"),
        ({"seconds": float("inf")}, "seconds must be"),
        ({"agents": 0}, "agents must be 1 to 2000, not 0"),
        ({"agents": 2001}, "agents must be"),
        ({"traffic_lights": -1}, "traffic lights must be 0 to 3000, not -1"),
        ({"traffic_lights": 3001}, "traffic lights must be"),
        ({"seed": -1}, "the seed must not be negative"),
    ],
)
def test_bad_dimension_is_refused(bad: Dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        LogSpec(**bad)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("good", [{"seconds": 27}, {"agents": 2000}, {"traffic_lights": 0}, {"seed": 0}])
def test_limits_themselves_are_fine(good: Dict[str, Any]) -> None:
    LogSpec(**good)
