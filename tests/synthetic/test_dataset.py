"""`nutrace synth` writes a whole data set or nothing, and errors are one line."""

from __future__ import annotations

import os
import resource
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nutrace.cli.main import main
from nutrace.errors import OutputError
from nutrace.synthetic import LogSpec, dataset, write_dataset

SMALL = ["--seconds", "27", "--agents", "2", "--traffic-lights", "1", "--no-maps"]
SPEC = LogSpec(seconds=27, agents=2, traffic_lights=1)


def test_prints_the_variables_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "with space" / "data"
    assert main(["synth", str(directory), *SMALL]) == 0
    out = capsys.readouterr().out.splitlines()
    variables = dict(shlex.split(line)[1].split("=", 1) for line in out)
    assert all(line.startswith("export ") for line in out)
    assert set(variables) == {"NUPLAN_DATA_ROOT", "NUPLAN_MAPS_ROOT", "NUPLAN_EXP_ROOT"}
    assert all(os.path.isdir(path) for path in variables.values())
    (log,) = (Path(variables["NUPLAN_DATA_ROOT"]) / "nuplan-v1.1" / "splits" / "mini").iterdir()
    with sqlite3.connect(log) as connection:
        assert connection.execute("SELECT logfile FROM log").fetchone() == (log.stem,)
    connection.close()
    assert sorted(os.listdir(directory)) == ["dataset", "exp"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    assert Path(write_dataset(str(tmp_path), SPEC, maps=False).log_file).exists()


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--seconds=1", "seconds must be"), ("--agents=0", "agents must be"), ("--seed=-1", "seed must not")],
)
def test_bad_numbers_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, message: str
) -> None:
    assert main(["synth", str(tmp_path / "data"), "--no-maps", flag]) == 2
    assert message in one_line(capsys)
    assert not list(tmp_path.iterdir())


def test_a_directory_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["synth", str(tmp_path), *SMALL]) == 5
    assert "is not empty" in one_line(capsys)
    assert os.listdir(tmp_path) == ["mine"]


def test_a_file_is_no_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["synth", str(tmp_path / "file"), *SMALL]) == 5
    assert "is not a directory" in one_line(capsys)
    assert main(["synth", str(tmp_path / "file" / "below"), *SMALL]) == 5
    assert "cannot write into" in one_line(capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    assert main(["synth", str(tmp_path / "data"), *SMALL]) == 5
    assert "Permission denied" in one_line(capsys)


def test_a_log_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files simulates a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "synth", str(tmp_path / "a" / "b"), "--no-maps"],
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("nutrace: error: cannot write into")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failure", [KeyboardInterrupt, sqlite3.OperationalError, OSError])
def test_a_failure_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Any
) -> None:
    def write_log(path: str, *_: Any) -> None:
        Path(path).write_text("half")
        raise failure("half way")

    monkeypatch.setattr(dataset, "write_log", write_log)
    expected = failure if failure is KeyboardInterrupt else OutputError
    with pytest.raises(expected, match="half way"):
        write_dataset(str(tmp_path / "a" / "b"), SPEC, maps=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(expected):
        write_dataset(str(tmp_path), SPEC, maps=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["geopandas", "pyogrio"])
def test_missing_map_packages_are_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str
) -> None:
    for name in ("geopandas", "pyogrio"):
        monkeypatch.setitem(sys.modules, name, None if name == package else sys)
    assert main(["synth", str(tmp_path / "data")]) == 8
    line = one_line(capsys)
    assert f"needs {package}" in line
    assert "pip install 'geopandas>=0.12.1' 'pyogrio>=0.5', or" in line
    assert not list(tmp_path.iterdir())


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nutrace: error: ")
    assert captured.err.count("\n") == 1
    return captured.err
