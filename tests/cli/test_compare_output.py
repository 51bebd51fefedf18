"""What ``nutrace compare`` says: the JSON document, the text, Markdown, and the page."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.commands import command
from fakes.runs import write_run, write_runs

TIMES = (150, 151, 149, 152, 148)
EVIL = "<script>alert(1)</script>|`*\x1b[31m\u202e"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sides")
    write_runs(folder / "base", TIMES)
    write_runs(folder / "new", [time - 30 for time in TIMES], statements=1)
    write_runs(folder / "renamed", TIMES, name="planner.plan")
    write_runs(folder / "evil", TIMES, name=EVIL, token=EVIL)
    return folder


def _json(base: Path, new: Path, *more: str) -> Any:
    done = command("compare", base, "--against", new, "--json", *more)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_the_document(sides: Path) -> None:
    found = _json(sides / "base", sides / "new", "--fail-if", "steps.p50_ms > +3%")
    judged = {"figure", "kind", "base", "new", "change", "low", "high", "verdict", "runs_needed", "varies"}
    judged |= {"difference_low", "difference_high", "tested", "tested_of"}
    assert all(set(row) == judged for row in found["verdicts"])
    kinds = [row["kind"] for row in found["verdicts"]]
    assert kinds == sorted(kinds)  # counts first
    by_name: Dict[str, Any] = {row["figure"]: row for row in found["verdicts"]}
    assert by_name["database.statements_per_step"]["verdict"] == "fewer"
    p50 = by_name["steps.p50_ms"]
    assert (p50["base"], p50["new"], p50["verdict"]) == (150, 120, "faster")
    assert p50["change"] == pytest.approx(-0.2)
    assert p50["low"] < p50["tested"] < p50["high"] < 0
    assert p50["tested_of"] == "usual"
    headline = found["headline"]
    assert headline["steps.p50_ms"] == {**p50, "label": headline["steps.p50_ms"]["label"]}
    # From 1.5x to 1.2x: three fifths of the way to 1.0x.
    assert headline["gap_closed"] == pytest.approx(0.6, abs=0.01)
    planner = next(row for row in found["components"] if row["component"] == "planner")
    assert planner["self_ms_per_step"]["base"] == 75
    path = {"path", "component", "base_ms_per_step", "new_ms_per_step", "change_ms_per_step", "low", "high"}
    path |= {"tested_ms_per_step", "tested_of"}
    assert all(path | {"verdict", "moved_from"} <= set(row) for row in found["paths"])
    assert found["unpaired"] == {"base": [], "new": []}
    assert found["statements"][0]["executions"]["new"] == 1
    assert [gate["outcome"] for gate in found["gates"]] == ["does not hold"]


def test_a_renamed_span_is_said_to_have_moved(sides: Path) -> None:
    found = _json(sides / "base", sides / "renamed")
    moved = [row for row in found["paths"] if row["moved_from"]]
    assert {row["path"][-1] for row in moved} & {"planner.plan", "planner.compute"}
    assert not [row for row in found["paths"] if row["verdict"] in ("faster", "slower")]
    text = command("compare", sides / "base", "--against", sides / "renamed").out
    assert "moved from simulation.step > planner.compute" in text or "moved to" in text


def test_what_only_one_side_has_is_new(sides: Path, tmp_path: Path) -> None:
    without = write_run(tmp_path / "without.json", 150, statements=0)
    text = command("compare", without, "--against", sides / "base" / "01.json").out
    assert re.search(r"^  database +0\.000 +2\.000 +- +new$", text, re.MULTILINE)
    assert re.search(r"sqlite3\.statement +database +0\.000 +2\.000 .* new$", text, re.MULTILINE)


def test_the_text_begins_with_the_counts_that_differ(sides: Path) -> None:
    text = command("compare", sides / "base", "--against", sides / "new").out
    headings = re.findall(r"^[A-Z].*$", text, re.MULTILINE)
    assert headings[:2] == ["Counts that differ", "Headline"]
    assert re.search(r"database.statements_per_step +2 +1 +-1 \(-50\.0 %\)", text)
    assert re.search(
        r"per step, median +150\.0 ms +120\.0 ms +\+20\.0 % +usual \+\d\d\.\d % \(.*\) +faster", text
    )
    assert re.search(r"real-time factor +1\.50x +1\.20x", text)
    assert re.search(r"share of the gap to 1\.0x closed +6\d\.\d % +\(\+5\d\.\d to \+6\d\.\d\)  faster", text)


def test_too_few_runs_are_said_once_and_no_time_is_judged(sides: Path, tmp_path: Path) -> None:
    new = write_run(tmp_path / "new.json", 10)
    text = command("compare", sides / "base", "--against", new).out
    assert text.count("with fewer than 5 runs a side: make 4 more") == 1
    assert not re.search(r"\b(faster|slower|same)$", text, re.MULTILINE)


def test_names_are_shown_as_they_can_be_shown(sides: Path) -> None:
    for form in ([], ["--markdown"]):
        text = command("compare", sides / "evil", "--against", sides / "new", "--anyway", *form).out
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in text


class _Page(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: List[str] = []
        self.attributes: List[str] = []
        self.texts: List[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_whole_escaped_and_loads_nothing(sides: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    evil = sides / "evil"
    assert command("compare", evil, "--against", sides / "new", "--anyway", "--html", file).code == 0
    text = file.read_text(encoding="utf-8")
    page = _Page(text)
    assert not {"script", "img", "link", "iframe", "object"} & set(page.elements)
    assert not {"src", "href", "style", "onclick", "onload"} & set(page.attributes)
    assert any("<script>alert(1)</script>" in each for each in page.texts)
    assert "\x1b" not in text
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="(.*?)"', text)[0])
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in style[0]


def test_the_page_is_the_same_each_time(sides: Path, tmp_path: Path) -> None:
    pages = []
    for name in ("a.html", "b.html"):
        command("compare", sides / "base", "--against", sides / "new", "--html", tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    assert pages[0].count(b"<svg") > 5


def test_the_machine_was_busy_as_bench_noted(sides: Path, tmp_path: Path) -> None:
    runs = []
    for name in ("base", "new"):
        write_runs(tmp_path / name, TIMES)
        for number in range(1, 6):
            about = {"place": len(runs) + 1, "round": number, "variant": name, "seconds": 1.0, "problem": ""}
            load = 9.0 if name == "new" else 1.0
            moment = {"load": load, "page_cache_mb": None}
            runs.append({**about, "file": f"{name}/0{number}.json", "machine": moment})
    machine = {"host": "here", "processors": 4, "governor": None}
    record = {"command": [], "variants": [], "seed": 1, "machine": machine, "runs": runs}
    (tmp_path / "bench.json").write_text(json.dumps(record))
    found = _json(tmp_path / "base", tmp_path / "new", "--anyway")
    assert any("busy when 5 of 5 runs began" in warning for warning in found["new"]["warnings"])
    assert not any("busy" in warning for warning in found["base"]["warnings"])
