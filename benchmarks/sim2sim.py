"""Policies in plain MuJoCo beside the training environment: what their exported files keep of their metrics.

    python benchmarks/sim2sim.py                             all shipped policies, and the table in docs/sim2sim.md
    python benchmarks/sim2sim.py a1_flat go2                 some of them; the other lines of the table stay
    python benchmarks/sim2sim.py --policy=<policy.onnx>      any exported policy, with a score.json beside it, no table

Both run the same trials (`legged_gym.sim2sim.trials`): the environment nominal robots, all at once; sim2sim one after
the other, at another time step. What the environment measures goes into score.json beside the policy, where sim2sim.py
finds it, and a terrain.npz too where the policy sees and has none.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import Any, Dict, List, Mapping, Sequence, Tuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.parts.terrain_levels import TileSchedule
from legged_gym.envs.variants import for_evaluation, for_pure_commands, from_nominal_start
from legged_gym.evaluation import grid
from legged_gym.evaluation.cells import EPISODE_S
from legged_gym.evaluation.evaluate import run_episodes
from legged_gym.policies.export import readable_json
from legged_gym.policies.ground import GROUND_SEED, saved_terrain, sees, with_saved_terrain
from legged_gym.policies.onnx_file import GROUND_FILE
from legged_gym.policies.policy_io import PolicySource, add_policy_flag, find_policy, load_policy
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.course import goals_rule
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.network import Network, open_policy
from legged_gym.sim2sim.robot import World, unknown_terms
from legged_gym.sim2sim.terms import TERMS
from legged_gym.terrain import uses_height_map
from legged_gym.utils import reports
from legged_gym.utils.cli import make_parser
from legged_gym.utils.files import write_files
from legged_gym.utils.options import CommandLine
from legged_gym.utils.run_folder import POLICIES_DIR
from legged_gym.utils.training import make_env

RESULTS = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "results", "sim2sim.json")
PAGE = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "sim2sim.md")
BEGIN, END = "<!-- table: benchmarks/sim2sim.py -->", "<!-- end of table -->"
ROBOTS = 4
"""In the environment, for each trial; they start within 1 % of the default pose."""
DT = 0.002
METRICS = {
    "progress": ("progress", "{:.2f}"), "lin_vel_xy_error": ("velocity error m/s", "{:.3f}"),
    "ang_vel_error": ("yaw rate error rad/s", "{:.3f}"), "falls": ("falls", "{:.2f}"),
}  # fmt: skip
COURSE_METRICS = {"success": ("success", "{:.2f}"), "goals": ("goals reached", "{:.2f}"), "falls": ("falls", "{:.2f}")}


def source_of(path: str) -> PolicySource:
    """The policy in its environment, with the settings of an evaluation."""
    parser = make_parser("")
    add_policy_flag(parser)
    flags = ["--sim=mujoco", f"--seed={GROUND_SEED}", f"--policy={path}"]
    return find_policy(CommandLine.read(parser.parse(flags)), for_evaluation)


def environment_score(source: PolicySource, policy: Network, robots: int = ROBOTS) -> Dict[str, Dict[str, float]]:
    """What the training environment measures in the trials of the policy's grounds, by ground."""
    found, terrain = {}, trials.ground_of(policy)
    for name, ground in ((trials.PLANE, Ground()), (trials.TERRAIN, terrain)):
        told = [] if ground is None else trials.trials_of(policy.description, ground)
        if not told:
            continue
        batch = grid.Batch.of([trial.command for trial in told], False, robots)
        if goals_rule(policy.description):
            found[name] = run_courses(source, batch.first)
        elif name == trials.PLANE:
            found[name] = as_score(grid.run_task(source.settled(), "nominal", batch), batch.first)
        else:
            found[name] = as_score(run_on_terrain(source, batch), batch.first)
    return found


def run_courses(source: PolicySource, commands: torch.Tensor) -> Dict[str, float]:
    """As `trials.score_course`: an episode of each robot from goal to goal, at the speeds of commands (N, 3)."""

    def change(cfg: LeggedRobotCfg) -> None:
        from_nominal_start(cfg)
        cfg.env.num_envs, cfg.init_state.max_random_pos = len(commands), [0.0, 0.0]
        cfg.metrics.success = cfg.metrics.waypoints = Metric("last")
        if uses_height_map(cfg.terrain.mesh_type):
            with_saved_terrain(cfg)

    changed = source.changed(change).settled()
    with contextlib.closing(make_env(changed)) as env:
        env.use_part("commands", GivenCommands(env.velocity_commands)).give({"lin_vel_x": commands[:, 0]})
        episodes = run_episodes(env, load_policy(changed, env), 1)
    values = {"success": episodes.values["success"], "goals": episodes.values["waypoints"], "falls": episodes.fell}
    return {**{name: float(each.double().mean()) for name, each in values.items()}, "trials": len(commands)}


def run_on_terrain(source: PolicySource, batch: grid.Batch) -> Dict[str, torch.Tensor]:
    """As `grid.run_task` on the terrain that is saved with policies, every tile for as many robots."""

    def change(cfg: LeggedRobotCfg) -> None:
        mesh_type, mesh_files = cfg.terrain.mesh_type, cfg.terrain.mesh_files
        for_pure_commands(cfg, True, episode_length_s=2.0 * EPISODE_S)
        cfg.terrain.mesh_type, cfg.terrain.mesh_files, cfg.env.num_envs = mesh_type, mesh_files, len(batch.first)
        cfg.init_state.max_random_pos = [0.0, 0.0]
        with_saved_terrain(cfg)

    changed = source.changed(change).settled()
    env = make_env(changed)
    try:
        env.use_part("tiles", TileSchedule(env))
        return grid.run(env, load_policy(changed, env), batch)
    finally:
        env.close()


def as_score(sums: Dict[str, torch.Tensor], commands: torch.Tensor) -> Dict[str, float]:
    """As `trials.score`, of what `grid.run` gives."""
    measured = [
        trials.Measured(trials.Trial("", tuple(command)), *row)
        for command, *row in zip(
            commands.tolist(),
            *(sums[name].tolist() for name in ("seconds", "along", "fell", "lin_vel_xy_error", "ang_vel_error")),
        )
    ]
    return trials.score(measured)


def measure(path: str) -> Dict[str, Any]:
    """Both scores of an exported policy; writes what sim2sim.py is to find beside it."""
    source, policy, folder = source_of(path), open_policy(path), os.path.dirname(os.path.abspath(path))
    if sees(policy.description) and trials.ground_of(policy) is None:
        ground = saved_terrain(source.env_cfg)
        if ground is not None:
            write_files(folder, {GROUND_FILE: ground})
    expected = environment_score(source, policy)
    score = {"kind": "environment_score", "policy_sha256": policy.sha256, "robots": ROBOTS, **expected}
    write_files(folder, {trials.SCORE_FILE: readable_json(score).encode()})
    found = {}
    for name in expected:
        ground = trials.ground_of(policy) if name == trials.TERRAIN else Ground()
        world = World(robot_file_of(policy), ground, DT)
        found[name] = trials.score_policy(policy, world, TERMS).score
        print(name, expected[name], found[name], sep="\n", flush=True)
    return {"environment": expected, "sim2sim": found, "physics_dt": policy.description["physics_dt"]}


def runs_here(name: str) -> bool:
    """Whether a shipped policy takes commands, and all it sees is known in plain MuJoCo; a note says what is not."""
    policy = open_policy(os.path.join(POLICIES_DIR, name, "policy.onnx"))
    if "motion" in policy.description:
        print(f"note: {name} is left out: it follows clips, which sim2sim.py --policy={name} scores")
        return False
    unknown = [str(term["name"]) for term in unknown_terms(policy.description, TERMS)]
    if unknown:
        print(f"note: {name} is left out: plain MuJoCo does not know {', '.join(unknown)}")
    return not unknown


def table(policies: Dict[str, Dict[str, Any]]) -> List[str]:
    """The table of the page: a line for each policy and ground."""
    lines = _table({name: result for name, result in policies.items() if not _runs_courses(result)}, METRICS)
    courses = {name: result for name, result in policies.items() if _runs_courses(result)}
    return [*lines, "", *_table(courses, COURSE_METRICS)] if courses else lines


def _runs_courses(result: Mapping[str, Any]) -> bool:
    return any("success" in found for found in result["sim2sim"].values())


def _table(policies: Dict[str, Any], metrics: Mapping[str, Tuple[str, str]]) -> List[str]:
    heads = [text for text, _ in metrics.values()]
    lines = [f"| policy | ground | {' | '.join(heads)} | within 20 % |", "|---|---|" + "---:|" * len(heads) + "---|"]
    for name, result in policies.items():
        for ground, found in result["sim2sim"].items():
            expected = result["environment"][ground]
            cells = [f"{layout}, {layout}".format(expected[key], found[key]) for key, (_, layout) in metrics.items()]
            worse = trials.deviations(found, expected)
            verdict = "yes" if not worse else "no: " + ", ".join(metrics[key][0].split(" m/s")[0] for key in worse)
            lines.append(f"| `{name}` | {ground} | {' | '.join(cells)} | {verdict} |")
    return lines


def main(argv: Sequence[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="shipped policies; by default all")
    parser.add_argument("--policy", metavar="FILE", help="an exported policy, of which no table is made")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    if args.policy:
        measure(args.policy)
        return
    shipped = [name for name in sorted(os.listdir(POLICIES_DIR)) if runs_here(name)]
    with open(RESULTS, encoding="utf-8") if os.path.exists(RESULTS) else open(os.devnull, encoding="utf-8") as file:
        text = file.read()
    policies = json.loads(text)["policies"] if text else {}
    for name in [each for each in args.names if each in shipped] or shipped * (not args.names):
        print(f"\n{name}", flush=True)
        policies[name] = measure(os.path.join(POLICIES_DIR, name, "policy.onnx"))
        kept = {name: policies[name] for name in shipped if name in policies}
        content = {"kind": "sim2sim", "dt": DT, "policies": kept, **reports.origin(__file__, argv)}
        write_files(os.path.dirname(RESULTS), {os.path.basename(RESULTS): readable_json(content).encode()})
        with open(PAGE, encoding="utf-8") as file:
            before, _, rest = file.read().partition(BEGIN)
        page = "\n".join([before + BEGIN, "", *table(kept), "", END]) + rest.partition(END)[2]
        write_files(os.path.dirname(PAGE), {os.path.basename(PAGE): page.encode()})


if __name__ == "__main__":
    main(sys.argv[1:])
