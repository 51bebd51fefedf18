"""Call sites of functions that return generators: they say whose generators those are."""

from __future__ import annotations

from types import GeneratorType
from typing import Any

from nutrace import semconv
from nutrace.recording.span import CallSite, process_state

_MOST = 16  # generators of one function's calls that are told apart


def site_of_given(generator: GeneratorType[Any, Any, Any], site: CallSite) -> CallSite:
    """The call site for calls of `site` that returned such a generator.

    It is `site` itself if the generator's code is its own function's, or if there are too many others.
    """
    code = generator.gi_code
    known = site.given.get(code)
    if known is not None:
        return known
    function, file, line = site.target
    if len(site.given) >= _MOST or (file, line) == (code.co_filename, code.co_firstlineno):
        return site
    try:
        given = {
            semconv.GIVEN_FUNCTION: _name(generator),
            semconv.GIVEN_FILE: code.co_filename,
            semconv.GIVEN_LINE: code.co_firstlineno,
        }
    except Exception:  # the program may have set its names to anything
        process_state.fault("naming a generator")
        return site
    twin = site.given[code] = CallSite(
        site.name,
        site.component,
        function=function,
        file=file,
        line=line,
        kind=site.kind,
        scope=site.scope,
        attributes={**site.attributes, **given},
        of_method=site.of_method,
    )
    return twin


def _name(generator: GeneratorType[Any, Any, Any]) -> str:
    code = generator.gi_code
    # Code has a qualified name since Python 3.11; the generator's own can be set by the program.
    qualified = getattr(code, "co_qualname", generator.__qualname__)
    if type(qualified) is not str or qualified.rpartition(".")[2] != code.co_name:
        qualified = code.co_name
    module = generator.gi_frame and dict.get(generator.gi_frame.f_globals, "__name__")
    return f"{module}.{qualified}" if type(module) is str and module else qualified
