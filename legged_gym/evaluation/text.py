"""Results of evaluations as text: metrics, success by type and level of the terrain, policies side by side."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

Result = Mapping[str, Any]

_UNITS = {
    "lin_vel_xy_error": "m/s",
    "ang_vel_error": "rad/s",
    "height_error": "m",
    "fall_rate": "per 20 s",
    "mean_episode_length_s": "s",
    "body_pos_error": "m",
    "joint_error": "rad",
    "torso_angle_error": "rad",
    "mean_speed": "m/s",
    "x_displacement": "m",
    "mean_time_to_fall": "s, at least",
    "predicted_yaw_1_error": "rad, of the turn to the next goal",
    "predicted_yaw_2_error": "rad, of that to the one after it",
    **{f"hurdle_{k}_clearance": "m" for k in range(1, 5)},
}
# what is told of every type of lane: key -> heading
_LANE_COLUMNS = {
    "success_rate": "success",
    "fall_share": "falls",
    "x_displacement": "forward, m",
    "mean_time_to_fall": "time to fall, s",
    "foot_edge_violations": "feet on edges",
}
# what is told of every kind of episodes, clip by clip: key -> heading
_KIND_COLUMNS = {
    "clip_success_rate": "success",
    "body_pos_error": "bodies, m",
    "joint_error": "joints, rad",
    "torso_angle_error": "torso, rad",
    "mean_episode_length_s": "lasted, s",
}
# what is told of every pure command, and of robots that are told to stand: key -> heading
_COMMAND_COLUMNS = {"falls": "falls", "lin_vel_xy_error": "m/s", "ang_vel_error": "rad/s", "mean_speed": "speed"}
_STANDING_COLUMNS = {
    "stand_still": "stand still",
    "stand_joint_speed": "joints, rad/s",
    "stand_feet_down": "all feet down",
    "falls": "falls",
}
# of the column of names, at least
_NAME_WIDTH = 24


def format_result(result: Result) -> str:
    """Lay out a result as a table of metrics and, with terrain, of success by type and level."""
    width = _width(result["metrics"])
    lines = [f"\n{'metric':<{width}}{'mean':>10}   95 % confidence   ({result['num_episodes']} episodes)"]
    for name, estimate in result["metrics"].items():
        low, high = (_number(bound) for bound in estimate["ci95"])
        mean = _number(estimate["mean"])
        lines.append(f"{name:<{width}}{mean:>10}   {low} to {high}  {_UNITS.get(name, '')}".rstrip())
    if "experts" in result:
        lines += ["", *_expert_lines(result["experts"])]
    if "episode_kinds" in result:
        lines += ["", *_table_lines("clip", _KIND_COLUMNS, result["episode_kinds"])]
    if "terrain_types" in result:
        lines += ["", *_table_lines("type", _LANE_COLUMNS, result["terrain_types"])]
    if "terrain" in result:
        lines += ["", *_level_lines(result["terrain"])]
    if "pure_commands" in result:
        lines += ["", *_command_lines(result["pure_commands"]), "", *_standing_lines(result["stand_still"])]
    return "\n".join(lines)


def _grid(corner: str, heads: Iterable[str], rows: Mapping[str, Sequence[str]], size: int) -> List[str]:
    """Headings and one line a row, in cells of `size` characters."""
    lines, width = [(corner, heads), *rows.items()], _width(rows)
    return [f"{name:<{width}}" + "".join(f"{cell:>{size}}" for cell in cells) for name, cells in lines]


def _expert_lines(table: Mapping[str, Any]) -> List[str]:
    """One line a situation, one column an expert."""
    experts = list(next(iter(table.values())))
    rows = {situation: [_estimate(shares[name]) for name in experts] for situation, shares in table.items()}
    return _grid("mean weight of", experts, rows, 24)


def _table_lines(corner: str, columns: Mapping[str, str], table: Mapping[str, Any]) -> List[str]:
    """One line a type of lane, or a clip."""
    known = [key for key in columns if all(key in entry for entry in table.values())]
    rows = {name: [_number(entry[key]["mean"], 3) for key in known] for name, entry in table.items()}
    return _grid(corner, [columns[key] for key in known], rows, 17)


def _level_lines(terrain: Mapping[str, List[Dict[str, Any]]]) -> List[str]:
    """One line a type of terrain, one column a level."""
    levels = range(1 + max(entry["level"] for entries in terrain.values() for entry in entries))
    rows = {}
    for name, entries in terrain.items():
        rates = {entry["level"]: entry["success_rate"]["mean"] for entry in entries}
        rows[name] = ["-" if rates.get(level) is None else f"{100 * rates[level]:.0f}" for level in levels]
    return _grid("success in % at level", map(str, levels), rows, 5)


def _command_lines(grid: Mapping[str, Any]) -> List[str]:
    """One line a command, the starts side by side; then the worst of each column."""
    starts = dict.fromkeys(cell["start"] for cell in grid["cells"])
    rows: Dict[str, List[str]] = {}
    for cell in grid["cells"]:
        asked = sum(abs(value) for value in cell["command"])
        name = f"{cell['direction']:<11}{cell['speed']:<7}{asked:6.2f}"
        rows.setdefault(name, []).extend(_number(cell[key]["mean"], 3) for key in _COMMAND_COLUMNS)
    head = "".join(f"{title:>8}" for title in _COMMAND_COLUMNS.values())
    blank = " " * _NAME_WIDTH
    lines = [
        f"{'pure commands':<{_NAME_WIDTH}}" + "".join(f"  {start:-^{len(head) - 1}} " for start in starts).rstrip(),
        blank + "".join(f"{head}  " for _ in starts).rstrip(),
    ]
    width = len(_COMMAND_COLUMNS)
    for name, cells in rows.items():
        parts = (cells[i : i + width] for i in range(0, len(cells), width))
        lines.append(name + "".join("".join(f"{cell:>8}" for cell in part) + "  " for part in parts).rstrip())
    lines += [
        f"worst {_COMMAND_COLUMNS[name]:<7}{_number(entry['mean'], 3):>9}  ({entry['cell']})"
        for name, entry in grid["worst"].items()
    ]
    return lines


def _standing_lines(starts: Mapping[str, Any]) -> List[str]:
    """One line a start and what the robots did before they were told to stand."""
    rows = {
        f"{start}, from {before}": [_number(entry[key]["mean"], 3) for key in _STANDING_COLUMNS]
        for start, parts in starts.items()
        for before, entry in parts.items()
    }
    return _grid("told to stand", _STANDING_COLUMNS.values(), rows, 17)


def format_comparison(results: Sequence[Result]) -> str:
    """Lay out the results of several policies, one column each, headed by letters: all metrics, then types of lanes."""
    letters = [chr(ord("A") + index) for index in range(len(results))]
    lines = ["", *(f"{letter}  {result['task']}: {result['name']}" for letter, result in zip(letters, results)), ""]
    metrics = [result["metrics"] for result in results]
    width = _width(name for column in metrics for name in column)
    lines.append(f"{'metric':<{width}}" + "".join(f"{letter:^26}" for letter in letters).rstrip())
    lines += _rows(metrics, width)
    grids = [grid_summary(result) for result in results]
    if any(grids):
        lines += ["", "pure commands, the worst of each", *_rows(grids, width)]
    tables = [result.get("terrain_types", {}) for result in results]
    for key, title in _LANE_COLUMNS.items():
        columns = [{name: entry[key] for name, entry in table.items()} for table in tables]
        if any(columns):
            lines += ["", title, *_rows(columns, width)]
    return "\n".join(lines)


def grid_summary(result: Result) -> Dict[str, Any]:
    """Of pure commands and of standing, the worst: name -> {"mean", "ci95"}; empty without them."""
    if "pure_commands" not in result:
        return {}
    stood = [entry["stand_still"] for parts in result["stand_still"].values() for entry in parts.values()]
    return {**result["pure_commands"]["worst"], "stand_still": min(stood, key=lambda entry: entry["mean"])}


def _rows(columns: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    """One line for every name that a column knows, with "-" where another one does not."""
    rows = []
    for name in dict.fromkeys(name for column in columns for name in column):
        cells = "".join(f"{_estimate(column.get(name)):^26}" for column in columns)
        rows.append(f"{name:<{width}}{cells}  {_UNITS.get(name, '')}".rstrip())
    return rows


def _width(names: Iterable[str]) -> int:
    """Of the column of names, with room between it and the next."""
    return max(_NAME_WIDTH, 2 + max((len(name) for name in names), default=0))


def _estimate(entry: Optional[Mapping[str, Any]]) -> str:
    if entry is None or entry["mean"] is None:
        return "-"
    low, high = (_number(bound, 3) for bound in entry["ci95"])
    return f"{_number(entry['mean'], 3)} ({low} to {high})"


def _number(value: Optional[float], digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
