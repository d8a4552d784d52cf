"""Pure commands: which there are, what robots that follow a script come to, and that tasks leave them alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from legged_gym.envs.parts.part import Part
from legged_gym.envs.variants import RANGES, for_evaluation, for_pure_commands
from legged_gym.evaluation import grid as evaluation_grid
from legged_gym.evaluation.grid import (
    Batch,
    cells_of,
    run,
    standing_result,
    walking_result,
    worst_cells,
)
from legged_gym.utils.cli import get_args
from legged_gym.utils.task_registry import task_registry

DT = 0.5


def trained(x, y=(0.0, 0.0), yaw=(0.0, 0.0)):
    return {"ranges": {"lin_vel_x": x, "lin_vel_y": y, "ang_vel_yaw": yaw, "height": (0.2, 0.4)}, "min_norm": 0.2}


# ---------------------------------------------------------------- cells


def test_a_cell_is_a_share_of_the_bound_in_its_direction():
    cells = cells_of(trained((-1.0, 2.0), (-0.5, 0.5), (-0.4, 0.8)))
    commands = {(cell.direction, cell.speed): cell.command for cell in cells}
    assert len(cells) == len(commands) == 18
    assert commands["forward", "slow"] == (0.5, 0.0, 0.0)
    assert commands["forward", "fast"] == (2.0, 0.0, 0.0)
    assert commands["back", "middle"] == (-0.6, 0.0, 0.0)
    assert commands["left", "slow"] == (0.0, 0.2, 0.0)  # 0.125 would be a command to stand
    assert commands["right", "middle"] == (0.0, -0.3, 0.0)
    assert commands["turn left", "slow"] == (0.0, 0.0, 0.2)
    assert commands["turn right", "slow"] == (0.0, 0.0, -0.1)  # there is no least turn


def test_what_a_task_does_not_have_has_no_cell():
    cells = cells_of(trained((0.0, 0.75), (-0.1, 0.1)))
    assert [(cell.direction, cell.command[0]) for cell in cells] == [("forward", v) for v in (0.2, 0.45, 0.75)]
    # a range that leaves out slow walks
    assert [cell.command[0] for cell in cells_of(trained((0.3, 0.8)))] == [0.3, 0.48, 0.8]
    assert [cell.command[0] for cell in cells_of(trained((-0.8, -0.3)))] == [-0.3, -0.48, -0.8]
    # equal speeds are one
    assert [(cell.speed, cell.command[0]) for cell in cells_of(trained((0.5, 0.5)))] == [("fast", 0.5)]


# ---------------------------------------------------------------- robots by a script


class Nines(Part):
    """Commands 9 whatever is asked for."""

    def reset(self, env_ids):
        """See `Part`."""
        self.env.commands[env_ids] = 9.0


class ScriptedEnv:
    """Robot n has the velocity that its last action asked for, times `gains[n]`; robot 3 falls in its fifth step."""

    gains = torch.tensor([0.8, 1.2, 1.0, 1.0])

    def __init__(self):
        self.num_envs, self.device, self.dt = 4, torch.device("cpu"), DT
        self.commands = torch.full((4, 4), 9.0)
        self.dof_vel = torch.tensor([[0.1, 0.1], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
        self.steps, self.parts = 0, {}
        self.velocity_commands = Nines(self)

    def use_part(self, name, part):
        self.parts[name] = part
        return part

    def command_columns(self):
        return dict(zip(RANGES, self.commands.unbind(1)))

    @property
    def feet_contact(self):
        """Robot 1 lifts a foot in step 10, robot 2 in steps 10 to 12."""
        contact = torch.ones(4, 2, dtype=torch.bool)
        contact[1, 0] = self.steps != 10
        contact[2, 1] = not 10 <= self.steps <= 12
        return contact

    def reset(self):
        self.base_lin_vel, self.base_ang_vel = torch.zeros(4, 3), torch.zeros(4, 3)
        self.parts["commands"].reset(torch.arange(4))
        return {"policy": self.commands[:, :3].clone()}

    def step(self, actions):
        self.steps += 1
        velocity = actions * self.gains[:, None]
        self.base_lin_vel = torch.cat((velocity[:, :2], torch.full((4, 1), 7.0)), dim=1)
        self.base_ang_vel = torch.cat((torch.full((4, 2), 7.0), velocity[:, 2:]), dim=1)
        dones = torch.arange(4) == (3 if self.steps == 5 else -1)
        self.parts["commands"].reset(torch.nonzero(dones).flatten())
        return {"policy": self.commands[:, :3].clone()}, None, dones, {"time_outs": torch.zeros_like(dones)}


class Obedient:
    """Asks for what is commanded."""

    def __call__(self, observations):
        return observations["policy"]

    def reset(self, dones=None):
        """It has no memory."""


def one_stands(batch, robot):
    """The same, but one is told to stand after its walk."""
    stand = Batch.of(batch.first.tolist(), True, 1)
    return Batch(*(torch.cat((a[:robot], b[robot : robot + 1], a[robot + 1 :])) for a, b in zip(batch, stand)))


def test_sums_by_hand():
    """20 steps of 0.5 s; the first second is left out, and of robot 2, told to stand after 3 s, the first four.

    Robot 0 walks at 0.8 of 1 m/s for 9 s, robot 1 turns at 1.2 of -0.5 rad/s. Robot 3 is measured for three states.
    Of robot 2 the two states after the first without the foot count as not all feet down.
    """
    walks = Batch.of([(1.0, 0.0, 0.0), (0.0, 0.0, -0.5), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)], False, 1)
    batch = one_stands(walks, 2)
    sums = {name: values.tolist() for name, values in run(ScriptedEnv(), Obedient(), batch).items()}
    assert sums.pop("fell") == [False, False, False, True]
    expected = {
        "seconds": [9.0, 9.0, 6.0, 1.5],
        "lin_vel_xy_error": [1.8, 0.0, 0.0, 0.0],
        "ang_vel_error": [0.0, 0.9, 0.0, 0.0],
        "along": [7.2, 5.4, 0.0, 1.5],
        "joint_square": [0.09, 112.5, 0.0, 0.0],
        "feet_down": [9.0, 9.0, 5.0, 1.5],
    }
    assert {name: pytest.approx(values) for name, values in expected.items()} == sums


def sums_of(**values):
    return {name: torch.tensor(column) for name, column in values.items()}


def test_a_cell_weighs_its_robots_by_their_time():
    sums = sums_of(
        seconds=[9.0, 1.0],
        lin_vel_xy_error=[0.9, 0.6],
        ang_vel_error=[1.8, 0.2],
        along=[4.5, 0.0],
        fell=[False, True],
    )
    result = walking_result(sums)
    assert result.pop("episodes") == 2
    means = {name: entry["mean"] for name, entry in result.items()}
    assert means == pytest.approx(
        {"falls": 0.5, "lin_vel_xy_error": 0.15, "ang_vel_error": 0.2, "mean_speed": 0.45},
    )


def test_who_stands_still_is_up_slow_and_on_all_feet():
    sums = sums_of(
        seconds=[6.0, 6.0, 6.0, 6.0, 0.0],
        joint_square=[6 * 0.19**2, 6 * 0.21**2, 0.0, 0.0, 0.0],
        feet_down=[6.0, 6.0, 5.98, 6.0, 0.0],
        fell=[False, False, False, True, True],
    )
    result = standing_result(sums)
    assert result["stand_still"]["mean"] == pytest.approx(1 / 5)
    assert result["stand_joint_speed"]["mean"] == pytest.approx(((0.19**2 + 0.21**2) / 4) ** 0.5)
    assert result["stand_feet_down"]["mean"] == pytest.approx(23.98 / 24)
    assert result["falls"]["mean"] == pytest.approx(2 / 5)


def test_the_worst_cell_of_each_column_is_named():
    def cell(direction, falls, error, turn):
        entries = {"falls": falls, "lin_vel_xy_error": error, "ang_vel_error": turn}
        words = {"direction": direction, "speed": "slow", "start": "nominal"}
        return {**words, **{name: {"mean": value} for name, value in entries.items()}}

    worst = worst_cells([cell("back", 0.0, 0.3, None), cell("left", 0.5, 0.2, None)])
    assert worst == {
        "falls": {"mean": 0.5, "cell": "left, slow, nominal"},
        "lin_vel_xy_error": {"mean": 0.3, "cell": "back, slow, nominal"},
    }


# ---------------------------------------------------------------- tasks


class Recorder:
    """Zero actions; keeps what the robots were told and where they were."""

    def __init__(self, env):
        self.env, self.commands, self.states = env, [], []

    def __call__(self, observations):
        self.commands.append(self.env.commands[:, :3].clone())
        self.states.append((self.env.root_states.clone(), self.env.dof_pos.clone()))
        return torch.zeros(self.env.num_envs, self.env.num_actions)

    def reset(self, dones=None):
        """It has no memory."""


def env_of(task, start):
    cfg, _ = task_registry.get_cfgs(task)
    for_evaluation(cfg)
    for_pure_commands(cfg, start == "nominal", 20.0)
    cfg.env.num_envs = 3
    return task_registry.make_env(task, get_args(["--sim=mujoco"]), cfg)[0]


@pytest.mark.parametrize("task", ["a1", "a1_vision", "go2", "mini_cheetah_ref"])
def test_every_task_keeps_to_the_command_from_the_first_observation_on(task, monkeypatch):
    """Heading mode, least commands, standing commands and samplers of their own or not."""
    monkeypatch.setattr(evaluation_grid, "EPISODE_S", 0.1)
    monkeypatch.setattr(evaluation_grid, "WALK_S", 0.06)
    env = env_of(task, "randomised")
    batch = one_stands(Batch.of([(0.1, 0.0, 0.0), (0.0, 0.0, 0.3), (0.0, 0.1, 0.0)], False, 1), 2)
    policy = Recorder(env)
    run(env, policy, batch)
    walk = round(0.06 / env.dt)
    for step, commands in enumerate(policy.commands):
        assert torch.equal(commands, batch.first if step < walk else batch.then)
    assert len(policy.commands) == round(0.1 / env.dt)
    env.close()


@pytest.mark.parametrize("task", ["a1_flat", "go2"])
def test_a_nominal_start_leaves_little_to_chance(task):
    env = env_of(task, "nominal")
    policy = Recorder(env)
    env.reset()
    policy({})
    root, joints = policy.states[0]
    expected = torch.tensor([*env.cfg.init_state.pos, *env.cfg.init_state.rot, *[0.0] * 6])
    assert torch.equal(root, expected.expand(3, 13))
    spread = (joints - env.default_dof_pos).abs()
    assert 0.0 < float(spread.max()) <= 0.0151  # 1 % of 1.5 rad
    assert torch.equal(env.friction_coeffs, torch.ones(3)) and not env.added_masses.any()
    assert not (env.cfg.domain_rand.push_robots or env.cfg.noise.add_noise)
    if task == "go2":
        assert env.height_commands.tolist() == pytest.approx([0.3] * 3)
    env.close()


def test_a_policy_without_commands_has_no_grid():
    cfg, _ = task_registry.get_cfgs("a1_flat")
    cfg.observations.policy.commands = None
    assert evaluation_grid.evaluate_grid(SimpleNamespace(env_cfg=cfg), 10, trained((0.0, 1.0))) == {}
