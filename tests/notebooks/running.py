"""Run a notebook as a reader would, and look at what it shows."""

from __future__ import annotations

import base64
import os
import platform
import re
import struct
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import nbformat

from nutrace.demo.simulator import VARIABLE, devkit_of

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))

LARGEST_BYTES = 1_000_000
#: The tag of cells that only assert what times are.
TIMES = "times"
_MAY_RAISE = "raises-exception"  # nbclient goes on after such a cell
_LONGEST_S = 600
_WIDEST_PX = 1300
#: Paths in outputs are written as if nutrace and the devkit were installed here.
NEUTRAL = "/opt/nuplan"
_PATH = re.compile(r"(?<![\w.:/%])/(?:home|Users|root|opt|tmp|private|var|work|usr/local)/[\w.@+/-]*")
_NOT_PROSE = re.compile(r"^#[^\n]*$|^    [^\n]*$|```.*?```|`[^`]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
#: A notebook's name: in italics, or as code after the word.
_NAMED = re.compile(r"(?:(?<!\*)\*|\bnotebooks? `)([a-z]+(?:_[a-z]+)+)[*`](?!\*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # kernels ask programs for colours, and code hosts print the codes
_LONG_FLOAT = re.compile(r"\d\.\d{6,}")


def read(name: str) -> Any:
    """The notebook as it is stored."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def execute(notebook: Any, folder: Path, devkit: Optional[str], is_quiet: bool = True) -> None:
    """Run a notebook from top to bottom, in place.

    Parameters
    ----------
    folder:
        An empty folder for everything that it writes; the notebook starts in it.
    devkit:
        The interpreter that has the devkit; None simulates with the miniature.
    is_quiet:
        Nothing else runs on the machine. If it does, what cells with the tag ``times`` claim may be wrong.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    import nbclient  # which warns when it is imported

    may_raise = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if not is_quiet and TIMES in cell.metadata.get("tags", ()):
                cell.metadata.tags = [TIMES, _MAY_RAISE]
                may_raise.append(cell)
    here, temporary = folder / "here", folder / "tmp"
    here.mkdir()
    temporary.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    environ.pop("MPLBACKEND", None)  # of the tests; a kernel has its own, which shows figures
    environ.update(
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""),
        PYTHONPATH=os.pathsep.join((str(ROOT), str(ROOT / "exporters"))),
        TMPDIR=str(temporary),
        IPYTHONDIR=str(folder / "ipython"),
        OMP_NUM_THREADS="1",  # tests run side by side
        **({VARIABLE: devkit} if devkit else {}),
    )
    client = nbclient.NotebookClient(
        notebook, timeout=_LONGEST_S, kernel_name="python3", resources={"metadata": {"path": str(here)}}
    )
    client.execute(env=environ)
    for cell in may_raise:
        cell.metadata.tags = [TIMES]
        cell.outputs = [output for output in cell.outputs if output["output_type"] != "error"]
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the time of day
        for output in cell.get("outputs", ()):
            _clean(output, folder, devkit)


def _clean(output: Any, folder: Path, devkit: Optional[str]) -> None:
    """Replace this machine's folders in an output."""
    packages = f"{NEUTRAL}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    known = {
        str(folder / "here") + os.sep: "",
        str(folder / "here"): ".",
        str(folder / "tmp"): "/tmp",
        str(ROOT / "exporters" / "nutrace_exporters"): f"{packages}/nutrace_exporters",
        str(ROOT / "nutrace"): f"{packages}/nutrace",
        sysconfig.get_path("purelib"): packages,
        sys.prefix: NEUTRAL,
        sys.base_prefix: NEUTRAL,
    }
    if devkit:
        prefix = Path(devkit).parents[1]
        known[str(prefix)] = NEUTRAL
        known[str(Path(devkit).resolve().parents[1])] = NEUTRAL
        known.update(_devkit_folders(devkit))
    longest_first = sorted(known, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(path) for path in longest_first))

    def neutral(text: str) -> str:
        return pattern.sub(lambda match: known[match.group()], text)

    if "text" in output:
        output["text"] = neutral(_COLOUR.sub("", output["text"]))
    for kind, data in output.get("data", {}).items():
        if kind.startswith("text/"):
            output["data"][kind] = _in_pictures(neutral(data), neutral)


def _in_pictures(page: str, neutral: Any) -> str:
    """Replace folders in svg pictures, which pages have as base64, too."""

    def again(match: re.Match[str]) -> str:
        svg = base64.b64decode(match.group(2)).decode("utf-8")
        return match.group(1) + base64.b64encode(neutral(svg).encode("utf-8")).decode("ascii")

    return re.sub(r"(data:image/svg\+xml;base64,)([A-Za-z0-9+/=]+)", again, page)


def _devkit_folders(devkit: str) -> Dict[str, str]:
    script = devkit_of(devkit).script
    assert script is not None
    # .../nuplan/planning/script/run_simulation.py
    return {str(Path(script).parents[3]): f"{NEUTRAL}/nuplan-devkit"}


def outputs(notebook: Any) -> List[List[Dict[str, Any]]]:
    """The outputs of each code cell."""
    return [list(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def kinds(shown: List[Dict[str, Any]]) -> List[str]:
    """For each output of a cell ``stream``, or its richest type of data; streams in a row are one."""
    each = [max(output["data"]) if "data" in output else output["output_type"] for output in shown]
    return [kind for at, kind in enumerate(each) if kind != "stream" or each[at - 1 : at] != ["stream"]]


def texts(notebook: Any) -> Iterator[str]:
    """All text in the outputs, that in svg pictures included."""
    for shown in outputs(notebook):
        for output in shown:
            for kind, data in {"text/plain": output.get("text", ""), **output.get("data", {})}.items():
                if kind.startswith("text/"):
                    yield data
                    for picture in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", data):
                        yield base64.b64decode(picture).decode("utf-8")


def faults(notebook: Any) -> List[str]:
    """What a reader should not see: errors, warnings, this machine's paths, unreadable output."""
    result = []
    if not re.match(r"# .*\?", notebook.cells[0].source.split("\n")[0]):
        result.append("the title is no question")
    for number, shown in enumerate(outputs(notebook), 1):
        for output in shown:
            if output["output_type"] == "error":
                result.append(f"cell {number} raises {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                result.append(f"cell {number} prints to stderr: {output['text'][:300]}")
            result.extend(f"cell {number}: {fault}" for fault in _of_data(output.get("data", {})))
    pages = "".join(texts(notebook))
    if pages.count("<iframe") > 1:
        result.append("more than one interactive flamegraph")
    for path in sorted(set(_PATH.findall(pages))):
        if not path.startswith((NEUTRAL, "/opt/nuplan")) and not path.startswith("/tmp"):
            result.append(f"a path of this machine: {path}")
    for secret in (platform.node(), str(ROOT), sys.prefix, tempfile.gettempdir() + "/pytest"):
        if len(secret) > 3 and re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", pages):
            result.append(f"{secret} is this machine's")
    return result


def unasserted(notebook: Any) -> List[str]:
    """Figures of the prose that no cell of code mentions, so that none checks them; from three digits on."""
    code = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code").replace("_", "")
    result = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = _NOT_PROSE.sub("", cell.source)
            for figure in re.findall(r"\d[\d,.]*\d", prose):
                plain = figure.replace(",", "")
                if len(plain) > 2 and not re.search(rf"(?<![\d.]){re.escape(plain)}(?!\d)", code):
                    result.append(figure)
    return result


def dead_links(notebook: Any) -> List[str]:
    """Files that the prose refers to and that are not there, notebooks that it only names included."""
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    linked = [path for path in re.findall(r"\]\(([^)#]+)", prose) if "://" not in path]
    linked += [f"{name}.ipynb" for name in _NAMED.findall(prose)]
    return [path for path in linked if not (NOTEBOOKS / path).exists()]


def _of_data(data: Dict[str, Any]) -> Iterator[str]:
    if "text/html" in data and "text/plain" not in data:
        yield "HTML without words for where it is stripped"
    if 'class="dataframe"' in data.get("text/html", "") and _LONG_FLOAT.search(data["text/plain"]):
        yield f"a table is not rounded: {_LONG_FLOAT.search(data['text/plain'])}"
    if "image/png" in data:
        width = struct.unpack(">I", base64.b64decode(data["image/png"])[16:20])[0]
        if width > _WIDEST_PX:
            yield f"a picture of {width} pixels"
