"""The names of modules, from their files."""

from __future__ import annotations

import os
import sys
from typing import Dict, List, Optional, Set, Tuple

from nutrace import semconv
from nutrace.sampling.stacks import parse
from nutrace.trace import SpanView, Trace

#: What :meth:`Modules.name` returns for the program itself, whose functions no probe can name.
MAIN = "__main__"


class Modules:
    """Under which names a traced process has imported the files of its source.

    The process has written the names beside its samples. For samples of another sampler they follow from
    the folders: packages go up as long as there is an ``__init__.py``, and further to a folder from which
    modules are imported. Such folders are known from the functions of spans, and from this interpreter.
    """

    def __init__(self, trace: Trace) -> None:
        self._names: Dict[str, str] = {}
        self._roots: List[str] = []
        self._scripts: Set[str] = set()
        self._folder = ""
        for resource in trace.resources:
            text = resource.attributes.get(semconv.SAMPLES)
            if isinstance(text, str):
                try:
                    self._names.update(parse(text).modules)
                except ValueError:  # whoever joins the samples says so
                    pass
            words = resource.attributes.get(semconv.COMMAND)
            folder = resource.attributes.get("process.working_directory")
            if isinstance(words, list) and len(words) > 1 and isinstance(folder, str):
                self._folder = self._folder or folder
                self._scripts.update(os.path.join(folder, str(word)) for word in words[1:])
        roots = {self._root(span.file, span.function) for span in first_of_each_kind(trace)}
        here = [*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        roots.update(os.path.abspath(folder) for folder in here if folder)
        self._roots = sorted((root for root in roots if root), key=len, reverse=True)

    def absolute(self, file: str) -> str:
        """A file as it can be opened: code of a script has the path that was typed."""
        return os.path.join(self._folder, file) if file else ""

    def name(self, file: str) -> str:
        """The name of the module whose source is `file`; "" if it has none that can be written."""
        known = self._names.get(file, "")
        if known:
            return known
        if file in self._scripts:
            return MAIN
        package = os.path.dirname(file)
        while os.path.exists(os.path.join(package, "__init__.py")) and os.path.dirname(package) != package:
            package = os.path.dirname(package)
        root = next((root for root in self._roots if _is_below(package, root)), package)
        return _dotted(os.path.relpath(file, root)) or _dotted(os.path.relpath(file, package))

    @staticmethod
    def _root(file: str, function: str) -> Optional[str]:
        """The folder from which the module of a span's function was imported, if its name says so."""
        parts = _parts(file)
        names = function.split(".")
        for count in range(len(names) - 1, 0, -1):
            if parts[-count:] == names[:count] and len(parts) > count:
                return os.sep.join(parts[:-count])
        return None


def first_of_each_kind(trace: Trace) -> List[SpanView]:
    """The first span of each name and component: enough to ask for the function that has such spans."""
    first: Dict[Tuple[str, str], int] = {}
    for index, kind in enumerate(zip(trace.name, trace.component)):
        first.setdefault(kind, index)
    return [trace[index] for index in first.values()]


def _is_below(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(root.rstrip(os.sep) + os.sep)


def _dotted(path: str) -> str:
    parts = _parts(path)
    if parts[-1:] == ["__init__"]:
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def _parts(path: str) -> List[str]:
    return os.path.splitext(path)[0].split(os.sep)
