"""Database query functions of the devkit and the loading of sensor blobs."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe

_DATABASE = "nuplan.database.nuplan_db"
_SCENARIO_UTILS = "nuplan.planning.scenario_builder.nuplan_db.nuplan_scenario_utils"

_QUERIES = (
    "get_sensor_token_by_index_from_db",
    "get_end_sensor_time_from_db",
    "get_sensor_token_map_name_from_db",
    "get_sampled_sensor_tokens_in_time_window_from_db",
    "get_sensor_data_from_sensor_data_tokens_from_db",
    "get_sensor_transform_matrix_for_sensor_data_token_from_db",
    "get_mission_goal_for_sensor_data_token_from_db",
    "get_roadblock_ids_for_lidarpc_token_from_db",
    "get_statese2_for_lidarpc_token_from_db",
    "get_sampled_lidarpcs_from_db",
    "get_future_waypoints_for_agents_from_db",
    "get_scenarios_from_db",
    "get_lidarpc_tokens_with_scenario_tag_from_db",
    "get_sensor_token",
    "get_images_from_lidar_tokens",
    "get_cameras",
)

# Called by the scenario in a step: functions (4 / 3) and generators (3 / 5, resumed 66 / 109 times). At
# `normal` only the scenario's methods are traced, because each traced layer costs every row one more
# resumption. At `fine` these spans separate the database's part of that time from the scenario's.
_QUERIES_OF_A_STEP = (
    "get_sensor_data_token_timestamp_from_db",
    "get_ego_state_for_lidarpc_token_from_db",
    "get_sampled_ego_states_from_db",
    "get_traffic_light_status_for_lidarpc_token_from_db",
    "get_tracked_objects_within_time_interval_from_db",
    "get_tracked_objects_for_lidarpc_token_from_db",
)

# Called for each row: 20 / 40.
_ROWS = ("_parse_tracked_object_row",)

_BLOBS = ("download_file_if_necessary", "load_point_cloud", "load_image")

PROBES = tuple(
    devkit_probe(f"{module}:{function}", "database", f"database.{function.lstrip('_')}", level)
    for module, functions, level in (
        (f"{_DATABASE}.nuplan_scenario_queries", _QUERIES, "normal"),
        (f"{_DATABASE}.nuplan_scenario_queries", _QUERIES_OF_A_STEP, "fine"),
        (f"{_DATABASE}.nuplan_scenario_queries", _ROWS, "fine"),
        (_SCENARIO_UTILS, _BLOBS, "normal"),
    )
    for function in functions
)
