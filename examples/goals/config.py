"""The tables of the task: they name the methods of robot.py, and those that every robot has."""

from __future__ import annotations

from examples.goals.course import slalom
from legged_gym.envs.a1.a1_config import A1FlatCfg, A1FlatCfgPPO
from legged_gym.envs.base.base_config import Metric, ObsTerm, Termination
from legged_gym.terrain.recipes import RECIPES

RECIPES["slalom"] = slalom


class GoalsCfg(A1FlatCfg):
    """What is not said here is as for `a1_flat`."""

    class terrain(A1FlatCfg.terrain):
        mesh_type = "heightfield"
        tile_types = ["slalom"]
        curriculum = True  # rows are levels: who walks far goes on to a harder one
        difficulty_range = [0.0, 1.0]
        num_rows = 4
        num_cols = 4
        terrain_length = 9.0
        terrain_width = 5.0
        border_size = 3.0

    class commands(A1FlatCfg.commands):
        heading_command = True  # the heading is that to the goal, the yaw rate follows from it
        standing_fraction = 0.0
        pure_fraction = 0.0

        class ranges(A1FlatCfg.commands.ranges):
            lin_vel_x = [0.4, 0.8]
            lin_vel_y = [0.0, 0.0]

    class init_state(A1FlatCfg.init_state):
        max_random_pos = [0.3, 0.3]

    class observations(A1FlatCfg.observations):
        class policy(A1FlatCfg.observations.policy):
            dof_pos = ObsTerm(noise=0.01, history=3)  # of three steps, the newest last
            goal = ObsTerm(scale=0.5, noise=0.05, clip=4.0, hold=5)  # ten times a second, as a camera would tell

    class terminations(A1FlatCfg.terminations):
        arrived = Termination(time_out=True)  # no failure: the value of the state is bootstrapped

    class rewards(A1FlatCfg.rewards):
        class scales(A1FlatCfg.rewards.scales):
            goal_progress = 1.0

    class metrics(A1FlatCfg.metrics):
        goals_reached = Metric("last")


class GoalsCfgPPO(A1FlatCfgPPO):
    """Training of `a1_goals`."""

    class algorithm(A1FlatCfgPPO.algorithm):
        extensions = {
            "action_bounds": {"class_name": "examples.goals.action_bounds:ActionBounds", "bound": 3.0},
        }

    class runner(A1FlatCfgPPO.runner):
        experiment_name = "goals_a1"
