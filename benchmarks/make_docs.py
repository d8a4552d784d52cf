"""Writes docs/benchmarks.md and docs/results.md, with plots in docs/images/, from the JSON files of measurements.

    python benchmarks/make_docs.py

Speeds are read from benchmarks/results/*.json (legged_gym/scripts/benchmark.py and benchmarks/ppo_update.py), policies
from docs/results/*.json (legged_gym/scripts/evaluate.py and benchmarks/learning_curve.py). No number is written by
hand: to change one, measure again.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.curve_comparison import differences

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

Result = Dict[str, Any]
Named = List[Tuple[str, Result]]

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
}
_SPEEDS = {
    "raw_engine_steps_per_s": "engine alone",
    "env_steps_per_s": "environment",
    "policy_env_steps_per_s": "with policy",
    "train_samples_per_s": "training, float32",
    "train_samples_per_s_bfloat16": "training, bfloat16",
}
_RATIOS = {
    "env_over_raw": "environment",
    "policy_env_over_raw": "with policy",
    "train_over_raw": "training, float32",
    "train_bfloat16_over_raw": "training, bfloat16",
}


def main(root: str = REPOSITORY) -> None:
    """Write all pages and plots below `root`."""
    speeds = load(os.path.join(root, "benchmarks", "results"))
    results = load(os.path.join(root, "docs", "results"))
    os.makedirs(os.path.join(root, "docs", "images"), exist_ok=True)
    write(os.path.join(root, "docs", "benchmarks.md"), benchmarks_page(speeds))
    write(os.path.join(root, "docs", "results.md"), results_page(results))
    for name, curve in of_kind(results, "learning_curve"):
        plot_curve(curve, os.path.join(root, "docs", "images", f"{name}.png"))


def load(folder: str) -> Named:
    """Return (name without extension, content) of the JSON files in a folder, by name."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            found.append((os.path.splitext(os.path.basename(path))[0], json.load(file)))
    return found


def of_kind(results: Named, kind: str) -> Named:
    """Those that say they are of a kind."""
    return [(name, result) for name, result in results if result.get("kind") == kind]


def write(path: str, paragraphs: Iterable[str]) -> None:
    """Write a page of paragraphs."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(paragraphs) + "\n")


# -------------------------------------------------------------------- speed


def benchmarks_page(results: Named) -> List[str]:
    """The page about speed."""
    page = [
        "# Benchmarks",
        "This page is made by `python benchmarks/make_docs.py` from `benchmarks/results/*.json`.",
        "## Throughput",
        "Policy steps of single environments per second. *Engine alone* is the physics engine with nothing on it. It "
        "repeats the same targets from the same states that the environment's steps went through, in turns with them, "
        "so a ratio compares like with like even where the machine's speed changes. Ratios are medians over blocks of "
        "speed / speed of the engine, with quartiles. *Training* is whole PPO iterations.",
    ]
    runs = of_kind(results, "benchmark")
    if not runs:
        page.append("Nothing has been measured yet.")
    else:
        page += [speed_table(runs), "Share of the engine's speed that is left:", ratio_table(runs)]
        page += [provenance_list(runs)]
    cameras = of_kind(results, "depth_camera")
    if cameras:
        page += ["## Depth cameras", camera_section(cameras), provenance_list(cameras)]
    collections = of_kind(results, "collection_benchmark")
    if collections:
        page += ["## Collecting demonstrations", collection_table(collections), provenance_list(collections)]
    updates = [(name, result) for name, result in results if "speed_relative_to_reference_float32" in result]
    if updates:
        page += ["## PPO iteration", *(update_section(result) for _, result in updates)]
    return page


def speed_table(runs: Named) -> str:
    """One row a benchmark, medians of steps per second."""
    shown = {key: title for key, title in _SPEEDS.items() if any(key in run for _, run in runs)}
    rows = [
        [run["task"], str(run["num_envs"]), run["sim"], device_of(run)]
        + [f"{run[key]:,.0f}" if key in run else "" for key in shown]
        for _, run in runs
    ]
    return table(["task", "robots", "physics", "machine", *shown.values()], rows, text_columns=4)


def ratio_table(runs: Named) -> str:
    """One row a benchmark, medians and quartiles of ratios to the engine."""
    rows = [
        [run["task"], str(run["num_envs"]), run["sim"], *(ratio_cell(run, key) for key in _RATIOS)] for _, run in runs
    ]
    return table(["task", "robots", "physics", *_RATIOS.values()], rows, text_columns=3)


def ratio_cell(run: Result, key: str) -> str:
    """Median and quartiles of a ratio; empty where it was not measured."""
    if key not in run["ratios"]:
        return ""
    low, high = run["quartiles"][key]
    return f"**{run['ratios'][key]:.2f}** ({low:.2f}–{high:.2f})"


def collection_table(runs: Named) -> str:
    """One row a measurement of collecting demonstrations, files included."""
    rows = [
        [run["task"], str(run["num_envs"]), device_of(run), f"{run['raw_engine_steps_per_s']:,.0f}",
         f"{run['collect_steps_per_s']:,.0f}", ratio_cell(run, "collect_over_raw")] for _, run in runs
    ]  # fmt: skip
    return table(["task", "robots", "machine", "engine alone", "collecting", "share"], rows, text_columns=3)


def camera_section(results: Named) -> str:
    """Images a second of the sensor, of the simulator's rays and of the engine's."""
    rows = []
    for _, result in results:
        rates = result["images_per_cpu_second"] or result["images_per_second"]
        cells = [f"{rates['sensor']:,.0f}", f"{rates['rays']:,.0f}", f"{rates['engine']:.2f}"]
        rows.append([str(result["envs"]), *cells, f"{result['sensor_to_engine']:,.0f}"])
    first = results[0][1]
    text = (
        f"Images of {first['pixels']} pixels a second and core, on a map of {first['map'][0]} x {first['map'][1]} "
        "cells with stairs, blocks and slopes. *Sensor*: all of it, noise and latency included. *Rays*: the "
        "simulator's, as far as the camera sees. *Engine*: MuJoCo's batched rays, the same ones "
        "(`benchmarks/depth_camera.py`)."
    )
    head = ["robots", "sensor", "rays", "engine", "sensor, times as fast as the engine"]
    return f"{text}\n\n{table(head, rows, text_columns=0)}"


def update_section(result: Result) -> str:
    """Times of one PPO iteration here and in rsl-rl-lib."""
    rows = []
    for contender, seconds in result["seconds"].items():
        ratios = result["speed_relative_to_reference_float32"][contender]
        name, _, precision = contender.partition("_")
        rows.append(
            ["this project" if name == "ours" else f"rsl-rl-lib {result['rsl_rl_lib']}", precision]
            + [f"{1e3 * seconds[key]:,.0f}" for key in ("act", "returns", "update", "total")]
            + [f"{ratios['update']:.2f}", f"{ratios['total']:.2f}"]
        )
    head = ["learner", "precision", "act, ms", "returns, ms", "update, ms", "total, ms", "update, times as fast"]
    text = (
        "One learning iteration on a synthetic rollout (1024 environments x 24 steps, 48 observations, 12 actions, "
        f"networks 512-256-128, 5 epochs of 4 mini-batches; `benchmarks/ppo_update.py`), torch {result['torch']}, "
        f"{result['threads']} threads, median of {result['rounds']} rounds in turns. The last columns are relative to "
        "rsl-rl-lib in float32."
    )
    return f"{text}\n\n{table([*head, 'total, times as fast'], rows, text_columns=2)}"


# -------------------------------------------------------------------- policies


def results_page(results: Named) -> List[str]:
    """The page about policies."""
    page = [
        "# Results",
        "This page is made by `python benchmarks/make_docs.py` from `docs/results/*.json`. What the metrics are is "
        "told in `legged_gym/utils/evaluation.py`; robots are randomised, pushed and given noise as in training. "
        "Numbers in parentheses are 95 % confidence intervals.",
    ]
    evaluations = of_kind(results, "evaluation")
    if evaluations:
        page += ["## Policies", evaluation_table(evaluations), provenance_list(evaluations)]
        for _, result in evaluations:
            if "terrain" in result:
                page += [f"### Success on terrain: {result['task']}", terrain_section(result)]
    comparisons = of_kind(results, "comparison")
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


# -------------------------------------------------------------------- pieces


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    """A Markdown table; the columns after the first `text_columns` are numbers, to the right."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def with_interval(estimate: Optional[Result]) -> str:
    """A mean and its interval."""
    if estimate is None or estimate["mean"] is None:
        return ""
    if None in estimate["ci95"]:
        return f"{estimate['mean']:.3f}"
    low, high = estimate["ci95"]
    return f"**{estimate['mean']:.3f}** ({low:.3f}–{high:.3f})"


def device_of(result: Result) -> str:
    """The machine in a few words: its GPU if the physics ran there, else its CPU."""
    machine = result["machine"]
    if machine["gpu"] and str(result.get("sim_device", "")).startswith("cuda"):
        return machine["gpu"]
    return f"{machine['cpu']}, {machine['cores']} cores"


def provenance_list(results: Named) -> str:
    """Where each number comes from."""
    lines = ["Measured with:", ""]
    for _, result in results:
        versions = result["versions"]
        commit = (result["commit"] or "unknown")[:10]
        changes = " with changes" if result["uncommitted_changes"] else ""
        lines.append(
            f"- `{result['command']}` — {device_of(result)}; mujoco {versions.get('mujoco')}, torch "
            f"{versions.get('torch')}; commit {commit}{changes}, {result['created'][:10]}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
