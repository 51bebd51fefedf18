from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nutrace_exporters.fitting import fitted, width_of

SHARE = ("34 % · 12 ms", "34 %")


@pytest.mark.parametrize(
    ("name", "component", "room", "shown", "detail"),
    [
        ("planner.compute_trajectory", "planner", 250, "compute_trajectory", "34 % · 12 ms"),
        ("planner.compute_trajectory", "planner", 150, "compute_trajectory", "34 %"),
        ("planner.compute_trajectory", "planner", 110, "compute_trajectory", ""),
        ("planner.compute_trajectory", "planner", 80, "comput…ectory", ""),
        ("planner.compute_trajectory", "planner", 30, "", ""),
        ("planner.compute", "planner", 120, "planner.compute", "34 %"),
        ("planner.compute", "planner", 100, "compute", "34 %"),
        ("sqlite3.statement", "database", 100, "sqlite3.statement", ""),
        ("sqlite3.statement", "database", 60, "statement", ""),
        ("sqlite3.statement", "database", 43, "sta…ent", ""),
        ("copy.deepcopy", "deepcopy", 50, "deepcopy", ""),
        ("my.package.Planner.plan", "other", 65, "Planner.plan", ""),
        ("planner.", "planner", 45, "planner.", ""),
        ("scenario.execute_many_rows", "scenario", 86, "execute…rows", ""),
        ("GET /a.b/long.html", "other", 70, "GET /a…html", ""),
        ("日本語の関数名前がここにある", "other", 100, "日本語の…こにある", ""),
        ("x", "other", 3, "", ""),
        ("x", "other", -9, "", ""),
    ],
)
def test_first_goes_what_the_colour_says_then_the_middle(
    name: str, component: str, room: float, shown: str, detail: str
) -> None:
    assert fitted(name, component, SHARE, room, 11, 7) == (shown, detail)


@given(name=st.text(min_size=1, max_size=60), room=st.floats(-10, 400))
def test_what_is_shown_fits_and_is_of_the_name(name: str, room: float) -> None:
    assume("…" not in name)
    shown, detail = fitted(name, name.partition(".")[0], SHARE, room, 11, 7)
    head, _, tail = shown.rpartition("…")
    assert not shown or width_of(shown, 11) + (width_of(detail, 11) + 7 if detail else 0) <= room
    assert head in name
    assert name.endswith(tail)
