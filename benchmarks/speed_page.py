"""docs/benchmarks.md: how fast environments, learner, cameras and collection are."""

from __future__ import annotations

from typing import List

from benchmarks.markdown import Named, Result, device_of, of_kind, provenance_list, table

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
    beginnings = of_kind(results, "first_iteration")
    if beginnings:
        page += ["## From nothing to the first iteration", beginnings_section(beginnings)]
    return page


def speed_table(runs: Named) -> str:
    """One row a benchmark, medians of steps per second."""
    shown = {key: title for key, title in _SPEEDS.items() if any(key in run for _, run in runs)}
    rows = [
        [name, str(run["num_envs"]), run["sim"], device_of(run)]
        + [f"{run[key]:,.0f}" if key in run else "" for key in shown]
        for name, run in runs
    ]
    return table(["measurement", "robots", "physics", "machine", *shown.values()], rows, text_columns=4)


def ratio_table(runs: Named) -> str:
    """One row a benchmark, medians and quartiles of ratios to the engine."""
    rows = [[name, str(run["num_envs"]), run["sim"], *(ratio_cell(run, key) for key in _RATIOS)] for name, run in runs]
    return table(["measurement", "robots", "physics", *_RATIOS.values()], rows, text_columns=3)


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


def beginnings_section(results: Named) -> str:
    """Wall clock and CPU time of new environments, until one iteration of training is done."""
    rows, commands = [], []
    for _, result in sorted(results, key=lambda pair: [int(part) for part in pair[1]["python"].split(".")]):
        for source in ("clone", "wheel"):
            steps = result[source]
            wall, cpu = (sum(taken[i] for taken in steps.values()) for i in (0, 1))
            parts = [f"{steps[name][1]:.0f}" for name in ("install", "train")]
            load = f"{result['machine']['load_average']:.0f}"
            what = f"{result['torch']}, {result['installer']}"
            rows.append([result["python"], source, what, f"{wall:.0f}", load, f"{cpu:.0f}", *parts])
        commands.append(f"- `{result['command']}` — commit {result['commit'][:10]}, {result['created'][:10]}")
    first = results[0][1]["machine"]
    text = (
        "Seconds for a new environment, the installation with a warm package cache and one iteration of `a1_flat`, "
        f"from `git clone` and from a wheel ({first['cpu']}, {first['cores']} cores; the cache of uv links files "
        "where pip copies them). *Load*: programs that wanted a core at the beginning. Where it is above the cores, "
        "wall clock tells of those, trainings at a higher priority among them, and CPU time of what had to be done. "
        "PyPI's torch for Linux is the build for NVIDIA GPUs, several GB."
    )
    head = [
        "Python",
        "from",
        "torch, installer",
        "wall clock",
        "load",
        "CPU time",
        "of it, installing",
        "of it, training",
    ]
    return "\n\n".join((text, table(head, rows, text_columns=3), "\n".join(["Measured with:", "", *commands])))
