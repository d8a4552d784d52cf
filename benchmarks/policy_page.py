"""docs/results.md: how good the policies are, and how fast they became so, with plots."""

from __future__ import annotations

from typing import Any, Callable, List, Sequence, Tuple

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from benchmarks.curve_comparison import differences
from benchmarks.markdown import Named, Result, device_of, of_kind, provenance_list, table, with_interval
from legged_gym.evaluation.text import grid_summary

_METRICS = {
    "lin_vel_xy_error": "velocity error, m/s",
    "ang_vel_error": "yaw rate error, rad/s",
    "height_error": "height error, m",
    "fall_rate": "falls per 20 s",
    "success_rate": "success",
    "success_to_half_difficulty": "success up to difficulty 0.5",
    "x_displacement": "distance along the lane, m",
    "mean_time_to_fall": "time to fall, s",
    "foot_edge_violations": "feet on edges",
    "cost_of_transport": "cost of transport",
    "mean_speed": "mean speed, m/s",
    "clip_success_rate": "clips followed to the end",
    "body_pos_error": "bodies off by, m",
    "joint_error": "joints off by, rad",
    "torso_angle_error": "torso off by, rad",
}
_COMMANDS = {
    "falls": "falls in 10 s",
    "lin_vel_xy_error": "velocity error, m/s",
    "ang_vel_error": "yaw rate error, rad/s",
    "stand_still": "standing still",
}


def results_page(results: Named) -> List[str]:
    """The page about policies."""
    page = [
        "# Results",
        "This page is made by `python benchmarks/make_docs.py` from `docs/results/*.json`. What the metrics are is "
        "told in `legged_gym/envs/terms/metrics.py`; robots are randomised, pushed and given noise as in training. "
        "Numbers in parentheses are 95 % confidence intervals.",
    ]
    evaluations = of_kind(results, "evaluation")
    clips = [entry for entry in evaluations if "clip_success_rate" in entry[1]["metrics"]]
    others = [entry for entry in evaluations if entry not in clips]
    for title, some in (("## Policies", others), ("## Policies that follow clips", clips)):
        if some:
            page += [title, evaluation_table(some), provenance_list(some)]
    comparisons = of_kind(results, "comparison")
    policies = [result for _, result in evaluations] + [one for _, result in comparisons for one in result["policies"]]
    policies = [result for result in policies if "pure_commands" in result]
    if policies:
        page += ["## Pure commands", commands_section(policies)]
    for _, result in evaluations:
        if "terrain" in result:
            page += [f"### Success on terrain: {result['task']}", terrain_section(result)]
    for _, result in comparisons:
        page += ["## Side by side", comparison_section(result), provenance_list([("", result)])]
        for policy in result["policies"]:
            page += [f"### Success on terrain: {policy['task']}", terrain_section(policy)]
    curves = of_kind(results, "learning_curve")
    if curves:
        page.append("## Learning curves")
    for name, curve in curves:
        page += [
            f"### {curve['task']}{', learner in bfloat16' if name.endswith('_bfloat16') else ''}",
            f"![Learning curves of {curve['task']}](images/{name}.png)",
            curve_table(curve),
        ]
    by_name = dict(curves)
    for name, curve in curves:
        if f"{name}_bfloat16" in by_name:
            page += [
                f"### {curve['task']}: float32 and bfloat16",
                precision_section(curve, by_name[f"{name}_bfloat16"]),
            ]
    if not evaluations and not comparisons and not curves:
        page.append("Nothing has been measured yet.")
    return page


def evaluation_table(results: Named) -> str:
    """One row a policy."""
    shown = {key: title for key, title in _METRICS.items() if any(key in result["metrics"] for _, result in results)}
    rows = []
    for _, result in results:
        row = [result["task"], f"`{result['policy']}`", str(result["num_episodes"])]
        row += [with_interval(result["metrics"].get(key)) for key in shown]
        rows.append(row)
    return table(["task", "policy", "episodes", *shown.values()], rows, text_columns=2)


def commands_section(policies: Sequence[Result]) -> str:
    """One row a policy: the worst falls and errors of all pure commands and where they are, and standing."""
    rows = []
    for result in policies:
        row = [result["task"], f"`{result['policy']}`"]
        summary = grid_summary(result)
        for key in _COMMANDS:
            entry = summary.get(key, {"mean": None})
            row.append(with_interval(entry) + (f", {entry['cell']}" if "cell" in entry else ""))
        rows.append(row)
    text = (
        "Each direction alone for 10 s, slow, middle and fast, on a plane, from a nominal and from a randomised start: "
        "the worst of all (`legged_gym/evaluation/grid.py`). Standing still: the share of the robots that have "
        "all feet down and joint speeds of at most 0.2 rad/s from 1 s after the order on; the least of from rest and "
        "after walks, nominal and randomised."
    )
    return f"{text}\n\n{table(['task', 'policy', *_COMMANDS.values()], rows, text_columns=2)}"


def comparison_section(result: Result) -> str:
    """Policies side by side on the same ground: all metrics, then success by type of terrain."""
    policies = result["policies"]
    rows = [
        [title, *(with_interval(policy["metrics"].get(key)) for policy in policies)]
        for key, title in _METRICS.items()
        if any(key in policy["metrics"] for policy in policies)
    ]
    types = dict.fromkeys(name for policy in policies for name in policy.get("terrain_types", {}))
    for name in types:
        entries = [policy["terrain_types"][name]["success_rate"] for policy in policies]
        rows.append([f"success, {name.replace('_', ' ')}", *map(with_interval, entries)])
    text = f"Each in at least {result['num_episodes']} episodes, with the same seed and on the same ground."
    return f"{text}\n\n{table(['', *(policy['task'] for policy in policies)], rows, text_columns=1)}"


def terrain_section(result: Result) -> str:
    """Success in % by type and level."""
    entries = [entry for rows in result["terrain"].values() for entry in rows]
    levels = sorted({entry["level"] for entry in entries})
    rows = []
    for name, by_level in result["terrain"].items():
        rates = {entry["level"]: entry["success_rate"]["mean"] for entry in by_level}
        cells = [rates.get(level) for level in levels]
        rows.append([name.replace("_", " "), *("" if rate is None else f"{100 * rate:.0f}" for rate in cells)])
    head = ["success in % at level", *map(str, levels)]
    fewest = min(entry["episodes"] for entry in entries)
    return f"{table(head, rows, text_columns=1)}\n\nAt least {fewest} episodes in every cell."


def curve_table(curve: Result) -> str:
    """Start, best and end of every run, by the metric that the task is about."""
    metric, best_of = main_metric(curve)
    rows = []
    for run in curve["runs"]:
        points = run["points"]
        best = best_of(points, key=lambda point: point["metrics"][metric]["mean"])
        last = points[-1]
        rows.append(
            [
                run["run"],
                str(run["seed"]),
                str(last["iteration"]),
                f"{last['samples'] / 1e6:.1f}",
                f"{last['seconds'] / 60:.1f}",
                with_interval(last["metrics"][metric]),
                f"{best['metrics'][metric]['mean']:.3f} at {best['seconds'] / 60:.1f} min",
            ]
        )
    head = ["run", "seed", "iterations", "samples, millions", "minutes", f"{_METRICS[metric]}, at the end", "best"]
    device = device_of(curve)
    return f"{table(head, rows, text_columns=1)}\n\nEvaluated on {device}: `{curve['command']}`"


def main_metric(curve: Result) -> Tuple[str, Callable[..., Any]]:
    """The metric that a task is judged by, and which of its values is the best: `max` or `min`."""
    lanes = "success_to_half_difficulty"
    return (lanes, max) if lanes in curve["runs"][0]["points"][0]["metrics"] else ("lin_vel_xy_error", min)


def precision_section(first: Result, second: Result) -> str:
    """The same training with the learner in float32 and in bfloat16, point by point."""
    rows, told_apart, count = [], 0, 0
    for metric in ("lin_vel_xy_error", "ang_vel_error", "fall_rate"):
        for point in differences(first, second, metric):
            count += 1
            told_apart += point.is_significant
            change = f"{point.second - point.first:+.3f} ± {point.half_width:.3f}"
            samples = f"{point.samples / 1e6:.1f}"
            rows.append([_METRICS[metric], samples, f"{point.first:.3f}", f"{point.second:.3f}", change])
    text = (
        f"Means over {len(first['runs'])} and {len(second['runs'])} seeds and the 95 % interval of their difference "
        f"(Student's t over seeds). {told_apart} of {count} intervals leave out zero; by chance 5 % would."
    )
    head = ["metric", "samples, millions", "float32", "bfloat16", "difference"]
    return f"{text}\n\n{table(head, rows, text_columns=1)}"


def plot_curve(curve: Result, path: str) -> None:
    """Draw the metrics of all runs, over wall clock above and over samples below."""
    names = [name for name in _METRICS if all(name in run["points"][0]["metrics"] for run in curve["runs"])]
    scales = {"seconds": (60.0, "wall clock of training, minutes"), "samples": (1e6, "samples, millions")}
    figure, axes = pyplot.subplots(2, len(names), figsize=(4.2 * len(names), 6.0), squeeze=False)
    for row, (quantity, (unit, label)) in zip(axes, scales.items()):
        for axis, name in zip(row, names):
            for run in curve["runs"]:
                amounts = [point[quantity] / unit for point in run["points"]]
                draw_estimates(axis, amounts, [point["metrics"][name] for point in run["points"]], run["seed"])
            axis.set_xlabel(label)
            axis.set_ylabel(_METRICS[name])
            axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
    axes[0][0].legend()
    figure.suptitle(curve["task"])
    figure.tight_layout()
    # no version in the file: the same numbers give the same bytes
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def draw_estimates(axis: Any, amounts: Sequence[float], estimates: Sequence[Result], seed: int) -> None:
    """Draw means and their intervals as a line in a band."""
    (line,) = axis.plot(amounts, [item["mean"] for item in estimates], marker=".", label=f"seed {seed}")
    bounds = [item["ci95"] if None not in item["ci95"] else [item["mean"]] * 2 for item in estimates]
    axis.fill_between(amounts, *zip(*bounds), color=line.get_color(), alpha=0.2, linewidth=0)
