"""VizTracer's events."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List

from truth.tools.nesting import Interval, functions
from truth.tools.tool import Said, Tool

# "function (/folder/file.py:12)"; a C function has no file.
_NAME = re.compile(r"^(?P<name>.*?) \((?P<file>.*?)(:\d+)?\)$")


class VizTracer(Tool):
    """With its defaults: C functions as well, and a buffer of a million events, the newest."""

    name = "viztracer"
    title = "VizTracer"
    meaning = (
        "Wall time of every call of Python and C functions, each an event; of long runs only the newest "
        "million events are kept."
    )
    modules = ("viztracer",)

    @contextmanager
    def around(self, folder: Path) -> Iterator[Any]:
        from viztracer import VizTracer as Tracer

        tracer = Tracer(verbose=0)
        tracer.start()
        try:
            yield
        finally:
            tracer.stop()
            tracer.parse()
            events = [
                (event["tid"], event["ts"], event["dur"], event["name"])
                for event in tracer.data["traceEvents"]
                if event["ph"] == "X"
            ]
            (folder / "events.json").write_text(json.dumps(events), encoding="utf-8")

    def read(self, folder: Path, program: str) -> Said:
        intervals: List[Interval] = []
        for thread, start, duration, text in json.loads((folder / "events.json").read_text(encoding="utf-8")):
            match = _NAME.match(text)
            name, file = (match["name"], match["file"]) if match else (text, "")
            name = name.rpartition(".")[2]
            own = Path(file).name == program
            intervals.append(Interval(thread, start * 1e3, (start + duration) * 1e3, name, own))
        return Said(functions(intervals))


TOOL = VizTracer()
