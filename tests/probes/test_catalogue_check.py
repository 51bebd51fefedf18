"""Which targets an installation has."""

from __future__ import annotations

from pathlib import Path

import pytest

from nutrace.errors import MissingDependencyError
from nutrace.probes.catalogue.check import check, installed_devkit
from nutrace.probes.probe import Probe

MODULE = """
def function(): ...

class Loud:
    def __get__(self, instance, owner):
        raise AssertionError("looking must not run it")

class Outer:
    class Inner:
        def method(self): ...

    value = Loud()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"pkg_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "there.py").write_text(MODULE, encoding="utf-8")
    (folder / "broken.py").write_text("raise RuntimeError('first line\\nsecond line')", encoding="utf-8")
    (folder / "leaves.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("qualname", ["function", "Outer.Inner.method", "Outer.value"])
def test_target_that_is_there(package: str, qualname: str) -> None:
    (finding,) = check([Probe(f"{package}.there:{qualname}")])
    assert finding.missing is None


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("there:functoin", "{package}.there has no functoin"),
        ("there:Outer.Inner.gone", "{package}.there has no Outer.Inner.gone"),
        ("gone:f", "ModuleNotFoundError: No module named '{package}.gone'"),
        ("broken:f", "RuntimeError: first line"),
        ("leaves:f", "SystemExit: 3"),
    ],
)
def test_target_that_is_missing_says_why(package: str, target: str, reason: str) -> None:
    (finding,) = check([Probe(f"{package}.{target}")])
    assert finding.missing == reason.format(package=package)


def test_bracketed_pair_needs_both_of_its_ends(package: str) -> None:
    (finding,) = check([Probe(f"{package}.there:function", until=f"{package}.there:gone")])
    assert finding.missing == f"{package}.there has no gone"


def test_devkit_on_the_path_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nuplan").mkdir()
    (tmp_path / "nuplan" / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_devkit().path == tmp_path


def test_no_devkit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"no nuPlan devkit for .*: install nutrace in"):
        installed_devkit()
