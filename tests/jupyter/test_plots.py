"""Plots show the figures of the trace, each with its unit, and can be read."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, List, Sequence, Set, Tuple

import pytest
from fakes.otlp import trace_of
from fakes.programs import environment

from nutrace.errors import MissingDependencyError
from nutrace.jupyter import VIEWS
from nutrace.trace import Trace, views

matplotlib = pytest.importorskip("matplotlib")

_ABOUT = {"nutrace.component": "simulation"}
PLOTS = ("plot_steps", "plot_components", "plot_scenarios")


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    """No window, no figure left open, and traces that draw, as of :func:`nutrace.load`."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    before = views.register(VIEWS)
    yield pyplot
    views.register(before)
    pyplot.close("all")


def step(index: int, begin: float, took: float, interval_s: Any = 0.1) -> Any:
    """A step of so many ms, half of them the planner's; of these, a quarter is the database's."""
    start, end = 1000 * begin, 1000 * (begin + took)
    query = ("sqlite3.statement", start, start + 125 * took, {"nutrace.component": "database"})
    lights = ("scenario.lights", start + 125 * took, start + 150 * took, {"nutrace.component": "scenario"})
    planner = (
        "planner.compute",
        start,
        start + 500 * took,
        [query, lights],
        {"nutrace.component": "planner"},
    )
    about = {**_ABOUT, "nutrace.step.index": index}
    if interval_s is not None:
        about["nutrace.step.simulated_interval_s"] = interval_s
    return ("simulation.step", start, end, [planner], about)


def scenario(
    number: int, times_ms: Sequence[float], kind: str = "", indices: Any = None, interval_s: Any = 0.1
) -> Any:
    """A simulation of steps that take so long."""
    begin = 100_000.0 * number
    starts = [begin + sum(times_ms[:place]) for place in range(len(times_ms))]
    tree = [
        step(index, start, took, interval_s)
        for index, start, took in zip(indices or range(len(times_ms)), starts, times_ms)
    ]
    about = {**_ABOUT, "nuplan.scenario.token": f"token{number}", "nuplan.scenario.type": kind}
    return ("simulation.run", 1000 * begin, 1000 * (begin + 50_000), tree, about)


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.chdir(tmp_path)
    about = {**_ABOUT, "nuplan.scenario.token": "token"}
    steps = [step(index, 100 * index, 20 + index) for index in range(5)]
    return trace_of(Path(), ("simulation.run", 0, 600_000, steps, about))


@pytest.fixture
def many(tmp_path: Path) -> Callable[..., Trace]:
    """A trace of so many scenarios with 20 steps: those of number n take n + 10 ms, and one 30 more."""

    def made(count: int, kind: str = "turning") -> Trace:
        simulations = []
        for number in range(1, count + 1):
            times = [10.0 + number + 30 * (index == number % 20) for index in range(20)]
            simulations.append(scenario(number, times, kind))
        return trace_of(tmp_path, *simulations)

    return made


def legend(ax: Any) -> List[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax: Any, label: str) -> Any:
    (found,) = [each for each in ax.get_lines() if each.get_label() == label]
    return found


def texts(ax: Any) -> List[str]:
    return [each.get_text() for each in ax.texts]


def test_steps_are_their_times(trace: Trace) -> None:
    ax = trace.plot_steps()
    drawn = ax.get_lines()[0]
    assert list(drawn.get_xdata()) == [0, 1, 2, 3, 4]
    assert list(drawn.get_ydata()) == pytest.approx([20, 21, 22, 23, 24])
    assert "slowest: 24 ms in step 4" in texts(ax)
    first, second = ax.get_title(loc="left").splitlines()
    assert first == "Time of each step: run.json"
    assert second == "5 steps: mean 22 ms, p95 24 ms, slowest 24 ms; 0.22× real time, no step over it"


def test_real_time_is_a_line_where_it_can_be_seen(tmp_path: Path) -> None:
    ax = trace_of(tmp_path, scenario(1, [90, 110])).plot_steps()
    assert list(line(ax, "real time: 100 ms").get_ydata()) == [100, 100]
    assert "real time:\n100 ms" in texts(ax)
    ax = trace_of(tmp_path, scenario(1, [9, 11])).plot_steps()
    assert "real time:\n100 ms,\nabove all" in texts(ax)
    assert ax.get_ylim()[1] < 20
    ax = trace_of(tmp_path, scenario(1, [90, 110], interval_s=None)).plot_steps()
    assert not any("real time" in text for text in [*texts(ax), ax.get_title(loc="left")])


def test_different_intervals_are_a_band(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, scenario(1, [90, 110]), scenario(2, [90, 120], interval_s=0.05))
    for plot in PLOTS:
        assert "real time: 50 to 100 ms" in legend(getattr(trace, plot)())


def test_the_slowest_scenarios_have_colours(many: Callable[..., Trace]) -> None:
    trace = many(12)
    ax = trace.plot_steps()
    named = [f"{number}: turning" for number in (12, 11, 10, 9, 8)]
    assert legend(ax) == [*named, "7 other scenarios", "median of all 12", "real time: 100 ms"]
    colours = [line(ax, name).get_color() for name in named]
    assert len({*colours, line(ax, "median of all 12").get_color()}) == 6
    assert texts(ax) == ["slowest: 52 ms\nin step 12 of scenario 12"]
    # At iteration 3, scenario 3 takes 30 ms more than the 13 of its others.
    assert sorted(each.get_ydata()[3] for each in ax.get_lines()[5:12]) == pytest.approx(
        [11, 12, 14, 15, 16, 17, 43]
    )


def test_many_scenarios_are_a_band_with_dots_above_it(many: Callable[..., Trace]) -> None:
    trace = many(100)
    ax = trace.plot_steps()
    assert "9 in 10 scenarios (p5 to p95)" in legend(ax)
    (band,) = ax.collections
    steps = trace.steps().duration_ms
    at_7 = steps.xs(7, level="step")
    edges = [y for x, y in band.get_paths()[0].vertices if x == 7]
    assert min(edges) == pytest.approx(at_7.nsmallest(5).iloc[-1])  # by nearest rank
    assert max(edges) == pytest.approx(at_7.nlargest(6).iloc[-1])
    (dots,) = [each for each in ax.get_lines() if each.get_marker() == "."]
    named = [int(text.split(":")[0]) for text in legend(ax)[:5]]
    above = at_7[at_7 > max(edges)].drop(named, errors="ignore")
    assert [y for x, y in zip(*dots.get_data()) if x == 7] == pytest.approx(list(above))
    assert f"{len(dots.get_xdata())} steps of others above it" in legend(ax)


def test_no_dots_where_nothing_is_above_the_band(tmp_path: Path) -> None:
    ax = trace_of(tmp_path, *(scenario(number, [20, 30]) for number in range(1, 41))).plot_steps()
    assert "9 in 10 scenarios (p5 to p95)" in legend(ax)
    assert not any("above" in text for text in legend(ax)[:-1])
    assert not [each for each in ax.get_lines() if each.get_marker() == "."]


def test_layers_add_up_to_the_steps(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, scenario(1, [20, 30, 40, 50], indices=[0, 1, 4, 5]))
    ax = trace.plot_components()
    edges = [each.get_paths()[0].vertices for each in ax.collections]
    # The costliest is at the bottom: half of the step is in the simulation, 35 % in the planner.
    for x, took in ((0, 20), (1, 30), (2, 0), (3, 0), (4, 40), (5, 50)):
        tops = [_top(each, x) for each in edges]
        assert tops == pytest.approx([0.5 * took, 0.85 * took, 0.975 * took, took])
    assert legend(ax)[:4] == [
        "scenario  0.88 ms, 2 %",
        "database  4.38 ms, 12 %",
        "planner  12.25 ms, 35 %",
        "simulation  17.50 ms, 50 %",
    ]
    assert ax.get_xlim() == (-0.5, 5.5)


def _top(vertices: Any, x: float) -> float:
    """How high an outline of bars is above the middle of a bar."""
    crossings = [
        begin[1] + (end[1] - begin[1]) * (x - begin[0]) / (end[0] - begin[0])
        for begin, end in zip(vertices, vertices[1:])
        if min(begin[0], end[0]) <= x <= max(begin[0], end[0]) and begin[0] != end[0]
    ]
    return float(max(crossings))


def test_layers_of_many_scenarios_are_means_of_those_that_are_there(tmp_path: Path) -> None:
    ax = trace_of(tmp_path, scenario(1, [20, 30, 40]), scenario(2, [40, 50])).plot_components()
    assert ax.get_ylabel() == "self time (ms), mean of 2 scenarios"
    edges = ax.collections[-1].get_paths()[0].vertices
    assert [_top(edges, x) for x in (0, 1, 2)] == pytest.approx([30, 40, 40])


def test_small_components_are_together(tmp_path: Path) -> None:
    small = ("map", "features", "model", "metrics")
    calls = [(name, at, at + 1, {"nutrace.component": name}) for at, name in enumerate(small)]
    about = {**_ABOUT, "nutrace.step.index": 0}
    ax = trace_of(tmp_path, ("simulation.step", 0, 10_000, calls, about)).plot_components()
    assert legend(ax) == ["4 others  0.004 ms, < 1 %", "simulation  9.996 ms, 100 %"]


def test_scenarios_have_the_figures_of_the_table(many: Callable[..., Trace]) -> None:
    trace = many(12)
    ax = trace.plot_scenarios()
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"{n}: turning" for n in range(12, 0, -1)]
    table = trace.scenarios().sort_values("step_mean_ms", ascending=False)
    (means,) = [each for each in ax.get_lines() if each.get_marker() == "D"]
    assert list(means.get_xdata()) == pytest.approx(list(table.step_mean_ms))
    (whiskers,) = ax.collections
    assert [segment[1][0] for segment in whiskers.get_segments()] == pytest.approx(list(table.step_p95_ms))
    (slowest,) = [each for each in ax.get_lines() if each.get_marker() == "o"]
    assert list(slowest.get_xdata()) == pytest.approx([40 + n for n in range(12, 0, -1)])
    assert ax.yaxis_inverted()


def test_scenarios_slower_than_real_time_have_another_colour(tmp_path: Path) -> None:
    ax = trace_of(tmp_path, scenario(1, [90, 95]), scenario(2, [120, 130])).plot_scenarios()
    slow, fast = ax.patches
    assert slow.get_facecolor() != fast.get_facecolor()
    assert legend(ax)[:2] == ["half of the steps (p25 to p75):\nslower than real time", "the same: keeps up"]


def test_of_many_scenarios_there_are_ranks(many: Callable[..., Trace]) -> None:
    trace = many(60)
    ax = trace.plot_scenarios()
    assert ax.get_xlabel() == "scenarios, slowest first: rank of 60"
    means = line(ax, "mean, by which they are sorted")
    assert list(means.get_xdata()) == list(range(1, 61))
    assert list(means.get_ydata()) == pytest.approx(sorted(trace.scenarios().step_mean_ms, reverse=True))


def test_single_slow_steps_make_the_axis_logarithmic(tmp_path: Path) -> None:
    ax = trace_of(tmp_path, scenario(1, [*[10.0] * 30, 500])).plot_scenarios()
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "time of a step (ms, logarithmic)"
    assert "10" in _written(ax.xaxis)
    assert "500" in _written(ax.xaxis)


def _written(axis: Any) -> List[str]:
    axis.figure.canvas.draw()
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("plot", PLOTS)
def test_a_part_is_drawn_and_named(plot: str, many: Callable[..., Trace]) -> None:
    part = many(3).select(steps="5:8", scenario=2)
    ax = getattr(part, plot)()
    first, second = ax.get_title(loc="left").splitlines()
    assert first.endswith("of run.json")
    assert "steps 5 to 7" in first
    assert second.startswith("3 steps: ")
    assert (
        getattr(part.step(6), plot)().get_title(loc="left").splitlines()[1]
        == "1 step of 12 ms; 0.12× real time"
    )


@pytest.mark.parametrize("plot", PLOTS)
def test_without_steps_the_axes_say_so(plot: str, trace: Trace) -> None:
    for part in (trace.where(component="database"), trace.pruned(at_least_ms=1e9)):
        ax = getattr(part, plot)()
        assert texts(ax) == ["there is no finished step here"]


@pytest.mark.parametrize("plot", PLOTS)
def test_the_axes_may_be_the_users(plot: str, trace: Trace, pyplot: Any) -> None:
    figure, axes = pyplot.subplots(1, 2, facecolor="#123456")
    assert getattr(trace, plot)(axes[1]) is axes[1]
    assert getattr(trace, plot)(ax=axes[0]) is axes[0]
    assert len(pyplot.get_fignums()) == 1
    assert figure.get_facecolor() == matplotlib.colors.to_rgba("#123456")


@pytest.mark.parametrize("plot", PLOTS)
def test_a_part_of_a_figure_has_its_title_at_its_own_edge(plot: str, trace: Trace, pyplot: Any) -> None:
    figure = pyplot.figure(figsize=(14, 5))
    if not hasattr(figure, "subfigures"):
        pytest.skip("matplotlib has no subfigures before 3.4")
    for part in figure.subfigures(1, 2):
        ax = getattr(trace, plot)(ax=part.subplots())
        figure.canvas.draw()
        (title,) = [text for text in ax.findobj(matplotlib.text.Text) if "run.json" in text.get_text()]
        box = title.get_window_extent(figure.canvas.get_renderer())
        assert part.bbox.x0 < box.x0 < part.bbox.x0 + 0.1 * part.bbox.width
        assert box.x1 <= part.bbox.x1


@pytest.mark.parametrize("plot", PLOTS)
def test_the_background_is_opaque_and_colours_suit_it(plot: str, trace: Trace, pyplot: Any) -> None:
    def colours() -> Tuple[Any, Set[Any]]:
        ax = getattr(trace, plot)()
        to_rgba = matplotlib.colors.to_rgba
        fills = [each.get_facecolor() for each in ax.patches]
        fills += [tuple(each.get_facecolor()[0]) for each in ax.collections if len(each.get_facecolor())]
        return ax.figure.get_facecolor(), {*fills, *(to_rgba(each.get_color()) for each in ax.get_lines())}

    with pyplot.rc_context({"figure.facecolor": (1, 1, 1, 0), "axes.facecolor": "none"}):
        background, on_light = colours()
    assert background == (1, 1, 1, 1)
    assert colours() == (background, on_light)
    with pyplot.style.context("dark_background"):
        background, on_dark = colours()
    assert background == (0, 0, 0, 1)
    assert not on_light & on_dark
    with pyplot.style.context("dark_background"), pyplot.rc_context({"figure.facecolor": (1, 1, 1, 0)}):
        assert colours()[0][:3] < (0.2, 0.2, 0.2)


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("count", [1, 12, 40, 60])
def test_no_text_covers_another(plot: str, count: int, many: Callable[..., Trace]) -> None:
    kind = "on_traffic_light_intersection_with_a_name_that_never_ends_and_goes_on_and_on"
    ax = getattr(many(count, kind), plot)()
    boxes = _boxes(ax)
    width, height = ax.figure.canvas.get_width_height()
    assert [text for text, box in boxes if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height] == []
    assert [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)] == []


def _boxes(ax: Any) -> List[Tuple[str, Any]]:
    """All that is written, and where."""
    from matplotlib.text import Text

    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    shown = [each for each in ax.figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    ticks = {*ax.get_xticklabels(minor=True), *ax.get_yticklabels(minor=True)}
    left, right = sorted(ax.get_xlim())
    low, high = sorted(ax.get_ylim())
    ticks |= {each for each in ax.get_xticklabels() if not left <= each.get_position()[0] <= right}
    ticks |= {each for each in ax.get_yticklabels() if not low <= each.get_position()[1] <= high}
    return [(each.get_text(), each.get_window_extent(renderer)) for each in shown if each not in ticks]


@pytest.mark.parametrize("plot", PLOTS)
def test_names_from_a_file_may_be_anything(plot: str, tmp_path: Path) -> None:
    simulations = [
        scenario(1, [20, 30], "$\\frac{$ a\nb\x00"),
        scenario(2, [20, 30], "%s {0} \\" + "x" * 10_000),
    ]
    ax = getattr(trace_of(tmp_path, *simulations), plot)()
    ax.figure.canvas.draw()
    written = [text for text, _ in _boxes(ax)]
    assert all(len(text) < 300 and "\x00" not in text for text in written)
    if plot != "plot_components":
        assert any("1: \\$\\frac{\\$ a b" in text for text in written)


def test_how_a_scenario_ended_is_said(tmp_path: Path) -> None:
    name, start, end, tree, about = scenario(1, [20, 30], "turning")
    trace = trace_of(
        tmp_path, (name, start, end, tree, {**about, "nutrace.unfinished": True}), scenario(2, [1, 1])
    )
    labels = [label.get_text() for label in trace.plot_scenarios().get_yticklabels()]
    assert labels == ["1: turning (cut short)", "2: token2"]


@pytest.mark.parametrize("plot", PLOTS)
def test_without_matplotlib_it_is_said_what_to_install(plot: str, trace: Trace, monkeypatch: Any) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*'matplotlib>=") as caught:
        getattr(trace, plot)()
    assert "\n" not in str(caught.value)


def test_loading_and_tables_import_no_matplotlib(trace: Trace) -> None:
    code = (
        "import sys, nutrace\n"
        "trace = nutrace.load('run.json')\n"
        "trace._repr_html_(), trace.steps()\n"
        "print('matplotlib' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True
    )
    assert done.stdout == "False\n"
