"""The process's one table of what waits for a module to be imported.

wrapt calls a hook right after a module's own code has run, before anybody can bind the module's names
elsewhere. A hook of wrapt's cannot be taken back, so each module name is registered with wrapt only while it
is not registered yet, with one function that looks into this table.
"""

from __future__ import annotations

from types import ModuleType
from typing import Callable, Dict, List, Set

import wrapt

from nutrace.patching.lock import lock

OnImport = Callable[[ModuleType], None]

_waiting: Dict[str, List[OnImport]] = {}
_registered: Set[str] = set()


def on_import(name: str, call: OnImport) -> None:
    """Call ``call(module)`` once, when the module `name` has been imported."""
    with lock:
        _waiting.setdefault(name, []).append(call)
        known = name in _registered
        _registered.add(name)
    if not known:  # outside the lock: wrapt calls at once if another thread has imported the module meanwhile
        _register(name)


def _register(name: str) -> None:
    try:
        wrapt.register_post_import_hook(_imported, name)
    except KeyError:  # wrapt before 1.15, if the module was imported before and is gone from sys.modules
        wrapt.importer._post_import_hooks.pop(name, None)  # type: ignore[attr-defined]
        wrapt.register_post_import_hook(_imported, name)


def forget(name: str, call: OnImport) -> None:
    """Take :func:`on_import` back."""
    with lock:
        calls = _waiting.get(name, [])
        if call in calls:
            calls.remove(call)
        if not calls:
            _waiting.pop(name, None)


def _imported(module: ModuleType) -> None:
    with lock:
        _registered.discard(module.__name__)  # wrapt has forgotten it
        calls = _waiting.pop(module.__name__, [])
        for call in calls:
            call(module)
