"""Names in run files: spans, their attributes, resource attributes, metrics and components.

Names of OpenTelemetry's semantic conventions where one exists, ``nutrace.*`` otherwise.
"""

from __future__ import annotations

from typing import Final

# --- span attributes ------------------------------------------------------------------------
COMPONENT: Final = "nutrace.component"

CODE_FUNCTION: Final = "code.function.name"
CODE_FILE: Final = "code.file.path"
CODE_LINE: Final = "code.line.number"
# true: the span is no call of the function. The function returned before the span began or while it lasts
# (with-blocks, steps), or it is the caller of a statement, or the place that the program gave its own span.
BLOCK: Final = "nutrace.block"
# The function that a decorator put in the place of this one (code.*), and which calls it. Its name has
# neither module nor class.
DECORATOR_FUNCTION: Final = "nutrace.decorator.function.name"
DECORATOR_FILE: Final = "nutrace.decorator.file.path"
DECORATOR_LINE: Final = "nutrace.decorator.line.number"
THREAD_ID: Final = "thread.id"
THREAD_NAME: Final = "thread.name"

# The cost of a span, in nanoseconds, where it differs from the duration: for a generator the time inside
# it over all resumptions, for a composite span the sum of the calls it stands for.
BUSY_NS: Final = "nutrace.busy_ns"
# nutrace's own time inside the span that was measured, in nanoseconds. It is taken out of BUSY_NS.
OWN_NS: Final = "nutrace.own_ns"
# nutrace's own time around a statement, a use of a connection or a copy, in nanoseconds, where it was
# clocked: before the span and after it, in the self time of the span above.
CLOCKED_NS: Final = "nutrace.own.clocked_ns"

# Generators. One call may have several spans, if it is resumed from different places.
YIELDED: Final = "nutrace.generator.yielded"  # number of values, in this span
CONTINUES: Final = "nutrace.generator.continues"  # hex id of the call's first span; this one counts no call
ABANDONED: Final = "nutrace.generator.abandoned"  # true: closed or collected before its end
# The function whose generator a call returned, if that is another function than the one called (code.*).
GIVEN_FUNCTION: Final = "nutrace.generator.function.name"
GIVEN_FILE: Final = "nutrace.generator.file.path"
GIVEN_LINE: Final = "nutrace.generator.line.number"

# Composite spans: the number of short equal siblings that one span stands for, the shortest, the longest, and
# how many took how long: [bucket, number, bucket, number, ...], see nutrace.sketch.
COMPOSITE_COUNT: Final = "nutrace.composite.count"
COMPOSITE_MIN_NS: Final = "nutrace.composite.min_ns"
COMPOSITE_MAX_NS: Final = "nutrace.composite.max_ns"
COMPOSITE_TIMES: Final = "nutrace.composite.times"

UNFINISHED: Final = (
    "nutrace.unfinished"  # true: the span did not end; its end time is when the process last wrote
)

STEP_INDEX: Final = "nutrace.step.index"
STEP_INTERVAL_S: Final = "nutrace.step.simulated_interval_s"

#: How many scenarios are to be simulated, on the span that simulates them.
SCENARIOS_PLANNED: Final = "nutrace.scenarios.planned"
SCENARIO_TOKEN: Final = "nuplan.scenario.token"
SCENARIO_TYPE: Final = "nuplan.scenario.type"
SCENARIO_LOG: Final = "nuplan.scenario.log_name"
PLANNER_NAME: Final = "nuplan.planner.name"
PLANNER_CLASS: Final = "nuplan.planner.class"

# Copies: code.* are the caller and its line. In a composite span the numbers are sums over its calls.
COPY_ROOT_TYPE: Final = "nutrace.deepcopy.root_type"  # type of the copied object; of the result, if unpickled
COPY_THROUGH: Final = "nutrace.copy.through"  # how: builtin, __deepcopy__ or __copy__, copyreg, __reduce_ex__
COPY_OBJECTS: Final = "nutrace.deepcopy.objects"  # entries that the memo gained
# Deep copies that were begun inside this one with a memo of their own. They count as a part of it.
COPY_NESTED: Final = "nutrace.deepcopy.nested_calls"
COPY_NESTED_OBJECTS: Final = "nutrace.deepcopy.nested_objects"
COPY_DEPTH: Final = "nutrace.deepcopy.depth"  # levels of nested copies; absent without nested copies
COPY_TYPES: Final = "nutrace.deepcopy.types"  # {type: {objects, bytes}}; NUTRACE_DEEPCOPY=detail only

# Statements: code.* are the caller. In a composite span numbers are sums, and a series has an entry for
# each execution.
DB_SYSTEM: Final = "db.system.name"
# The names of the same in older versions of the conventions, which most instrumentations write.
OLD_DB_SYSTEM: Final = "db.system"
OLD_DB_TEXT: Final = "db.statement"
OLD_DB_NAMESPACE: Final = "db.name"
OLD_DB_OPERATION: Final = "db.operation"
DB_NAMESPACE: Final = "db.namespace"  # the database file, absolute
DB_TEXT: Final = "db.query.text"  # normalised
DB_OPERATION: Final = "db.operation.name"
DB_BATCH: Final = "db.operation.batch.size"
DB_ROWS: Final = "db.response.returned_rows"
SQL_STATEMENT: Final = "nutrace.sql.statement"  # hash of the normalised text, the same in every run
SQL_EXECUTE_NS: Final = "nutrace.sql.execute_ns"
SQL_FETCH_NS: Final = "nutrace.sql.fetch_ns"
SQL_ROWS_AT_ONCE: Final = "nutrace.sql.rows_at_once"  # of the rows, those that fetchmany or fetchall gave
SQL_RUNS: Final = "nutrace.sql.runs"  # number of parameter sets of an executemany
SQL_PARAMETERS: Final = "nutrace.sql.parameters"  # series: hashes, with a key that is in no file
SQL_TOOK_NS: Final = "nutrace.sql.took_ns"  # series: execute and fetches together
SQL_OPEN: Final = "nutrace.sql.open_connections"  # series: in the process, after each connect or close
# SQLAlchemy's pool.
POOL_CLASS: Final = "nutrace.pool.class"  # QueuePool, NullPool, ...
POOL_WAIT_NS: Final = "nutrace.pool.wait_ns"  # how long a checkout waited, without connecting
POOL_IN_USE_NS: Final = "nutrace.pool.in_use_ns"  # from checkout to checkin
POOL_SOFT: Final = "nutrace.pool.soft"  # a soft invalidation: its user may finish, nobody gets it afterwards

# Garbage collections, and memory.
GC_GENERATION: Final = "nutrace.gc.generation"  # the oldest that was collected: 0, 1, 2
GC_OFF: Final = "nutrace.gc.off"  # true: it was switched off when the scenario began
GC_COLLECTED: Final = "nutrace.gc.collected"  # objects; in a composite span a sum
MEMORY: Final = "nutrace.memory.rss"  # bytes resident when the span ended: steps, scenarios
MEMORY_START: Final = "nutrace.memory.rss_start"  # bytes resident when it began: scenarios
# Processor time in ns of the scenario's thread and of its process, each since it began: when the scenario
# began, and when it ended.
CPU_THREAD_START: Final = "nutrace.cpu.thread_start_ns"
CPU_THREAD: Final = "nutrace.cpu.thread_ns"
CPU_PROCESS_START: Final = "nutrace.cpu.process_start_ns"
CPU_PROCESS: Final = "nutrace.cpu.process_ns"
MEMORY_GPU: Final = "nutrace.memory.gpu"  # bytes that torch had on GPUs when the span ended
PICKLE_BYTES: Final = (
    "nutrace.pickle.bytes"  # length of what pickle.dumps returned; in a composite span a sum
)

# What speedups did during a span.
CACHE_HIT: Final = "cache.hit"
POOL_REUSED: Final = "nutrace.pool.reused"  # false: the pool had to open a connection
OBJECTS_FROZEN: Final = "nutrace.gc.objects_frozen"  # in simulation.run: left out of its garbage collections

# --- metrics of speedups ---------------------------------------------------------------------
# The database conventions define wait_time and use_time as histograms. Ours are sums, so they have names of
# their own.
SPEEDUP_NAME: Final = "nutrace.speedup.name"  # attribute of every data point
SPEEDUP_SPENT: Final = "nutrace.speedup.time.spent"
SPEEDUP_AVOIDED: Final = "nutrace.speedup.time.avoided"
SPEEDUP_OTHER: Final = "nutrace.speedup."  # prefix, followed by a figure's name in stats()
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

# --- span names that analyses look for ------------------------------------------------------
STEP_SPAN: Final = "simulation.step"
RUN_SPAN: Final = "simulation.run"
RUNNERS_SPAN: Final = "simulation.execute_runners"
MAP_SPAN: Final = "worker.map"  # tasks are sent to workers, and their results received
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
GC_SPAN: Final = "gc.collect"
GC_DISABLE_SPAN: Final = "gc.disable"
GC_ENABLE_SPAN: Final = "gc.enable"
GC_FREEZE_SPAN: Final = "gc.freeze"
PICKLE_SPAN: Final = "pickle.dumps"
UNPICKLE_SPAN: Final = "pickle.loads"

# --- resource attributes --------------------------------------------------------------------
HOST_NAME: Final = "host.name"
PROCESSORS: Final = "nutrace.host.processors"  # that the process may use
HOST_MEMORY: Final = "nutrace.host.memory"  # bytes, of the machine or of the container
CREATED: Final = "process.creation.time"  # ISO 8601; of processes that were traced from their start
COMMAND: Final = "process.command_args"
REVISION: Final = "vcs.ref.head.revision"  # of the repository that the program was started in
BRANCH: Final = "vcs.ref.head.name"
RUN_ID: Final = "nutrace.run.id"
RUN_COMPLETE: Final = "nutrace.run.complete"  # false or absent: the process did not write its end
RUN_PARENT_PID: Final = "nutrace.run.parent_pid"
# Workers of Ray that have told the driver that they have spans: [{host, pid, file}], as JSON.
RUN_WORKERS: Final = "nutrace.run.workers"
SPANS_DROPPED: Final = "nutrace.spans.dropped"
SPANS_TRUNCATED: Final = "nutrace.spans.truncated"
SPANS_UNFINISHED: Final = "nutrace.spans.unfinished"
SPANS_RECORDED: Final = (
    "nutrace.spans.recorded"  # number of calls, before they are merged into composite spans
)
OVERHEAD_NS: Final = "nutrace.overhead.estimated_ns"
# nutrace's own time that was measured: how often and how long, in nanoseconds. What it was follows:
# step_ended, queue_full, flushed, forked (a thread of the program waited for the writer, or wrote itself);
# error (noting one); start, exit, writing (processor time of beginning and ending to trace, of the writer).
OWN_TIMES: Final = "nutrace.own.times"
OWN_SPENT_NS: Final = "nutrace.own.spent_ns"
OWN_PRICES: Final = "nutrace.own.prices"  # what recording an event costs: see nutrace.prices
FAULTS: Final = "nutrace.faults"
PROBES: Final = "nutrace.probes"
SETTINGS: Final = "nutrace.settings"
# Bytes that were resident at most; in simulation.run: until the scenario ended.
MEMORY_PEAK: Final = "nutrace.memory.peak"
SIMULATION_LOGS: Final = (
    "nutrace.simulation_logs"  # what was pickled: see nutrace.probes.copying.simulation_logs
)
SAMPLES: Final = "nutrace.samples"  # what a sampler saw of the process: see nutrace.sampling.stacks
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
    "gc",
    "other",
)

# --- instrumentation scopes -----------------------------------------------------------------
SCOPE: Final = "nutrace"
# Lines of a .partial file under this scope announce spans that are still open. They are dropped when the
# file is joined; a reader uses one only if the finished span is not in the file. A line without spans
# carries resource attributes that have changed; the last such line counts.
OPEN_SCOPE: Final = "nutrace.open"
