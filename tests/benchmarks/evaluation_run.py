"""Write the run file of an evaluation: spans in the numbers, and with the attributes, that a real one has.

The mix is that of a closed-loop simulation of nuPlan with an IDM planner: of a thousand spans 190 are
statements, each with attributes like no other's, 380 open and close connections, 70 are generators, 50 copies
and collections, partly merged, and the rest are calls. Scenarios have 150 steps, and each worker is a
process. The same arguments give the same bytes.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

STEPS = 150
_BATCH = 100
_EPOCH_NS = 1_700_000_000_000_000_000
_TRACE_ID = "da440d14feedeb9bedabab4d7c805199"
_PRICES = {
    "call": [1550.74, 191.22, 1.1],
    "merged": [2353.62, 220.31, 1.07],
    "resumption": [499.24, 256.23, 1.02],
    "statement": [11874.77, 450.94, 0.0],
    "row": [781.63, 390.82, 0.0],
    "copy": [4810.03, 601.25, 0.0],
    "connection": [8116.93, 751.57, 0.0],
    "collection": [1503.13, 901.88, 0.0],
}
_FOLDER = "/home/user/nuplan-devkit/nuplan"
_DATABASE = "/data/nuplan-v1.1/splits/val/2021.10.01.12.00.00_veh-52_00000_00080.db"
_SCENARIO = ("planning.scenario_builder.nuplan_db.nuplan_scenario", "NuPlanScenario")
_TIME = "SELECT timestamp FROM lidar_pc WHERE token = ?"
_LIGHTS = (
    "SELECT CASE WHEN tl.status == ? THEN ? WHEN tl.status == ? THEN ? WHEN tl.status == ? THEN ? ELSE ? END "
    "AS status, tl.lane_connector_id, lp.timestamp AS timestamp FROM lidar_pc AS lp INNER JOIN "
    "traffic_light_status AS tl ON lp.token = tl.lidar_pc_token WHERE lp.token = ?"
)
_OBJECTS = (
    "SELECT c.name AS category_name, lb.x, lb.y, lb.z, lb.yaw, lb.width, lb.length, lb.height, lb.vx, lb.vy, "
    "lb.token, lb.track_token, lp.timestamp FROM lidar_box AS lb INNER JOIN track AS t ON t.token = "
    "lb.track_token INNER JOIN category AS c ON c.token = t.category_token INNER JOIN lidar_pc AS lp ON "
    "lp.token = lb.lidar_pc_token WHERE lp.token = ?"
)

Attributes = Dict[str, Any]


def _value(value: Any) -> Attributes:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": value}


def _json(attributes: Attributes) -> str:
    entries = [{"key": key, "value": _value(value)} for key, value in attributes.items()]
    return json.dumps(entries, separators=(",", ":"))


def _code(component: str, module: str, function: str, line: int) -> Attributes:
    return {
        "nutrace.component": component,
        "code.function.name": f"nuplan.{module}.{function}",
        "code.file.path": f"{_FOLDER}/{module.replace('.', '/')}.py",
        "code.line.number": line,
    }


class _Process:
    """The spans of one process, in the order in which they end."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.spans: List[str] = []
        self._random = random.Random(seed)
        self._now = _EPOCH_NS
        self._last_id = 0
        self._above: List[str] = []

    def call(
        self,
        name: str,
        site: Attributes,
        inside: Sequence[Callable[[], None]] = (),
        more: Optional[Attributes] = None,
        kind: int = 1,
    ) -> None:
        """A span with the attributes of its site, and with more of its own; it holds what `inside` adds."""
        span_id, begin = self._begin()
        for add in inside:
            add()
        self._end(span_id, name, begin, site, more or {}, kind)

    def _begin(self) -> Tuple[str, int]:
        self._last_id += 1
        span_id = f"3bc7e5f{self.number:x}{self._last_id:08x}"
        self._above.append(span_id)
        begin = self._now
        self._now += self._random.randrange(2_000, 40_000)
        return span_id, begin

    def _end(
        self, span_id: str, name: str, begin: int, site: Attributes, more: Attributes, kind: int
    ) -> None:
        self._above.pop()
        self._now += self._random.randrange(20_000, 60_000)
        above = f'"parentSpanId":"{self._above[-1]}",' if self._above else ""
        self.spans.append(
            f'{{"traceId":"{_TRACE_ID}",{above}"spanId":"{span_id}","name":"{name}","kind":{kind},'
            f'"startTimeUnixNano":"{begin}","endTimeUnixNano":"{self._now}",'
            f'"attributes":{_json({**site, "thread.id": 5561 + self.number, **more})}}}'
        )
        self._now += self._random.randrange(20_000, 40_000)

    def _query(self, text: str, rows: int, function: str, line: int) -> None:
        of_session = _code("database", "database.nuplan_db.query_session", function, line)
        server = {"db.system.name": "sqlite", "db.namespace": _DATABASE}
        opened = {"nutrace.sql.open_connections": [1]}
        self.call("sqlite3.connect", {**of_session, **server}, more=opened, kind=3)
        span_id, begin = self._begin()
        execute, fetch = self._random.randrange(50_000, 400_000), self._random.randrange(2_000, 30_000)
        self._now += execute + fetch
        statement = {
            "db.query.text": text,
            "db.operation.name": "SELECT",
            "nutrace.sql.statement": f"{len(text):016x}",
        }
        more = {
            "db.response.returned_rows": rows,
            "nutrace.sql.execute_ns": execute,
            "nutrace.sql.fetch_ns": fetch,
            "nutrace.sql.parameters": [f"{self._random.randrange(40):016x}"],
            "nutrace.sql.took_ns": [execute + fetch],
            "nutrace.busy_ns": execute + fetch,
        }
        self._end(span_id, "sqlite3.statement", begin, {**of_session, **server, **statement}, more, 3)
        self.call("sqlite3.close", {**of_session, **server}, more=opened, kind=3)

    def _of_scenario(self, name: str, line: int, text: str, rows: int, function: str = "execute_one") -> None:
        module, cls = _SCENARIO
        attributes = _code("scenario", module, f"{cls}.{name}", line)
        self.call(f"scenario.{name}", attributes, [lambda: self._query(text, rows, function, 46)])

    def _lights(self) -> None:
        module, cls = _SCENARIO
        name = "get_traffic_light_status_at_iteration"
        span_id, begin = self._begin()
        before = self._now
        self._query(_LIGHTS, 23, "execute_many", 21)
        site = {
            **_code("scenario", module, f"{cls}.{name}", 384),
            "nutrace.generator.function.name": "nuplan.database.nuplan_db.nuplan_scenario_queries.get_status",
            "nutrace.generator.file.path": f"{_FOLDER}/database/nuplan_db/nuplan_scenario_queries.py",
            "nutrace.generator.line.number": 602,
        }
        more = {"nutrace.generator.yielded": 23, "nutrace.busy_ns": self._now - before}
        self._end(span_id, f"scenario.{name}", begin, site, more, 1)

    def _time(self) -> None:
        self._of_scenario("get_time_point", 350, _TIME, 1)

    def _objects(self) -> None:
        self._of_scenario("get_tracked_objects_at_iteration", 260, _OBJECTS, 140, "execute_many")

    def _merged(self, name: str, site: Attributes, more: Attributes) -> None:
        """A span that stands for several calls."""
        calls = self._random.randrange(2, 30)
        shortest = self._random.randrange(8_000, 12_000)
        self._now += calls * 30_000
        composite = {
            "nutrace.composite.count": calls,
            "nutrace.composite.min_ns": shortest,
            "nutrace.composite.max_ns": 40_000,
            "nutrace.busy_ns": calls * 20_000,
            "nutrace.composite.times": [100, calls // 2, 101, calls - calls // 2],
        }
        self.call(name, site, more={**more, **composite})

    def _copies(self, step: int) -> None:
        copier = _code("deepcopy", "planning.simulation.history.simulation_history_buffer", "append", 120)
        copied = {"nutrace.deepcopy.root_type": "nuplan.common.actor_state.ego_state.EgoState"}
        objects = {"nutrace.deepcopy.objects": self._random.randrange(20, 200)}
        if step % 3 == 1:
            self._merged("copy.deepcopy", {**copier, **copied}, objects)
        elif step % 3 == 2:
            self.call("copy.deepcopy", {**copier, **copied}, more=objects)
        if step % 5 < 2:
            self.call("copy.copy", {**copier, **copied, "nutrace.copy.through": "builtin"})
        if step % 5 == 4:
            layer = _code("map", "common.maps.nuplan_map.nuplan_map", "NuPlanMap.is_in_layer", 180)
            self._merged("map.is_in_layer", layer, {})

    def _collection(self, step: int) -> None:
        generation = 2 if step % 50 == 0 else step % 2
        site = {"nutrace.component": "gc", "nutrace.gc.generation": generation}
        collected = {"nutrace.gc.collected": self._random.randrange(100)}
        if step % 2:
            self._merged("gc.collect", site, collected)
        else:
            self.call("gc.collect", site, more=collected)

    def _step(self, step: int) -> None:
        of_simulation = "planning.simulation.simulation"
        of_controller = "planning.simulation.controller.two_stage_controller"
        of_agents = "planning.simulation.observation.idm_agents"
        of_planner = "planning.simulation.planner.idm_planner"
        of_callback = "planning.simulation.callback.multi_callback"

        def propagate() -> None:
            self._time()
            self._lights()
            self._time()
            update = _code("controller", of_controller, "TwoStageController.update_state", 70)
            self.call("controller.update", update, [lambda: self._copies(step)])
            update = _code("observation", of_agents, "IDMAgents.update_observation", 110)
            self.call("observation.update", update, [self._lights, self._objects])
            get = _code("observation", of_agents, "IDMAgents.get_observation", 90)
            self.call("observation.get", get, [self._objects])

        def inside() -> None:
            self._time()
            self._lights()
            read = _code("simulation", of_simulation, "Simulation.get_planner_input", 104)
            self.call("simulation.get_planner_input", read)
            compute = _code("planner", of_planner, "IDMPlanner.compute_trajectory", 90)
            self.call("planner.compute", compute, [lambda: self._collection(step)])
            self.call(
                "simulation.propagate",
                _code("simulation", of_simulation, "Simulation.propagate", 140),
                [propagate],
            )
            ego = _code("scenario", _SCENARIO[0], "NuPlanScenario.get_ego_state_at_iteration", 230)
            self.call("scenario.get_ego_state_at_iteration", ego)

        site = {**_code("simulation", of_callback, "MultiCallback.on_step_start", 40), "nutrace.block": True}
        more = {"nutrace.step.simulated_interval_s": 0.1, "nutrace.step.index": step}
        if step % 3 == 0:  # memory is read now and then
            more["nutrace.memory.rss"] = 600_000_000 + step * 4096
        self.call("simulation.step", site, [inside], more)

    def scenario(self, number: int) -> None:
        """The spans of one scenario."""
        runner = "planning.simulation.runner.simulations_runner"
        more = {
            "nuplan.scenario.token": f"{0x3EBEBE3E331B0000 + number:016x}",
            "nuplan.scenario.type": ("following_lane_with_lead", "stationary", "changing_lane")[number % 3],
            "nuplan.scenario.log_name": "2021.10.01.12.00.00_veh-52_00000_00080",
            "nuplan.planner.name": "IDMPlanner",
            "nuplan.planner.class": "nuplan.planning.simulation.planner.idm_planner.IDMPlanner",
            "nutrace.memory.rss_start": 590_000_000 + number * 100_000,
            "nutrace.memory.rss": 590_000_000 + (number + 1) * 100_000,
        }
        steps = [lambda step=step: self._step(step) for step in range(STEPS)]
        self.call("simulation.run", _code("simulation", runner, "SimulationRunner.run", 74), steps, more)

    def resource(self) -> str:
        """What the process says of itself, as JSON."""
        attributes = {
            "service.name": "nutrace",
            "nutrace.run.id": "64949ee4eac6b22d",
            "process.pid": 5561 + self.number,
            "host.name": "worker",
            "nutrace.own.prices": json.dumps(_PRICES),
            "nutrace.probes": ["copy:deepcopy", "gc:callbacks", "sqlite3:connect"],
            "nutrace.memory.peak": 700_000_000,
            "nutrace.run.complete": True,
        }
        if self.number:
            attributes["nutrace.run.parent_pid"] = 5561
        return f'{{"attributes":{_json(attributes)}}}'


def _processes(count: int, workers: int) -> Iterator[Tuple[str, Iterator[str]]]:
    """Each process's resource and its spans, `count` in all: those of whole scenarios but for the last."""
    for number in range(workers):
        share = count // workers + (number < count % workers)

        def spans(process: _Process, share: int = share) -> Iterator[str]:
            scenario = process.number
            while share > 0:
                process.scenario(scenario)
                yield from process.spans[-share:]
                share -= len(process.spans)
                process.spans.clear()
                scenario += workers

        process = _Process(number, seed=number)
        yield process.resource(), spans(process)


def write_evaluation(path: Path, count: int, *, workers: int = 2) -> None:
    """Write the finished run file of an evaluation with `count` spans, by so many workers."""
    scope = '{"scope":{"name":"nutrace","version":"0.1.0"},"spans":['
    with path.open("w") as file:
        file.write('{"resourceSpans":[')
        for place, (resource, spans) in enumerate(_processes(count, workers)):
            file.write(f'{"," if place else ""}{{"resource":{resource},"scopeSpans":[{scope}')
            for number, span in enumerate(spans):
                if number:
                    file.write("," if number % _BATCH else f"]}},{scope}")
                file.write(span)
            file.write("]}]}")
        file.write("]}\n")
