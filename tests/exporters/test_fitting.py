from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nutrace_exporters.fitting import fitted, width_of


@pytest.mark.parametrize(
    ("name", "component", "room", "shown"),
    [
        ("planner.compute_trajectory", "planner", 200, "planner.compute_trajectory"),
        ("planner.compute_trajectory", "planner", 110, "compute_trajectory"),
        ("planner.compute_trajectory", "planner", 80, "comput…ectory"),
        ("planner.compute_trajectory", "planner", 30, ""),
        ("sqlite3.statement", "database", 60, "statement"),
        ("sqlite3.statement", "database", 45, "stat…ent"),
        ("copy.deepcopy", "deepcopy", 50, "deepcopy"),
        ("my.package.Planner.plan", "other", 65, "Planner.plan"),
        ("planner.", "planner", 200, "planner."),
        ("GET /a.b/long.html", "other", 70, "GET /a….html"),
        ("three words here", "other", 60, "three…here"),
        ("日本語の関数名前がここにある", "other", 100, "日本語の…こにある"),
        ("x", "other", 3, ""),
        ("x", "other", -9, ""),
    ],
)
def test_first_goes_what_the_colour_says_then_the_middle(
    name: str, component: str, room: float, shown: str
) -> None:
    assert fitted(name, component, room, 11) == shown


@given(name=st.text(min_size=1, max_size=60), room=st.floats(-10, 400))
def test_what_is_shown_fits_and_is_of_the_name(name: str, room: float) -> None:
    assume("…" not in name)
    shown = fitted(name, name.partition(".")[0], room, 11)
    head, _, tail = shown.rpartition("…")
    assert not shown or width_of(shown, 11) <= room
    assert head in name
    assert name.endswith(tail)
