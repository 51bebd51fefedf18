"""What commands print in a real terminal: in its width, with whole numbers, the same ones as everywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
from fakes.commands import command
from fakes.evaluations import Worker, evaluation
from fakes.programs import environment
from fakes.terminals import in_terminal, visible

from nutrace import semconv
from nutrace.cli.fitting import columns_of
from nutrace.trace import load
from nutrace_exporters.palette import colour

#: What the tests share is made once, and takes long on a busy machine.
pytestmark = [pytest.mark.xdist_group("terminal"), pytest.mark.timeout(600)]

WIDTHS = (60, 80, 160)
RUN = "run.json"
COMMANDS = (
    ("report", RUN),
    ("report", "--explain", RUN),
    ("report", "--tree", RUN),
    ("report", "evaluation/run.json"),
    ("scenarios", "evaluation/run.json"),
    ("workers", "evaluation/run.json"),
    ("whatif", "evaluation/run.json", "--workers", "8"),
    ("overhead", RUN),
    ("sql", "--explain", RUN),
    ("deepcopy", RUN),
    ("deepcopy", "--by", "component", RUN),
    ("advise", RUN),
    ("whatif", RUN, "planner=0.8"),
    ("compare", RUN, "--against", "again.json", "--anyway"),
    ("history", "history", "--merge", "command"),
    ("cprofile", "demo.prof", RUN),
    ("suggest", RUN),
    ("speedups",),
    ("speedups", RUN),
    ("probes",),
)
_NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the demo, the same as another one, an evaluation and a profile."""
    made = tmp_path_factory.mktemp("t")
    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "demo", "--miniature", "--steps", "6", "-o", "demo"],
        cwd=made, env=environment(NUTRACE_SPEEDUPS="traffic_light_cache"),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (made / "demo" / RUN).read_text(encoding="utf-8")
    (run_id,) = {each.attributes[semconv.RUN_ID] for each in load(made / "demo" / RUN).resources}
    (made / "history").mkdir()
    for name, its_id in ((RUN, run_id), ("again.json", "ab" * 16)):
        for file in (made / name, made / "history" / name):
            file.write_text(text.replace(run_id, its_id), encoding="utf-8")
    busy = Worker([(30, 40), (41, 60)], imports=[(23, 27)], cpu=2.0, memory_mb=700)
    killed = Worker([(31, 50), (52, 58)], created=24.0, unfinished=True, memory_mb=900)
    evaluation(made / "evaluation", busy, killed)
    profiled = "import copy, cProfile; cProfile.run('copy.deepcopy([[1]] * 5)', 'demo.prof')"
    subprocess.run([sys.executable, "-c", profiled], cwd=made, env=environment(), check=True)
    return made


@pytest.fixture(scope="module")
def drawn(folder: Path) -> Dict[int, Dict[Any, str]]:
    """What every command writes to a terminal of each width."""
    every = [(width, words) for words in COMMANDS for width in WIDTHS]
    texts: Dict[int, Dict[Any, str]] = {width: {} for width in WIDTHS}
    for (width, words), text in zip(every, in_terminal(folder, every)):
        texts[width][words] = text
    return texts


@pytest.fixture(scope="module")
def plain(folder: Path) -> Dict[Any, str]:
    """What every command writes to a pipe."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        return {words: command(*words).out for words in COMMANDS}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(drawn: Dict[int, Dict[Any, str]], width: int) -> None:
    for words, text in drawn[width].items():
        for line in visible(text).splitlines():
            # Words of commands and lines of a file of probes are copied, and so left whole.
            copied = words[0] in ("advise", "suggest") and (line.endswith("\\") or len(line.split()) < 4)
            assert columns_of(line) <= width or copied, words


def test_indexes_fit(folder: Path) -> None:
    (log,) = (str(file.relative_to(folder)) for file in (folder / "demo").rglob("*.db"))
    commands = [
        ("index", log, "--run", RUN),
        ("index", log, "--run", RUN, "--apply"),
        ("index", log, "--drop"),
    ]
    for text in in_terminal(folder, [(60, words) for words in commands]):
        assert max(map(columns_of, visible(text).splitlines())) <= 60 + len(" 0.0 s")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut(drawn: Dict[int, Dict[Any, str]], plain: Dict[Any, str], width: int) -> None:
    for words, text in drawn[width].items():
        whole = _numbers(plain[words])
        for line in visible(text).splitlines():
            if line.split()[:2] == ["a", "character"]:  # of the lanes, which are as wide as there is space
                continue
            parts = [part for part in line.split() if "…" not in part]
            assert _numbers(" ".join(parts)) <= whole, (words, line)


def test_a_unit_stays_with_its_number(drawn: Dict[int, Dict[Any, str]]) -> None:
    for texts in drawn.values():
        for words, text in texts.items():
            broken = re.findall(r"\d\n *(?:ms|us|s|MB|GB|%)(?!\w).*", visible(text))
            assert not [each for each in broken if not re.search(r"p[59][059]", each)], words


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_left_out_is_named(drawn: Dict[int, Dict[Any, str]], width: int) -> None:
    lines = visible(drawn[width]["sql", "--explain", RUN]).splitlines()
    table = " ".join(" ".join(lines[lines.index("Statements") + 1 : lines.index("Callers")]).split())
    left_out = re.search(r"Left out for lack of space: (.*?)\. A wider terminal or --json shows all", table)
    named = left_out[1].split(", ") if left_out else []
    head = table.partition("─")[0]
    for name in ("executions", "distinct", "repeated", "rows", "execute ms", "fetch ms", "share"):
        assert (name in named) != (name.split()[0] in head.split()), name
    assert bool(named) == (width < 160)


def test_figures_equal_those_of_json(folder: Path, drawn: Dict[int, Dict[Any, str]]) -> None:
    document = json.loads(command("report", folder / RUN, "--json").out)
    for width in WIDTHS:
        lines = visible(drawn[width]["report", RUN]).splitlines()
        rows = lines[lines.index("Components in the steps") :]
        for each in document["components"]:
            row = next(line for line in rows if line.split()[1:2] == [each["component"]])
            assert f"{100 * each['share']:.1f} %" in row
            assert f"{each['self_ms_per_step']:,.2f}" in row or f"{each['self_ms_per_step']:,.3f}" in row
    statements = json.loads(command("sql", folder / RUN, "--json").out)["statements"]
    for width in WIDTHS:
        lines = visible(drawn[width]["sql", "--explain", RUN]).splitlines()
        rows = lines[lines.index("Statements") :]
        for number, each in enumerate(statements[:15], 1):
            row = next(line for line in rows if line.split()[:1] == [str(number)])
            assert f"{each['executions']:,}" in row.split()


def test_bars_and_marks_have_the_colours_of_components(drawn: Dict[int, Dict[Any, str]]) -> None:
    red, green, blue = (int(colour("database").dark[at : at + 2], 16) for at in (1, 3, 5))
    text = drawn[160]["report", RUN]
    escape = rf"\x1b\[38;2;{red};{green};{blue}m"
    assert re.search(escape + "■", text)
    assert re.search(escape + " *[█▏▎▍▌▋▊▉]", text)
    assert "\x1b[1mComponents in the steps\x1b[0m" in text


def test_no_color_leaves_out_colours_only(folder: Path, drawn: Dict[int, Dict[Any, str]]) -> None:
    (text,) = in_terminal(folder, [(80, ("report", RUN))], NO_COLOR="1")
    assert visible(text) == visible(drawn[80]["report", RUN])
    assert "\x1b[1m" in text
    assert not re.search(r"\x1b\[[0-9;]*3\d", text)


def test_a_dumb_terminal_has_plain_text(folder: Path, plain: Dict[Any, str]) -> None:
    (text,) = in_terminal(folder, [(60, ("deepcopy", RUN))], TERM="dumb")
    assert text == plain["deepcopy", RUN]


def test_markdown_and_json_are_the_same_in_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [("report", "--markdown", RUN), ("report", "--json", RUN), ("overhead", "--markdown", RUN)]
    monkeypatch.chdir(folder)
    assert in_terminal(folder, [(60, words) for words in commands]) == [
        command(*words).out for words in commands
    ]


def test_an_encoding_without_pictures_has_ascii(folder: Path) -> None:
    (text,) = in_terminal(folder, [(80, ("report", RUN))], PYTHONIOENCODING="ascii")
    assert visible(text).isascii()
    assert "####" in text
    assert "* database" in visible(text)


def test_columns_has_precedence_and_force_color_makes_a_terminal(folder: Path) -> None:
    (text,) = in_terminal(folder, [(160, ("report", RUN))], COLUMNS="70")
    assert max(map(columns_of, visible(text).splitlines())) <= 70
    done = _piped(folder, "main(['report', 'run.json'])", FORCE_COLOR="1", COLUMNS="70", TERM="xterm")
    assert visible(done) == visible(text)
    assert "\x1b[1m" in done


def test_a_pipe_needs_no_rich(folder: Path) -> None:
    code = "main(['report', 'run.json']); print(sorted(m for m in sys.modules if m.split('.')[0] == 'rich'))"
    done = _piped(folder, code, FORCE_COLOR=None, TERM="xterm")
    assert "\x1b" not in done
    assert done.splitlines()[-1] == "[]"


def test_a_traced_process_needs_no_rich(tmp_path: Path) -> None:
    code = """import copy, sys
copy.deepcopy([1])
print([name for name in sys.modules if name.partition('.')[0] == 'rich' or name.startswith('nutrace.cli')])"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(NUTRACE="1", FORCE_COLOR="1"),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "[]\n"
    assert (tmp_path / "run.json").exists()


def _piped(folder: Path, code: str, **variables: Any) -> str:
    program = f"import sys; from nutrace.cli.main import main; {code}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment(NO_COLOR=None, **variables),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _numbers(text: str) -> Set[str]:
    found: List[str] = _NUMBER.findall(text)
    return {each.rstrip(",") for each in found}
