"""Names on the wire: span attributes, resource attributes, components.

OpenTelemetry's semantic conventions where one exists, ``nutrace.*`` elsewhere.
"""

from __future__ import annotations

from typing import Final

# --- span attributes ------------------------------------------------------------------------
COMPONENT: Final = "nutrace.component"

CODE_FUNCTION: Final = "code.function.name"
CODE_FILE: Final = "code.file.path"
CODE_LINE: Final = "code.line.number"
THREAD_ID: Final = "thread.id"
THREAD_NAME: Final = "thread.name"

# A span whose duration is not its cost carries the cost: the nanoseconds spent inside it.
# Generators (time inside over all resumptions) and composite spans (sum of members) have it.
BUSY_NS: Final = "nutrace.busy_ns"

# Generators: values yielded during this segment; calls made by this segment (1, and 0 for a
# segment which continues a generator that an earlier span of the same call began).
YIELDED: Final = "nutrace.generator.yielded"
CONTINUES: Final = "nutrace.generator.continues"  # hex id of the span holding the call
ABANDONED: Final = "nutrace.generator.abandoned"  # true: closed or collected before its end
# A call that gave the generator of another function, as code.* say where that one stands.
GIVEN_FUNCTION: Final = "nutrace.generator.function.name"
GIVEN_FILE: Final = "nutrace.generator.file.path"
GIVEN_LINE: Final = "nutrace.generator.line.number"

# Composite spans: how many equal siblings one span stands for, and their extremes.
COMPOSITE_COUNT: Final = "nutrace.composite.count"
COMPOSITE_MIN_NS: Final = "nutrace.composite.min_ns"
COMPOSITE_MAX_NS: Final = "nutrace.composite.max_ns"

UNFINISHED: Final = "nutrace.unfinished"  # true: the span never ended; its end is the last sign of life

STEP_INDEX: Final = "nutrace.step.index"
STEP_INTERVAL_S: Final = "nutrace.step.simulated_interval_s"

SCENARIO_TOKEN: Final = "nuplan.scenario.token"
SCENARIO_TYPE: Final = "nuplan.scenario.type"
SCENARIO_LOG: Final = "nuplan.scenario.log_name"
PLANNER_NAME: Final = "nuplan.planner.name"

# Copies: code.* say who called, and at which line. Numbers add up over the calls of a composite.
COPY_ROOT_TYPE: Final = "nutrace.deepcopy.root_type"  # of what was copied (unpickled: of what came out)
COPY_THROUGH: Final = "nutrace.copy.through"  # builtin, __deepcopy__ or __copy__, copyreg, __reduce_ex__
COPY_OBJECTS: Final = "nutrace.deepcopy.objects"  # entries that the memo gained
# Deep copies begun inside a deep copy with a memo of their own: part of the one around them.
COPY_NESTED: Final = "nutrace.deepcopy.nested_calls"
COPY_NESTED_OBJECTS: Final = "nutrace.deepcopy.nested_objects"
COPY_DEPTH: Final = "nutrace.deepcopy.depth"  # levels of such; absent if there are none
COPY_TYPES: Final = "nutrace.deepcopy.types"  # {type: {objects, bytes}}; NUTRACE_DEEPCOPY=detail only

# Statements: code.* say who asked. Numbers add up, series have an entry for each execution.
DB_SYSTEM: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"  # the database file, absolute
DB_TEXT: Final = "db.query.text"  # normalised
DB_OPERATION: Final = "db.operation.name"
DB_ROWS: Final = "db.response.returned_rows"
SQL_STATEMENT: Final = "nutrace.sql.statement"  # hash of the normalised text, the same in every run
SQL_EXECUTE_NS: Final = "nutrace.sql.execute_ns"
SQL_FETCH_NS: Final = "nutrace.sql.fetch_ns"
SQL_RUNS: Final = "nutrace.sql.runs"  # of executemany: sets of parameters, each of which is run
SQL_PARAMETERS: Final = "nutrace.sql.parameters"  # series: hashes under a key that no file holds
SQL_TOOK_NS: Final = "nutrace.sql.took_ns"  # series: execute and fetches
SQL_OPEN: Final = "nutrace.sql.open_connections"  # series: of the process, after a connect or close
# SQLAlchemy's pool.
POOL_CLASS: Final = "nutrace.pool.class"  # QueuePool, NullPool, ...
POOL_WAIT_NS: Final = "nutrace.pool.wait_ns"  # of a checkout, without connecting
POOL_IN_USE_NS: Final = "nutrace.pool.in_use_ns"  # from checkout to checkin
POOL_SOFT: Final = "nutrace.pool.soft"  # invalidated for others only: who has it may end its work

# What components did about a span.
CACHE_HIT: Final = "cache.hit"
POOL_REUSED: Final = "nutrace.pool.reused"  # false: the pool had to open a connection
OBJECTS_FROZEN: Final = "nutrace.gc.objects_frozen"  # of a run: left out of its garbage collections

# --- metrics of components -------------------------------------------------------------------
# The database conventions' names where a figure is what they define. Their wait_time and use_time
# are histograms, which a sum is not: those have names of ours.
SPEEDUP_NAME: Final = "nutrace.speedup.name"  # attribute of every point
SPEEDUP_SPENT: Final = "nutrace.speedup.time.spent"
SPEEDUP_AVOIDED: Final = "nutrace.speedup.time.avoided"
SPEEDUP_OTHER: Final = "nutrace.speedup."  # and a figure's name in stats()
CACHE_HITS: Final = "nutrace.cache.hits"
CACHE_MISSES: Final = "nutrace.cache.misses"
CACHE_EVICTIONS: Final = "nutrace.cache.evictions"
CACHE_ENTRIES: Final = "nutrace.cache.entries"
CACHE_SIZE: Final = "nutrace.cache.size"
POOL_CHECKOUTS: Final = "nutrace.pool.checkouts"  # by nutrace.pool.reused
POOL_OPENED: Final = "nutrace.pool.opened"
POOL_REPLACED: Final = "nutrace.pool.replaced"
POOL_WAITS: Final = "nutrace.pool.waits"
POOL_WAIT_TIME: Final = "nutrace.pool.wait_time"
POOL_ENGINES: Final = "nutrace.pool.engines"
CONNECTION_COUNT: Final = "db.client.connection.count"
CONNECTION_MAX: Final = "db.client.connection.max"
CONNECTION_PENDING: Final = "db.client.connection.pending_requests"
CONNECTION_TIMEOUTS: Final = "db.client.connection.timeouts"
CONNECTION_POOL_NAME: Final = "db.client.connection.pool.name"
CONNECTION_STATE: Final = "db.client.connection.state"  # idle, used

# --- span names that analyses know ----------------------------------------------------------
STEP_SPAN: Final = "simulation.step"
RUN_SPAN: Final = "simulation.run"
STATEMENT_SPAN: Final = "sqlite3.statement"
CONNECT_SPAN: Final = "sqlite3.connect"
CLOSE_SPAN: Final = "sqlite3.close"
COMMIT_SPAN: Final = "sqlite3.commit"
ROLLBACK_SPAN: Final = "sqlite3.rollback"
CHECKOUT_SPAN: Final = "sqlalchemy.checkout"
CHECKIN_SPAN: Final = "sqlalchemy.checkin"
ALCHEMY_CONNECT_SPAN: Final = "sqlalchemy.connect"
ALCHEMY_FETCH_SPAN: Final = "sqlalchemy.fetch"
DEEPCOPY_SPAN: Final = "copy.deepcopy"
COPY_SPAN: Final = "copy.copy"
PICKLE_SPAN: Final = "pickle.dumps"
UNPICKLE_SPAN: Final = "pickle.loads"

# --- resource attributes --------------------------------------------------------------------
RUN_ID: Final = "nutrace.run.id"
RUN_COMPLETE: Final = "nutrace.run.complete"  # false or absent: the process was cut short
RUN_PARENT_PID: Final = "nutrace.run.parent_pid"
SPANS_DROPPED: Final = "nutrace.spans.dropped"
SPANS_TRUNCATED: Final = "nutrace.spans.truncated"
SPANS_UNFINISHED: Final = "nutrace.spans.unfinished"
SPANS_RECORDED: Final = "nutrace.spans.recorded"  # before compression: how often a probe fired
OVERHEAD_NS: Final = "nutrace.overhead.estimated_ns"
FAULTS: Final = "nutrace.faults"
PROBES: Final = "nutrace.probes"
SETTINGS: Final = "nutrace.settings"
SPEEDUP_FIGURES: Final = "nutrace.speedups"  # {name: {options, refused, figures}}, as JSON

# --- components -----------------------------------------------------------------------------
COMPONENTS: Final = (
    "simulation",
    "planner",
    "propagate",
    "observation",
    "controller",
    "history",
    "scenario",
    "database",
    "map",
    "features",
    "model",
    "callback",
    "metrics",
    "serialization",
    "config",
    "worker",
    "deepcopy",
    "other",
)

# --- instrumentation scopes -----------------------------------------------------------------
SCOPE: Final = "nutrace"
# Lines of a .partial file under this scope announce spans that are still open. They are
# dropped when the file is joined; a reader uses one only if the finished span never came.
# Without spans, their resource tells what has changed since: the last one holds.
OPEN_SCOPE: Final = "nutrace.open"
