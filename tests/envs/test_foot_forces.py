"""Forces on feet: the weight on any ground, nothing in the air, in the world frame; with the Mini Cheetah."""

from __future__ import annotations

import math
from typing import Any, Tuple

import pytest
import torch

from legged_gym.envs.mini_cheetah.mini_cheetah import MiniCheetah
from legged_gym.envs.mini_cheetah.mini_cheetah_config import MiniCheetahCfg

WEIGHT = 8.292 * 9.81
SLOPE = math.radians(20.0)
TRIPOD = [False, True, True, True]
STEPS = 50  # of a measurement, half a second


def make(mesh_type: str = "plane", shape: Any = None, **settings: Any) -> MiniCheetah:
    """One robot without anything random, on one tile; stiff, so that it keeps its pose on slopes."""
    cfg = MiniCheetahCfg()
    cfg.update(
        {
            "env": {"num_envs": 1},
            "terrain": {"mesh_type": mesh_type, "num_rows": 1, "num_cols": 1, "border_size": 1.0},
            "noise": {"add_noise": False},
            "control": {"stiffness": {"_": 200.0}, "damping": {"_": 4.0}},
            "init_state": {"max_random_vel": 0.0, "dof_pos_factor": [1.0, 1.0], "max_random_pos": [0.0, 0.0]},
        }
    )
    cfg.domain_rand.randomize_friction = cfg.domain_rand.randomize_base_mass = cfg.domain_rand.push_robots = False
    if shape is not None:
        cfg.terrain.selected, cfg.terrain.terrain_kwargs = True, shape
    for path, value in settings.items():
        cfg.set(path.replace("__", "."), value)
    env = MiniCheetah(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


def place(env: MiniCheetah, x: float, z: float, pitch: float = 0.0) -> None:
    """Put the robot at rest on the middle line of its tile, its nose `pitch` rad up."""
    states = torch.zeros(1, 13)
    states[0, :3] = torch.tensor([x, float(env.env_origins[0, 1]), z])
    states[0, 4], states[0, 6] = math.sin(-0.5 * pitch), math.cos(0.5 * pitch)
    env.sim.set_root_states(torch.tensor([0]), states)


def stand(env: MiniCheetah, lift: float = 0.0) -> Tuple[torch.Tensor, torch.Tensor]:
    """Let it settle for 1.5 s; the mean force on each foot since then (4, 3), and in how many steps it touched (4,).

    `lift` bends the knee of the right front leg, rad.
    """
    actions = torch.zeros(1, 12)
    actions[0, 2] = lift / env.cfg.control.action_scale
    forces, contacts = torch.zeros(4, 3), torch.zeros(4, dtype=torch.long)
    for k in range(150 + STEPS):
        dones = env.step(actions)[2]
        assert not dones.any(), "it fell"
        if k >= 150:
            forces += env.feet_forces[0] / STEPS
            contacts += env.feet_contact[0]
    return forces, contacts


ROUGH = {"type": "random_uniform_terrain", "min_height": -0.03, "max_height": 0.03, "step": 0.005,
         "downsampled_scale": 0.2}  # fmt: skip
STAIRS = {"type": "pyramid_stairs_terrain", "step_width": 0.4, "step_height": 0.05, "platform_size": 0.4}


@pytest.mark.parametrize(
    ("mesh_type", "shape", "refinement"),
    [("plane", None, 1), ("heightfield", ROUGH, 1), ("trimesh", STAIRS, 4), ("trimesh", ROUGH, 2)],
)
def test_standing_feet_carry_the_weight_on_any_ground(mesh_type, shape, refinement):
    """On rough ground, and across the steps of stairs."""
    env = make(mesh_type, shape, terrain__edge_refinement=refinement)
    if shape is STAIRS:
        place(env, float(env.env_origins[0, 0]) + 0.8, float(env.env_origins[0, 2]) + 0.3)
    forces, contacts = stand(env)
    assert float(forces[:, 2].sum()) == pytest.approx(WEIGHT, rel=0.02)
    assert forces[:, :2].sum(0).abs().max() < 0.02 * WEIGHT
    assert (contacts == STEPS).all()
    if mesh_type != "plane":
        heights = env.sim.body_states[0, env.feet_indices, 2]
        assert float(heights.max() - heights.min()) > 0.01, "the ground under the feet is not level"


@pytest.mark.parametrize("mesh_type", ["plane", "heightfield", "trimesh"])
def test_in_the_air_feet_feel_nothing(mesh_type):
    """Gravity and the legs' own swing are no contact forces."""
    env = make(mesh_type, None if mesh_type == "plane" else ROUGH)
    place(env, float(env.env_origins[0, 0]), 3.0)
    for _ in range(20):
        env.step(torch.randn(1, 12))
        assert (env.feet_forces == 0.0).all()
        assert not env.feet_contact.any()
    assert env.root_states[0, 9] < -1.5  # it does fall


def on_a_slope(lift: float = 0.0) -> Tuple[torch.Tensor, torch.Tensor]:
    """Standing on a height field that rises by 20 degrees along +x."""
    shape = {"type": "pyramid_sloped_terrain", "slope": math.tan(SLOPE), "platform_size": 0.4}
    env = make("heightfield", shape, terrain__vertical_scale=1e-4)
    x = float(env.env_origins[0, 0]) - 2.0
    ground = float(env.height_scan.sample(torch.tensor([[[x, float(env.env_origins[0, 1])]]])))
    place(env, x, ground + 0.31 / math.cos(SLOPE), SLOPE)
    return stand(env, lift=lift)


def on_an_equivalent_plane(lift: float = 0.0) -> Tuple[torch.Tensor, torch.Tensor]:
    """The same seen from the slope: a level plane, and gravity that pulls backwards."""
    gravity = [-9.81 * math.sin(SLOPE), 0.0, -9.81 * math.cos(SLOPE)]
    env = make(sim__gravity=gravity)
    place(env, 0.0, 0.31)
    return stand(env, lift=lift)


def test_on_a_slope_the_sum_points_straight_up():
    forces, contacts = on_a_slope()
    total = forces.sum(0)
    assert float(total[2]) == pytest.approx(WEIGHT, rel=0.02)
    assert total[:2].abs().max() < 0.02 * WEIGHT
    assert (contacts == STEPS).all()


@pytest.mark.parametrize("lift", [0.0, 0.7])
def test_a_slope_and_an_equivalent_plane_give_the_same_flags(lift):
    """With four feet and with three; the forces of both add up to the weight, each in its own axes."""
    slope_forces, slope_contacts = on_a_slope(lift)
    plane_forces, plane_contacts = on_an_equivalent_plane(lift)
    assert torch.equal(slope_contacts, plane_contacts)
    assert (slope_contacts == STEPS).tolist() == ([True] * 4 if lift == 0.0 else TRIPOD)
    weight = WEIGHT * torch.tensor([math.sin(SLOPE), 0.0, math.cos(SLOPE)])
    torch.testing.assert_close(plane_forces.sum(0), weight, atol=0.02 * WEIGHT, rtol=0.0)
    torch.testing.assert_close(slope_forces.sum(0)[2], torch.tensor(WEIGHT), rtol=0.02, atol=0.0)
