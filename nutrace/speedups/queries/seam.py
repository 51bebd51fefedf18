"""Where query speedups stand in a program: around the devkit's ``execute_many`` and ``execute_one``."""

from __future__ import annotations

import functools
import sys
import weakref
from types import FunctionType, ModuleType
from typing import Any, List, Optional, Tuple

from nutrace.speedups.known_code import KnownFunction
from nutrace.speedups.queries.chain import Answer, Chain
from nutrace.speedups.queries.rows import Rows
from nutrace.speedups.speedup import Misfit, Replacement, Switch

#: Ranks: which speedup is asked first, whatever the order that they were switched on in. The row cache stands
#: before the indexes, because it keeps rows by the log's name and must not see the name of a copy.
PREFETCH, ROWS, INDEXES, POOL = range(4)

_MODULES = (
    ("nuplan.database.nuplan_db.query_session", "nuplan-devkit"),
    ("nutrace.demo.miniature.query_session", "nutrace"),
)
_PARAMETERS = "query_text query_parameters db_file"
_DOES = "runs a query"
_MANY, _ONE = "execute_many", "execute_one"
_NAMES = frozenset(("sqlite3", "connect", "row_factory", "Row", "cursor", "execute", "close"))
KNOWN = {
    _MANY: KnownFunction(_PARAMETERS, _NAMES, _DOES),
    _ONE: KnownFunction(_PARAMETERS, _NAMES | {"fetchone", "RuntimeError"}, _DOES),
}
#: The program's own function, by its replacement. Not an attribute of the replacement: ``functools.wraps``
#: would copy it to what the program puts around the replacement.
_programs: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

#: Of this process: what the replaced functions ask.
_chain = Chain()
_ranked: List[Tuple[int, Answer]] = []


def replacements(rank: int, answer: Answer) -> Tuple[Replacement, ...]:
    """The places of a query speedup."""
    return tuple(
        Replacement(
            f"{module}:{name}", functools.partial(_replace, name, rank, answer), distribution=distribution
        )
        for module, distribution in _MODULES
        for name in (_MANY, _ONE)
    )


def after(rank: int, query: str, parameters: Any, file: Any) -> Optional[Rows]:
    """What the speedups that are asked after this rank answer."""
    return Chain([answer for number, answer in _ranked if number > rank]).answer(query, parameters, file)


def leave(answer: Answer) -> None:
    """Ask a speedup no more."""
    _ranked[:] = [each for each in _ranked if each[1] != answer]
    _chain.answers = tuple(each[1] for each in _ranked)
    if not _ranked:
        _restore()


def _replace(name: str, rank: int, answer: Answer, original: Any, switch: Switch) -> Any:
    if not isinstance(original, FunctionType):
        raise Misfit(f"the module has no function {name}")
    # Another speedup's replacement asks the same chain: one around the program's own function is enough.
    program = _programs.get(original, original)
    KNOWN[name].check(program)
    if (rank, answer) not in _ranked:
        _ranked.append((rank, answer))
        _ranked.sort(key=lambda each: each[0])
        _chain.answers = tuple(each[1] for each in _ranked)
    made = _chain.execute_many(program) if name == _MANY else _chain.execute_one(program)
    _programs[made] = program
    return made


def _restore() -> None:
    """Put the program's own functions back where a replacement is left.

    If speedups leave in another order than they came, each puts back what was there before it, which may be
    the replacement of one that left before.
    """
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            for name, value in list(vars(module).items()):
                if type(value) is FunctionType and value in _programs:
                    vars(module)[name] = _programs[value]
