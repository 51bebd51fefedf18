"""Metric files are compared by their content, without times."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict

import pytest

from nutrace.verify import files
from nutrace.verify.compare import Compared, compare

pd = pytest.importorskip("pandas")


@pytest.fixture(autouse=True)
def parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read tables as pickles, because pyarrow is not installed here; tests of the devkit read parquet."""
    monkeypatch.setattr(pd, "read_parquet", pd.read_pickle)


SCORES: Dict[str, Any] = {"scenario": ["a", "b"], "score": [1.0, None], "series": [[0.5, 1.5], [2.5]]}
REPORT: Dict[str, Any] = {
    "scenario": ["a"],
    "succeeded": [True],
    "start_time": [1.0],
    "duration": [2.0],
    "compute_trajectory_runtimes_mean": [0.5],
    "error_message": ["Traceback\n  File x\nValueError: so"],
}


def left(folder: Path, date: str, scores: Dict[str, Any], report: Dict[str, Any]) -> Path:
    """Write the outputs of a run and its record; return the record's folder."""
    top = folder / "output" / "exp" / date
    (top / "metrics").mkdir(parents=True)
    pd.DataFrame(scores).to_pickle(top / "metrics" / "score.parquet")
    pd.DataFrame(report).to_pickle(top / "runner_report.parquet")
    (top / "metrics" / "more.json").write_text(json.dumps({"value": 0.1}))
    (top / "log.txt").write_text(date)
    record = folder / "record"
    record.mkdir()
    assert files.main([str(record / "files.jsonl"), str(folder / "output")]) == 0
    return record


def two(folder: Path, scores: Dict[str, Any] = SCORES, report: Dict[str, Any] = REPORT) -> Compared:
    stock = left(folder / "stock", "2021.10.01.12.00.00", SCORES, REPORT)
    return compare(stock, left(folder / "with", "2021.10.01.12.00.07", scores, report))


def test_equal_but_for_the_clock_and_the_order_of_rows(tmp_path: Path) -> None:
    report = {**REPORT, "start_time": [5.0], "duration": [6.0], "compute_trajectory_runtimes_mean": [7.0]}
    report["error_message"] = ["Traceback\n  File y\nValueError: so"]
    reversed_rows = {name: cells[::-1] for name, cells in SCORES.items()}
    compared = two(tmp_path, reversed_rows, report)
    assert compared.differences == []
    assert (compared.files, compared.skipped) == (3, {"exp/TIME/log.txt": "no metric file"})
    assert compared.values > 10


@pytest.mark.parametrize(
    ("scores", "field", "stock", "changed"),
    [
        ({"score": [1.0 + 2**-52, None]}, '["score"]["rows"][0]', "1.0", "1.0000000000000002"),
        ({"series": [[0.5, 1.5], [-2.5]]}, '["series"]["rows"][1][0]', "2.5", "-2.5"),
        ({"score": [1, 2]}, '["score"]["dtype"]', '"float64"', '"int64"'),
        ({"scenario": ["a", "c"]}, '["scenario"]["rows"][1]', '"b"', '"c"'),
    ],
)
def test_different(tmp_path: Path, scores: Any, field: str, stock: str, changed: str) -> None:
    (difference,) = two(tmp_path, {**SCORES, **scores}).differences
    assert (difference.where, difference.step) == ("exp/TIME/metrics/score.parquet", None)
    assert (difference.field, difference.stock, difference.changed) == (field, stock, changed)


def test_a_file_that_is_missing_or_broken(tmp_path: Path) -> None:
    stock = left(tmp_path / "stock", "2021.10.01.12.00.00", SCORES, REPORT)
    changed = left(tmp_path / "with", "2021.10.01.12.00.07", SCORES, REPORT)
    top = tmp_path / "with" / "output" / "exp" / "2021.10.01.12.00.07"
    (top / "metrics" / "score.parquet").write_bytes(b"no table")
    (top / "runner_report.parquet").unlink()
    files.main([str(changed / "files.jsonl"), str(tmp_path / "with" / "output")])
    broken, missing = compare(stock, changed).differences
    assert (broken.where, broken.stock) == ("exp/TIME/metrics/score.parquet", "readable")
    assert (missing.where, missing.stock, missing.changed) == (
        "exp/TIME/runner_report.parquet",
        "there",
        "absent",
    )


def test_names_that_differ_only_in_the_time_are_numbered(tmp_path: Path) -> None:
    records = []
    for run, times, second in (
        ("stock", ("2021.10.01.12.00.00", "2021.10.01.12.00.09"), 2),
        ("with", ("2022.01.01.00.00.00", "2022.01.01.00.00.09"), 3),
    ):
        for time, value in zip(times, (1, second)):
            folder = tmp_path / run / "output" / time / "metrics"
            folder.mkdir(parents=True)
            (folder / "more.json").write_text(json.dumps(value))
        records.append(tmp_path / run / "files.jsonl")
        files.main([str(records[-1]), str(tmp_path / run / "output")])
    compared = compare(tmp_path / "stock", tmp_path / "with")
    assert compared.files == 2
    (difference,) = compared.differences
    assert (difference.where, difference.stock, difference.changed) == ("TIME/metrics/more.json", "2", "3")


def test_files_elsewhere_only_if_they_are_of_this_run(tmp_path: Path) -> None:
    own, other = tmp_path / "output", tmp_path / "other" / "metrics"
    own.mkdir()
    other.mkdir(parents=True)
    for name, time_s in (("old.json", 1000), ("new.json", 2000)):
        (other / name).write_text("1")
        os.utime(other / name, (time_s, time_s))
    record = tmp_path / "files.jsonl"
    files.main([str(record), str(own), str(tmp_path / "other"), "--since", "1500"])
    assert [json.loads(line)["file"] for line in record.read_text().splitlines()] == ["metrics/new.json"]
