"""The plot of a comparison shows each change, its interval, and the verdict in words."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from fakes.runs import write_runs
from fakes.simulated_runs import sides, slower

import nutrace
from nutrace.comparison import Comparison, compare
from nutrace.jupyter.compared import Compared

matplotlib = pytest.importorskip("matplotlib")
numpy = pytest.importorskip("numpy")
pytest.importorskip("scipy")

SCATTER = (1.0, 1.01, 0.99, 1.005, 0.995)


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    """No window, and no figure left open."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five runs a side, of which the new ones are slower by a fifth, and execute a statement more a step."""
    monkeypatch.chdir(tmp_path)
    write_runs(tmp_path / "base", [50 * part for part in SCATTER])
    write_runs(tmp_path / "new", [60.5 * part for part in reversed(SCATTER)], statements=3)
    return tmp_path


@pytest.fixture(scope="module")
def changed() -> Comparison:
    """The planner is faster, the database is slower."""
    random = numpy.random.default_rng(3)
    return compare(
        *sides(random, 7, 8, 40, 1.0, lambda run: slower(slower(run, "planner", 0.75), "database", 1.3))
    )


def rows(ax: Any) -> Dict[str, List[str]]:
    """What is written beside the axes, by the row's name: base, new, tested, verdict."""
    names = {tick: label.get_text() for tick, label in zip(ax.get_yticks(), ax.get_yticklabels())}
    written: Dict[str, List[str]] = {}
    for text in ax.texts:
        written.setdefault(names.get(text.xy[1], "head"), []).append(text.get_text())
    return written


def drawn(ax: Any, name: str) -> Any:
    """The dot and the interval of a row."""
    (place,) = [t for t, label in zip(ax.get_yticks(), ax.get_yticklabels()) if label.get_text() == name]
    of_row = [line for line in ax.get_lines() if set(line.get_ydata()) == {place}]
    (dot,) = [line for line in of_row if line.get_marker() in ("o", "s")]
    intervals = [list(line.get_xdata()) for line in of_row if len(line.get_xdata()) == 2]
    return dot, intervals[0] if intervals else None


def test_changes_and_words_are_those_of_the_table(changed: Comparison) -> None:
    compared = Compared(changed)
    table = compared.verdicts()
    ax = compared.plot()
    written = rows(ax)
    assert written["head"] == ["base", "new", "tested", "verdict"]
    assert [written[name][3] for name in ("planner", "database")] == ["faster", "slower"]
    for name in ("planner", "database", "map", "gc"):
        row = table.loc[f"components.{name}.self_ms_per_step"]
        dot, interval = drawn(ax, name)
        assert dot.get_xdata()[0] == pytest.approx(100 * row.tested)
        ends = [max(100 * row.low, ax.get_xlim()[0]), min(100 * row.high, ax.get_xlim()[1])]
        assert interval == pytest.approx(ends)
        assert written[name][2] == f"{100 * row.tested:+.1f} %".replace("-", "−")
        assert written[name][3].startswith(row.verdict)
    words = ax.get_title(loc="left").splitlines()
    drawn_times = [verdict for name, (*_, verdict) in written.items() if name != "head"]
    assert words[1].startswith(f"7 runs against 7; {len(drawn_times):,} times: ")


def test_colours_stand_for_verdicts(changed: Comparison) -> None:
    ax = Compared(changed).plot()
    faster, slower_, same = (drawn(ax, name)[0] for name in ("planner", "database", "map"))
    assert len({dot.get_markeredgecolor() for dot in (faster, slower_, same)}) == 3
    assert faster.get_markerfacecolor() == faster.get_markeredgecolor()
    undecided = [name for name, (*_, verdict) in rows(ax).items() if verdict.startswith("undecided")]
    assert undecided
    for name in undecided:
        assert drawn(ax, name)[0].get_markerfacecolor() == "#ffffff"


@pytest.mark.usefixtures("folder")
def test_counts_that_differ_have_squares() -> None:
    ax = nutrace.compare("base", "new").plot()
    written = rows(ax)
    assert written["statements per step"] == ["2", "3", "+50.0 %", "more"]
    dot, interval = drawn(ax, "statements per step")
    assert (dot.get_marker(), dot.get_xdata()[0], interval) == ("s", 50, None)
    assert "counts that differ:" in [label.get_text() for label in ax.get_yticklabels()]
    assert written["database.rows_per_step"][:2] == ["6", "9"]


@pytest.mark.usefixtures("folder")
def test_too_few_runs_are_said_and_have_no_interval() -> None:
    ax = nutrace.compare("base/01.json", "new/01.json").plot()
    first, second = ax.get_title(loc="left").splitlines()
    assert first == f"What changed from {Path('base/01.json')} to {Path('new/01.json')}"
    assert second == "1 run against 1; no time is judged with fewer than 5 runs a side"
    dot, interval = drawn(ax, "per step")
    assert (dot.get_markerfacecolor(), interval) == ("#ffffff", None)
    assert rows(ax)["per step"][3] == "undecided (4 more runs)"


@pytest.mark.usefixtures("folder")
def test_what_is_new_has_words_and_no_dot(tmp_path: Path) -> None:
    write_runs(tmp_path / "with", [50 * part for part in SCATTER], statements=1)
    write_runs(tmp_path / "without", [50 * part for part in SCATTER], statements=0)
    ax = nutrace.compare("without", "with").plot()
    written = rows(ax)["database"]
    assert written[1:] == ["1.00 ms", "", "slower"]
    with pytest.raises(ValueError):
        drawn(ax, "database")


@pytest.mark.usefixtures("folder")
def test_what_changed_by_far_is_at_the_end_of_the_axis(tmp_path: Path) -> None:
    write_runs(tmp_path / "much", [900 * part for part in SCATTER])
    ax = nutrace.compare("base", "much").plot()
    _, right = ax.get_xlim()
    assert right == 200
    arrows = [line for line in ax.get_lines() if line.get_marker() == ">"]
    assert {line.get_xdata()[0] for line in arrows} == {right}
    names = {tick: label.get_text() for tick, label in zip(ax.get_yticks(), ax.get_yticklabels())}
    far = {name for name, (*_, tested, _verdict) in rows(ax).items() if _percent(tested) > right}
    assert {names[line.get_ydata()[0]] for line in arrows} == far
    assert "database" in names.values()
    assert "database" not in far  # its statements take what they took
    assert not [line for line in ax.get_lines() if line.get_marker() == "<"]
    assert rows(ax)["per step"][2] == "+1,700.0 %"


def _percent(text: str) -> float:
    return float(text.rstrip(" %").replace("−", "-").replace(",", "")) if text.endswith("%") else 0.0


def test_no_text_covers_another(changed: Comparison, pyplot: Any) -> None:
    from matplotlib.text import Text

    ax = Compared(changed).plot()
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    width, height = ax.figure.canvas.get_width_height()
    low, high = ax.get_xlim()
    outside = [each for each in ax.get_xticklabels() if not low <= each.get_position()[0] <= high]
    shown = [
        each
        for each in ax.figure.findobj(Text)
        if each.get_visible() and each.get_text().strip() and each not in outside
    ]
    boxes = [(each.get_text(), each.get_window_extent(renderer)) for each in shown]
    assert [text for text, box in boxes if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height] == []
    assert [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)] == []
    _, axes = pyplot.subplots()
    assert Compared(changed).plot(ax=axes) is axes
