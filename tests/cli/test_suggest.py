"""``nutrace suggest`` on run files: a file of probes that works, or what to do instead."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from fakes.otlp import RESOURCE, document, write

from nutrace.cli.main import main
from nutrace.probes.catalogue.user_file import read_probe_file
from nutrace.sampling.stacks import Function, Stacks

_SOURCE = """\
def compute():
    search(), score()

def search():
    pass

def score():
    pass
"""


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("NUTRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "planner_of_mine.py"
    file.write_text(_SOURCE, encoding="utf-8")
    return file


def run_file(
    folder: Path,
    stacks: Sequence[Tuple[Sequence[Function], int]],
    file: str,
    name: str = "planner.compute",
    modules: Dict[str, str] | None = None,
) -> Path:
    """A run of ten steps with samples, as nutrace writes it."""
    attributes = {
        "nutrace.component": "planner",
        "code.function.name": "planner_of_mine.compute",
        "code.file.path": file,
        "code.line.number": 1,
    }
    tree: List[Any] = [
        ("simulation.step", at, at + 1000, [(name, at + 100, at + 900, attributes)])
        for at in range(0, 10_000, 1000)
    ]
    some = Stacks("py-spy 0.4.3", 100.0, modules=modules or {})
    for stack, count in stacks:
        some.add([("<module>", "/main.py", 1), ("compute", file, 1), *stack], count)
    resource = {**RESOURCE, "nutrace.samples": some.text()}
    return write(folder / "run.json", document(*tree, resource=resource))


def _stacks(file: Path) -> List[Tuple[List[Function], int]]:
    search, score = ("search", str(file), 4), ("score", str(file), 7)
    return [([search], 300), ([score], 400), ([], 100)]


def test_a_file_of_probes(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(tmp_path, _stacks(source), str(source))
    assert main(["suggest", str(path)]) == 0
    out = capsys.readouterr().out
    (tmp_path / "probes.toml").write_text(out, encoding="utf-8")
    probes = read_probe_file(tmp_path / "probes.toml")
    assert [(probe.target, probe.component, probe.name) for probe in probes] == [
        ("planner_of_mine:score", "planner", "planner_of_mine.score"),
        ("planner_of_mine:search", "planner", "planner_of_mine.search"),
    ]
    assert "# 50.0 % of planner.compute (46.5 to 53.5): 0.40 ms a step, 0.40 ms of it in itself; 400 " in out
    assert f"# {source}:7.\n" in out
    assert "How often they are called is not known" in out
    assert "The functions below hold about 88 % of it." in out


def test_a_file_has_no_colours_where_they_are_forced(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook ``FORCE_COLOR`` is set, and the output goes into a file nevertheless."""
    path = run_file(tmp_path, _stacks(source), str(source))
    assert main(["suggest", str(path)]) == 0
    plain = capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-color")
    assert main(["suggest", str(path)]) == 0
    assert capsys.readouterr().out == plain


def test_json(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(tmp_path, _stacks(source), str(source))
    assert main(["suggest", str(path), "--json", "--limit", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)
    [probe] = answer["probes"]
    assert (probe["target"], probe["line"], probe["share"]) == ("planner_of_mine:score", 7, 0.5)
    assert (probe["own_ms"], probe["samples"], probe["calls"]) == (0.4, 400, None)
    assert answer["spans"][0]["covered"] == 0.5
    assert answer["cost_ms"] is None


def test_hostile_names(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the names hold, the output is a file of probes, and the terminal is safe."""
    odd = 'a"\n[[probe]]\r\x1b[31m\u2028\ud800\x7f'
    stacks: List[Tuple[List[Function], int]] = [
        *_stacks(source),
        ([(odd, str(source), 1)], 100),
        ([("name", odd + ".py", 1)], 100),
        ([("gone", str(tmp_path / f"gone{odd}.py"), 1)], 100),
    ]
    modules = {str(source): f"mine.{odd}"}
    path = run_file(tmp_path, stacks, str(source), name=f"span {odd}", modules=modules)
    code = main(["suggest", str(path)])
    out = capsys.readouterr().out
    assert out.isprintable() or set(out) - {"\n"} == {char for char in out if char.isprintable()}
    (tmp_path / "probes.toml").write_text(out, encoding="utf-8")
    # No probe can be written for a module of such a name.
    assert (code, read_probe_file(tmp_path / "probes.toml")) == (0, ())
    assert "its source cannot be read" in out
    assert "bad probe target" in out


def test_letters_of_other_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of modules and functions may have any letter: the file has them in ASCII."""
    file = tmp_path / "plän.py"
    file.write_text("class P:\n    def größe(self): pass\n    def other(self): pass\n", encoding="utf-8")
    stacks = [([("größe", str(file), 2)], 300), ([("other", str(file), 3)], 300)]
    path = run_file(tmp_path, stacks, str(file))
    assert main(["suggest", str(path)]) == 0
    out = capsys.readouterr().out
    tables = [line for line in out.splitlines() if not line.startswith("#")]
    assert all(line.isascii() for line in tables)
    (tmp_path / "probes.toml").write_text("\n".join(tables), encoding="ascii")
    assert "plän:P.größe" in {probe.target for probe in read_probe_file(tmp_path / "probes.toml")}


def test_without_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spans = [("planner.compute", 100, 900, {"nutrace.component": "planner"}), ("small", 900, 910)]
    path = write(tmp_path / "run.json", document(("simulation.step", 0, 1000, spans)))
    assert main(["suggest", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "#     planner.compute (planner): 0.80 ms a step, 80 % of it; 100 % of the span\n" in out
    assert "NUTRACE_SAMPLE=1" in out
    assert err == (
        f"nutrace: {path} has no samples, so there is no probe to suggest: "
        "run with NUTRACE_SAMPLE=1, or give stacks of this very run with --samples\n"
    )
    (tmp_path / "probes.toml").write_text(out, encoding="utf-8")
    assert read_probe_file(tmp_path / "probes.toml") == ()


def test_stacks_of_another_run(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(tmp_path, _stacks(source), str(source))
    stacks = tmp_path / "stacks.txt"
    stacks.write_text("main (/other.py:1);work (/other.py:3) 500\n", encoding="utf-8")
    assert main(["suggest", str(path), "--samples", str(stacks)]) == 0
    out, err = capsys.readouterr()
    assert "has samples, but none that lies in a span" in err
    assert "[[probe]]" not in out


def test_a_source_that_has_changed(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(tmp_path, _stacks(source), str(source))
    source.write_text("\n" + _SOURCE, encoding="utf-8")
    assert main(["suggest", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "[[probe]]" not in out
    assert out.count("it has changed since") == 2
    assert "no function is worth a probe" in err


def test_functions_of_the_program_itself(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run_file(tmp_path, _stacks(source), str(source), modules={str(source): "__main__"})
    assert main(["suggest", str(path)]) == 0
    assert "it is in the program's main file: put @nutrace.probe on it" in capsys.readouterr().out
