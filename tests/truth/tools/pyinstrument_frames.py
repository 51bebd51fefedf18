"""pyinstrument's tree of frames."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from truth.tools.stacks import functions
from truth.tools.tool import Said, Tool

_Frames = List[Tuple[str, str]]


class Pyinstrument(Tool):
    """Around the main function, with its default of a millisecond."""

    name = "pyinstrument"
    title = "pyinstrument"
    meaning = (
        "Samples of one thread's stack, a thousand a second: wall time between samples goes to the stack "
        "that is seen at the next call or return after it is due. No calls are counted."
    )
    modules = ("pyinstrument",)

    @contextmanager
    def around(self, folder: Path) -> Iterator[Any]:
        from pyinstrument import Profiler

        profiler = Profiler()
        profiler.start()
        try:
            yield
        finally:
            session = profiler.stop()
            root = session.root_frame()
            stacks = [] if root is None else list(_stacks(root, []))
            (folder / "stacks.json").write_text(json.dumps(stacks), encoding="utf-8")

    def read(self, folder: Path, program: str) -> Said:
        stacks = json.loads((folder / "stacks.json").read_text(encoding="utf-8"))
        return Said(functions(stacks, program))


def _stacks(frame: Any, above: _Frames) -> Iterator[Tuple[_Frames, float]]:
    """Each frame's stack, and the nanoseconds that were in no frame below it."""
    stack = above if frame.is_synthetic else [*above, (frame.function, Path(frame.file_path or "").name)]
    own_s = frame.time - sum(child.time for child in frame.children)
    if own_s > 0:
        yield stack, own_s * 1e9
    for child in frame.children:
        yield from _stacks(child, stack)


TOOL = Pyinstrument()
