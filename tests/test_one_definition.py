"""A number has one definition: ``report --json``, the notebook's tables and the svg agree."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pytest
from fakes.otlp import envelope, merged, priced, spans, write

import nutrace
from nutrace.cli.main import main
from nutrace.trace import Trace, select
from nutrace_exporters import svg

pytest.importorskip("pandas")

C = "nutrace.component"
SELECTIONS: Dict[str, Dict[str, Any]] = {
    "all": {},
    "steps": {"steps": "1:"},
    "a scenario": {"scenario": "bb"},
    "steps of a scenario": {"scenario": 1, "steps": "0"},
}


def _step(begin: int, index: int, **more: Any) -> Any:
    """A step with recursion of a function and of a component, merged calls, a generator and a thread."""
    statement = ("sqlite3.statement", begin + 120, begin + 180, {C: "database"})
    query = ("query", begin + 110, begin + 190, [statement], {C: "database"})
    inner = (
        "plan",
        begin + 40,
        begin + 90,
        [("plan", begin + 50, begin + 70, {C: "planner"})],
        {C: "planner"},
    )
    between = ("score", begin + 30, begin + 95, [inner], {C: "metrics"})
    rows = {C: "scenario", "nutrace.generator.yielded": 5, "nutrace.busy_ns": 30_000}
    many = {C: "map", **merged([2_000, 3_000, 3_000, 4_000, 4_000, 5_000, 6_000, 7_000, 7_000, 9_000])}
    below = [
        ("plan", begin + 10, begin + 100, [between], {C: "planner"}),
        query,
        ("rows", begin + 200, begin + 290, rows),
        ("nearest", begin + 300, begin + 380, many),
        ("load", begin + 20, begin + 400, [("load", begin + 30, begin + 50, _beside())], _beside()),
    ]
    return (
        "simulation.step",
        begin,
        begin + 500,
        below,
        {C: "simulation", "nutrace.step.index": index, **more},
    )


def _beside() -> Dict[str, Any]:
    return {C: "model", "thread.id": 2}


def _run(token: str, begin: int, *last: Any) -> Any:
    outside = (
        "query",
        begin + 1,
        begin + 50,
        [("query", begin + 2, begin + 20, {C: "database"})],
        {C: "database"},
    )
    steps = [_step(begin + 100 + 600 * index, index) for index in range(3)]
    says = {C: "simulation", "nuplan.scenario.token": token}
    return ("simulation.run", begin, begin + 5000, [outside, *steps, *last], says)


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """Two processes with a simulation each; the second one's last step never ended, and it states prices."""
    unfinished = {C: "simulation", "nutrace.step.index": 3, "nutrace.unfinished": True}
    last = ("simulation.step", 12_000, 12_100, [("plan", 12_010, 12_020, {C: "planner"})], unfinished)
    first = envelope(spans(_run("aa", 0)))
    other = envelope(
        spans(_run("bb", 10_000, last), first_id=1000), {**priced(call=700, merged=90), "process.pid": 101}
    )
    return write(tmp_path / "run.json", first, other)


def _json(run_file: Path, chosen: Dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Any:
    options = [word for key, value in chosen.items() for word in (f"--{key}", str(value))]
    assert main(["report", str(run_file), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("chosen", SELECTIONS.values(), ids=list(SELECTIONS))
def test_report_and_tables_agree(
    run_file: Path, chosen: Dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    report = _json(run_file, chosen, capsys)
    part = select(nutrace.load(run_file), **chosen)
    components = part.components()
    for key, where in (
        ("components", "in steps"),
        ("concurrent", "beside steps"),
        ("outside_steps", "outside steps"),
    ):
        said = {row["component"]: (row["calls"], row["self_ms"], row["total_ms"]) for row in report[key]}
        rows = components[components.index.get_level_values("where") == where]
        assert said == {index[1]: (row.calls, row.self_ms, row.total_ms) for index, row in rows.iterrows()}
    costs = part.costs()
    assert [tuple(costs.index), *costs.itertuples(index=False, name=None)] == [
        tuple((row["name"], row["component"]) for row in report["spans"]),
        *(tuple(row[column] for column in costs.columns) for row in report["spans"]),
    ]
    table = part.spans()
    own = table.groupby(["name", "component"], observed=True).self_ms.sum()
    assert own.to_dict() == pytest.approx(costs.self_ms.to_dict())
    steps = part.steps()
    assert len(steps) == report["steps"]["count"]
    own = steps.filter(like="_self_ms").sum()
    in_steps = {f"{row['component']}_self_ms": row["self_ms"] for row in report["components"]}
    assert own.to_dict() == pytest.approx(in_steps)


def test_a_mean_without_percentiles_is_no_percentile_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Older files do not say how long each of the merged calls took."""
    many = {"nutrace.composite.count": 10, "nutrace.busy_ns": 50_000}
    file = write(tmp_path / "run.json", envelope(spans(("leaf", 0, 100, many), ("other", 100, 140))))
    told = {row["name"]: row for row in _json(file, {}, capsys)["spans"]}
    assert (told["leaf"]["mean_us"], told["leaf"]["p50_us"], told["leaf"]["p95_us"]) == (5, None, None)
    assert (told["other"]["p50_us"], told["other"]["p95_us"]) == (40, 40)
    costs = nutrace.load(file).costs().droplevel("component")
    assert costs.p50_us.isna().to_dict() == costs.p95_us.isna().to_dict() == {"leaf": True, "other": False}
    assert main(["report", str(file), "--explain"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  leaf .* 5\.000  mean only  mean only$", text, re.MULTILINE)
    assert re.search(r"^  other .* 40\.00 +40\.00 +40\.00$", text, re.MULTILINE)
    assert re.search(r"^  mean only +calls were merged", text, re.MULTILINE)


class Box(NamedTuple):
    """A box of the picture, with what its tooltip says."""

    left: float
    right: float
    row: float
    name: str
    component: str
    calls: int
    total_us: float
    self_us: float


_BOX = re.compile(
    r'<title>(.*?)</title><rect (?:class="n" )?x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', re.DOTALL
)
_TIP = re.compile(r"(.*)\n(\w+) · ([\d,]+) calls?\ntotal ([\d.,]+ \S+) .*, self ([\d.,]+ \S+)")
_UNITS = {"s": 1e6, "ms": 1e3, "µs": 1.0, "ns": 1e-3}


def _us(text: str) -> float:
    number, unit = text.split()
    return float(number.replace(",", "")) * _UNITS[unit]


def _boxes(trace: Trace) -> List[Box]:
    out = io.BytesIO()
    svg.export(trace, out, svg.Options(min_px=0.0, width=20_000))
    boxes = []
    for tip, left, row, width in _BOX.findall(out.getvalue().decode()):
        told = _TIP.match(unescape(tip))
        if told is None:
            continue  # a thread
        name, component, calls, total, own = told.groups()
        right = float(left) + float(width)
        boxes.append(
            Box(
                float(left),
                right,
                float(row),
                name,
                component,
                int(calls.replace(",", "")),
                _us(total),
                _us(own),
            )
        )
    return boxes


def _above(box: Box, boxes: List[Box]) -> Optional[Box]:
    # A narrow box begins a little later, and a little lower.
    higher = (each for each in boxes if round((box.row - each.row) / 18) == 1)
    return next((each for each in higher if each.left < box.right < each.right + 0.02), None)


def _in_picture(boxes: List[Box]) -> Dict[Tuple[str, str], List[float]]:
    """Calls, total and self of each kind of span; calls and totals of those not inside one of the kind."""
    kinds: Dict[Tuple[str, str], List[float]] = {}
    for box in boxes:
        figures = kinds.setdefault((box.name, box.component), [0, 0, 0])
        figures[2] += box.self_us
        above = _above(box, boxes)
        while above is not None and above.name != box.name:
            above = _above(above, boxes)
        if above is None:
            figures[0] += box.calls
            figures[1] += box.total_us
    return kinds


@pytest.mark.parametrize("chosen", SELECTIONS.values(), ids=list(SELECTIONS))
def test_report_and_picture_agree(
    run_file: Path, chosen: Dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    report = _json(run_file, chosen, capsys)
    drawn = _in_picture(_boxes(select(nutrace.load(run_file), **chosen)))
    said = {(row["name"], row["component"]): row for row in report["spans"]}
    assert drawn.keys() == said.keys()
    for kind, (calls, total_us, self_us) in drawn.items():
        assert calls == said[kind]["calls"], kind
        assert total_us == pytest.approx(said[kind]["total_ms"] * 1e3, rel=0.01), kind
        assert self_us == pytest.approx(said[kind]["self_ms"] * 1e3, rel=0.01, abs=0.5), kind
