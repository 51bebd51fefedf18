"""nutrace's own frames on a sampled stack: which they are, and which spans they stand for.

Own frames are those of the packages and modules that put spans around calls and write them. What the other
ones do (speedups, the demo) is work like the program's, and their frames stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

from nutrace import semconv

# As nutrace.patching.frames has it. Importing that package would make every command that reads a run wait
# for wrapt.
_SUFFIX = " (skipped like importlib._bootstrap)"

_OWN = re.compile(
    r"(?:^|[/\\])nutrace[/\\]"
    r"((?:probes|recording|patching|sampling)[/\\].*|(?:_autostart|_running|forks|session|settings)\.py)$"
)

#: Files whose frames call a probed function: the program's frame that follows may be a span's.
_CALLING = frozenset(("probes/wrappers.py", "probes/wrapped.py", "probes/generators.py"))

#: A method that nutrace gave a class in the place of one that it inherits. Its span says that it is the
#: inherited one, which may have a span of its own.
_INHERITED = "probes/patches.py"

#: The spans that a wrapper of ours stands around although no function of the program's is theirs. Their
#: ``code.*`` are the caller. By the file of the wrapper.
SPANS: Mapping[str, Tuple[str, ...]] = {
    "probes/sqlite/cursors.py": (semconv.STATEMENT_SPAN,),
    "probes/sqlite/connections.py": (
        semconv.CONNECT_SPAN,
        semconv.CLOSE_SPAN,
        semconv.COMMIT_SPAN,
        semconv.ROLLBACK_SPAN,
    ),
    "probes/sqlalchemy/pool.py": (
        semconv.CHECKOUT_SPAN,
        semconv.CHECKIN_SPAN,
        semconv.ALCHEMY_CONNECT_SPAN,
    ),
    "probes/sqlalchemy/fetches.py": (semconv.ALCHEMY_FETCH_SPAN,),
    "probes/copying/deepcopy.py": (semconv.DEEPCOPY_SPAN,),
    "probes/copying/shallow.py": (semconv.COPY_SPAN, semconv.PICKLE_SPAN, semconv.UNPICKLE_SPAN),
}

#: The file that stands around the spans of a name.
WRAPPER_OF: Mapping[str, str] = {name: file for file, names in SPANS.items() for name in names}

_BY_NAME = {file.rpartition("/")[2]: file for file in (*SPANS, *_CALLING, _INHERITED)}


def plain(file: str) -> str:
    """A file's name as it is on disk."""
    return file[: -len(_SUFFIX)] if file.endswith(_SUFFIX) else file


@dataclass(frozen=True)
class OwnFrame:
    """What one of nutrace's own frames tells.

    Attributes
    ----------
    spans:
        The file whose spans begin here (see :data:`SPANS`), or "".
    calls_probed, inherited:
        Whether it calls a probed function, or hands on to the method that a class inherits.
    """

    spans: str
    calls_probed: bool
    inherited: bool


def own_frame(file: str) -> Optional[OwnFrame]:
    """What a frame of this file tells; None if it is not nutrace's own."""
    name = plain(file)
    found = _OWN.search(name)
    if found is not None:
        own = found.group(1).replace("\\", "/")
    elif name != file:  # a sampler that leaves folders out
        own = _BY_NAME.get(name, name)
    else:
        return None
    return OwnFrame(own if own in SPANS else "", own in _CALLING, own == _INHERITED)
