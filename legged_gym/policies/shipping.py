"""Policies that come along with the project: ``resources/policies/<task>/``.

================  ================================================================================================
``model.pt``      the actor's weights and what it takes to build it
``policy.onnx``   the same for robots and other programs; ``actuator.onnx`` beside it, where there are drives
``golden.npz``    what the policy was given and answered in 200 steps, to check other programs with
``config.yaml``   every setting of the run
``metrics.json``  results of evaluate.py, where given
``card.md``       what the policy is, how it was made, how good it is
================  ================================================================================================
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import yaml

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.errors import UserError
from legged_gym.policies.export import export_checkpoint, readable_json
from legged_gym.policies.policy_io import PolicySource, inference_checkpoint, load_network_for
from legged_gym.reading import PLACEHOLDER, path_of, portable, read_json
from legged_gym.utils import run_folder
from legged_gym.utils.files import write_files
from rsl_rl.extensions.extensions import with_views
from rsl_rl.utils.checkpoint import save_checkpoint
from rsl_rl.utils.console import format_duration

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

METRICS_FILE = "metrics.json"
CARD_FILE = "card.md"


def ship_policy(
    source: PolicySource,
    env: LeggedRobot,
    folder: str,
    metrics: Optional[Mapping[str, Any]] = None,
    evaluation: str = "",
) -> List[str]:
    """Write a shipped policy.

    Args:
        source: a checkpoint of a training run.
        env: an environment of its task.
        folder: where to; files of an earlier policy are replaced.
        metrics: results of evaluate.py, from `read_metrics`.
        evaluation: the same as text, for the card.

    Returns:
        The paths written.

    Raises:
        UserError: the file is no checkpoint of a run, or as `export_checkpoint`.
    """
    if source.run_dir is None:
        raise UserError(f"a shipped policy needs the {run_folder.RUN_CONFIG} of the run that made {source.path}")
    network, content = load_network_for(source, env)
    if "total_timesteps" not in content.get("runner", {}):
        raise UserError(f"{source.path} is no checkpoint of a training run (it may be a shipped policy)")
    settings = run_folder.read_run_config(source.run_dir)
    plain = {key: getattr(LeggedRobotCfgPPO.runner, key) for key in run_folder.LOADING_KEYS}
    run = portable({**settings, "train": {**settings["train"], "runner": {**settings["train"]["runner"], **plain}}})
    origins = portable(_origins(settings))
    earlier = portable(run_folder.earlier_commands(source.run_dir))
    paths = export_checkpoint(source, env, folder, only_onnx=True, golden=True)
    model = os.path.join(folder, run_folder.SHIPPED_CHECKPOINT)
    save_checkpoint(model, inference_checkpoint(content, with_views(source.train_cfg.algorithm.extensions)))
    groups = network.deployed().actor.groups
    files = {
        run_folder.RUN_CONFIG: yaml.safe_dump(run, sort_keys=False, default_flow_style=None, width=120),
        CARD_FILE: make_card(source.task, run, content, env, groups, evaluation, earlier, origins),
    }
    if metrics is not None:
        files[METRICS_FILE] = readable_json(metrics)
    return [model, *paths, *write_files(folder, {name: text.encode() for name, text in files.items()})]


def read_metrics(path: str, task: str) -> Dict[str, Any]:
    """Read the results of evaluate.py; of a comparison, the part about the one policy of the task.

    Raises:
        UserError: the file cannot be read, holds something else, or the results are of other tasks.
    """
    metrics = read_json(path)
    if isinstance(metrics, dict) and metrics.get("kind") == "comparison":
        results = metrics.get("policies")
        if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
            raise UserError(f"{path} holds no results of evaluate.py --compare: it lacks a list of policies")
        own = [result for result in results if result.get("task") == task]
        if len(own) != 1:
            raise UserError(f"{path} compares {len(own)} policies of task {task!r}: give a file with exactly one")
        return {**{key: value for key, value in metrics.items() if key != "policies"}, **own[0]}
    if not isinstance(metrics, dict) or metrics.get("kind") != "evaluation":
        raise UserError(f"{path} holds no results of evaluate.py")
    if metrics.get("task") != task:
        raise UserError(f"{path} is an evaluation of task {metrics.get('task')!r}, not {task!r}")
    return metrics


def _origins(run: Mapping[str, Any]) -> List[str]:
    """Tell of the runs whose networks a run began with, the first of all first, as far as they are still there."""
    path = run["train"]["runner"].get("start_from")
    folder = os.path.dirname(path_of(path or ""))
    if not path or not os.path.isfile(os.path.join(folder, run_folder.RUN_CONFIG)):
        return []
    before = run_folder.read_run_config(folder)
    iteration = os.path.splitext(os.path.basename(path))[0].split("_")[-1]
    return [*_origins(before), f"`{before.get('command', '')}`, iteration {iteration}"]


def make_card(
    task: str,
    run: Mapping[str, Any],
    content: Mapping[str, Any],
    env: LeggedRobot,
    groups: Sequence[str],
    evaluation: str,
    earlier_commands: Sequence[str] = (),
    origins: Sequence[str] = (),
) -> str:
    """The card: Markdown, filled from the run.

    Args:
        task: name of the task.
        run: content of the run's config.yaml.
        content: the checkpoint.
        env: an environment of the task.
        groups: the observations that the network reads.
        evaluation: results as text; empty without.
        earlier_commands: of a run that was resumed, before the command in `run`.
        origins: runs whose networks this one began with.
    """
    meta, control = content["meta"], env.cfg.control
    policy = [
        ("robot", f"{env.cfg.asset.name}, {env.num_actions} joints"),
        ("control", f"{1.0 / env.dt:g} Hz, type {control.control_type}, {control.decimation} physics steps an action"),
        ("commands", _command_ranges(env)),
        ("observations", ", ".join(f"{name} {meta['observation_dims'][name]}" for name in groups)),
        ("network", f"{meta['policy_class_name']}, actor {meta['policy']['actor_hidden_dims']}"),
    ]
    if not evaluation:
        command = f"python legged_gym/scripts/evaluate.py --policy={task} --json=<file>"
        evaluation = f"not evaluated yet: {command}"
    uses = [f"python legged_gym/scripts/{script}.py --policy={task}" for script in ("play", "evaluate")]
    lines = [
        *(f"# Policy of `{task}`", "", *_table(policy)),
        *("", "## Training", "", *_table(_training_facts(run, content, earlier_commands, origins))),
        *("", "## Evaluation", "", "```text", evaluation.strip("\n"), "```"),
        *("", "## Use", "", "```bash", *uses, "```", ""),
        "`policy.onnx` computes one control step. Its property `metadata`, JSON, tells all that it takes to run it:",
        "docs/exported_policies.md.",
    ]
    return "\n".join(lines) + "\n"


def _command_ranges(env: LeggedRobot) -> str:
    """The commands of training, m/s, rad/s and rad."""
    trained = env.trained_commands()
    ranges = trained.get("ranges")
    if ranges is None:
        return str(trained["rule"])
    return ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in ranges.items())


def _training_facts(
    run: Mapping[str, Any], content: Mapping[str, Any], earlier_commands: Sequence[str], origins: Sequence[str]
) -> List[Tuple[str, Any]]:
    git, state = run.get("git") or {}, content["runner"]
    commands = [command.replace(PLACEHOLDER + "/", "") for command in (*earlier_commands, str(run.get("command", "")))]
    return [
        *(("starts from", origin.replace(PLACEHOLDER + "/", "")) for origin in origins),
        *(("command" if i == 0 else "resumed by", f"`{command}`") for i, command in enumerate(commands)),
        ("date", run.get("created")),
        ("commit", f"{git.get('commit', 'unknown')}{' and local changes' if git.get('changes') else ''}"),
        ("seed", run["train"].get("seed")),
        ("robots", content["meta"]["num_envs"]),
        ("iterations", content["iter"]),
        ("samples", f"{state['total_timesteps']:,}"),
        ("wall time", format_duration(state["total_time"])),
        *_flat(run.get("run") or {}),
        *_flat(run.get("versions") or {}),
    ]


def _flat(values: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """The single values of nested dicts."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name.replace("_", " "), value


def _table(rows: Sequence[Tuple[str, Any]]) -> List[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
