"""Ray's clusters: workers on any of their hosts belong to the driver's run, and the driver hears of them.

Workers that ``ray.init`` starts inherit the driver's environment. Those of a cluster that was there before
do not: Ray gives them the variables of the job's runtime environment, to which ours are added.

A worker whose file cannot be reached from the driver's host would be missed by nobody. So each worker that
has spans puts a note into the key-value store that every Ray cluster has, and the driver reads these notes
before it disconnects.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from nutrace.patching import Replacement, Switch
from nutrace.recording.process_state import process_state

_WORKER = "ray._private.worker"
_STORE = "ray.experimental.internal_kv"
_NAMESPACE = "nutrace"
_WORKER_MODE = 1  # ray.WORKER_MODE
_JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # what `ray job submit` sets


class Process(NamedTuple):
    """A process of the run that has spans, and the file that it writes them to."""

    host: str
    pid: int
    file: str


def around_ray(collect: Callable[[], None]) -> List[Replacement]:
    """What has to be replaced in a driver; `collect` is called before it disconnects from a cluster."""
    return [
        Replacement(f"{_WORKER}:init", functools.partial(_initializing, collect), distribution="ray"),
        Replacement(f"{_WORKER}:shutdown", functools.partial(_calling_before, collect), distribution="ray"),
    ]


def _initializing(collect: Callable[[], None], original: Any, switch: Switch) -> Any:
    @functools.wraps(original)
    def init(*args: Any, **kwargs: Any) -> Any:
        if not switch:
            return original(*args, **kwargs)
        try:
            address = args[0] if args else kwargs.get("address")
            if _joins_cluster(address):
                kwargs = _with_variables(kwargs, _variables())
        except Exception:  # the workers run untraced
            process_state.fault("giving Ray's workers the run")
        result = original(*args, **kwargs)
        atexit.unregister(collect)
        atexit.register(collect)  # called before Ray disconnects at exit: what is registered last comes first
        return result

    return init


def _calling_before(collect: Callable[[], None], original: Any, switch: Switch) -> Any:
    @functools.wraps(original)
    def shutdown(*args: Any, **kwargs: Any) -> Any:
        if switch:
            collect()
        return original(*args, **kwargs)

    return shutdown


def _joins_cluster(address: Optional[str]) -> bool:
    """Whether ``ray.init`` will connect to a cluster that is there, as it decides itself."""
    if address is not None:
        return address != "local"
    services: Any = sys.modules.get("ray._private.services")
    return bool(os.environ.get("RAY_ADDRESS")) or services.find_bootstrap_address(None) is not None


def _variables() -> Dict[str, str]:
    """The variables by which a process becomes one of this run."""
    told = {name: text for name, text in os.environ.items() if name.startswith("NUTRACE")}
    for name, text in list(told.items()):
        with contextlib.suppress(UnicodeEncodeError):
            text.encode()
            continue
        del told[name]  # a path that is not text, which Ray cannot send
    return told


def _with_variables(arguments: Mapping[str, Any], variables: Mapping[str, str]) -> Dict[str, Any]:
    """The arguments of ``ray.init`` with `variables` for the workers; what the program sets itself wins."""
    given = arguments.get("runtime_env")
    if not given and arguments.get("job_config") is not None:
        given = arguments["job_config"].runtime_env
    given = dict(given or {})
    # Ray refuses a variable that both the job's submission and the driver set.
    submitted = json.loads(os.environ.get(_JOB_CONFIG) or "{}").get("runtime_env") or {}
    taken = {**(submitted.get("env_vars") or {}), **(given.get("env_vars") or {})}
    ours = {name: text for name, text in variables.items() if name not in taken}
    given["env_vars"] = {**ours, **(given.get("env_vars") or {})}
    return {**arguments, "runtime_env": given}


def is_worker() -> Optional[bool]:
    """Whether this process is a worker of Ray, connected to its cluster; ``None``: it may become one."""
    ray_worker: Any = sys.modules.get(_WORKER)
    if ray_worker is None:
        return False
    try:
        mode = ray_worker.global_worker.mode
    except AttributeError:  # it is being imported
        return None
    return None if mode is None else bool(mode == _WORKER_MODE)


def tell(run_id: str, process: Process) -> None:
    """Tell the driver that there is `process`, which is this one, a worker.

    Raises
    ------
    Exception
        Whatever Ray raises if the cluster is gone.
    """
    store: Any = sys.modules[_STORE]
    key = f"{run_id}:{process.host}:{process.pid}"
    store._internal_kv_put(key, json.dumps(process._asdict()), namespace=_NAMESPACE)


def heard_of(run_id: str) -> List[Process]:
    """The processes that have told of themselves so far; none if there is no connection to a cluster.

    Raises
    ------
    Exception
        Whatever Ray raises if the cluster is gone.
    """
    store: Any = sys.modules.get(_STORE)
    if store is None or not store._internal_kv_initialized():
        return []
    processes = []
    for key in store._internal_kv_list(f"{run_id}:", namespace=_NAMESPACE):
        said = json.loads(store._internal_kv_get(key, namespace=_NAMESPACE) or "{}")
        with contextlib.suppress(KeyError, TypeError, ValueError):  # it was deleted in this moment
            processes.append(Process(str(said["host"]), int(said["pid"]), str(said["file"])))
    return processes


def forget_notes(run_id: str) -> None:
    """Take the notes of a run out of the cluster, which may live on for years."""
    store: Any = sys.modules.get(_STORE)
    if store is not None and store._internal_kv_initialized():
        store._internal_kv_del(f"{run_id}:", del_by_prefix=True, namespace=_NAMESPACE)
