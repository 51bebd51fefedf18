"""Probed functions that travel to other processes by value.

Ray, joblib and dask send functions of ``__main__``, closures and lambdas as their code; cloudpickle does that
for them. It asks ``reducer_override``, a method that the pickle module documents, how to pickle each object.
What that says of a probed function is replaced: the function travels with the recipe of its spans, and the
process that loads it puts them around it, if it is traced. Loading takes no nutrace, because the function
that does it travels by value as well.
"""

from __future__ import annotations

import functools
import io
import operator
from types import FunctionType
from typing import Any, Callable, Dict, List, Mapping, Tuple

from nutrace.patching import Replacement, Switch
from nutrace.patching.originals import original_in
from nutrace.patching.targets import inner
from nutrace.probes.recipe import Recipe, put
from nutrace.probes.switch import switch as decorators
from nutrace.probes.wrapped import ProbedFunction
from nutrace.recording.process_state import process_state

#: Where cloudpickle is, under its own name and within packages that bring a copy.
_PACKAGES = ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle", "pyspark.cloudpickle")
_PROTOCOL = 4


def by_value() -> List[Replacement]:
    """What has to be replaced for probed functions to travel with their spans."""
    return [
        Replacement(f"{package}:CloudPickler.reducer_override", _reducing, distribution=package)
        for package in _PACKAGES
    ]


def _reducing(original: Any, switch: Switch) -> Any:
    @functools.wraps(original)
    def reducer_override(self: Any, obj: Any) -> Any:
        reduced = original(self, obj)
        if isinstance(reduced, tuple) and switch:  # by value
            try:
                if type(obj) is ProbedFunction:
                    return _probed(obj) or reduced
                if type(obj) is FunctionType:
                    return _stock(obj) or reduced
            except Exception:  # it travels without spans
                process_state.fault("sending a function")
        return reduced

    return reducer_override


def _probed(function: Any) -> Any:
    recipe = getattr(function, "_self_recipe", None)
    if recipe is None:
        return None
    look = {"name": recipe.name, "component": recipe.component, "takes_instance": recipe.takes_instance}
    return _load, (__name__, function._self_function, look, _packed(recipe.note, recipe.note_result))


def _stock(function: FunctionType) -> Any:
    """The program's own function, if this is one that nutrace has put into a class instead."""
    original = inner(original_in(function))
    return (operator.getitem, ((original,), 0)) if type(original) is FunctionType else None


def _packed(*notes: Any) -> bytes:
    """Notes may be any functions: those that cannot be pickled, or loaded, are left out."""
    import pickle  # cloudpickle has imported it

    data = io.BytesIO()
    try:
        pickle.Pickler(data, _PROTOCOL).dump(notes)  # not pickle.dumps, which may be probed
    except Exception:
        return b""
    return data.getvalue()


def _unpacked(notes: bytes) -> Tuple[Any, Any]:
    import pickle

    try:
        note, note_result = pickle.Unpickler(io.BytesIO(notes)).load()
    except Exception:  # nothing, or what is elsewhere in this process
        return None, None
    return note, note_result


def _loader() -> Callable[[str, Any, Dict[str, Any], bytes], Any]:
    def load(module: str, function: Any, look: Dict[str, Any], notes: bytes) -> Any:
        import sys

        here = sys.modules.get(module)
        return function if here is None else here.again(function, look, notes)

    return load


#: Made by a function, so that it travels by value: the process that calls it may have no nutrace.
_load = _loader()


def again(function: Any, look: Mapping[str, Any], notes: bytes) -> Any:
    """Put spans around a function that has arrived."""
    try:
        note, note_result = _unpacked(notes)
        return put(function, Recipe(**look, note=note, note_result=note_result), decorators)
    except Exception:  # another version of nutrace has sent it
        process_state.fault("receiving a function")
        return function
