"""Orders and limits that public repositories assert or rely on, on robots of our own with the same names."""

from __future__ import annotations

import random
from typing import Dict, List, Sequence, Tuple

import numpy as np
import pytest

from tests.isaacgym.robots import joint, link, robot
from tests.isaacgym.scenes import asset, gym

SIDES = ("left", "right")
H1_LEG = ["hip_yaw", "hip_roll", "hip_pitch", "knee", "ankle"]
G1_LEG = ["hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll"]
H1_ARM = ["shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow"]
G1_ARM = [*H1_ARM, "wrist_roll", "wrist_pitch", "wrist_yaw"]
# effort N m and speed rad/s of a leg
H1_LIMITS = [200, 200, 200, 300, 40], [23, 23, 23, 14, 9]
G1_LIMITS = [88, 88, 88, 139, 50, 50], [32, 32, 32, 20, 37, 37]


def build(root: str, chains: Dict[str, Tuple[str, List[str]]], limits: Dict[str, str], seed: int) -> str:
    """A robot declared in any order; a chain is its first parent and its joints."""
    parts = [link(root)]
    for parent, names in chains.values():
        above = parent
        for name in names:
            parts += [
                link(f"{name}_link"),
                joint(f"{name}_joint", above, f"{name}_link", limit=limits.get(name, LIMIT)),
            ]
            above = f"{name}_link"
    random.Random(seed).shuffle(parts)
    return robot(parts)


LIMIT = 'lower="-0.43" upper="2.53" effort="40" velocity="9"'


def chains_of(legs: Sequence[str], trunk: Sequence[str], arms: Sequence[str]) -> Dict[str, Tuple[str, List[str]]]:
    chains = {side: ("pelvis", [f"{side}_{part}" for part in legs]) for side in SIDES}
    if trunk:
        chains["trunk"] = "pelvis", list(trunk)
    for side in SIDES if arms else ():
        chains[f"{side} arm"] = f"{trunk[-1]}_link", [f"{side}_{part}" for part in arms]
    return chains


@pytest.mark.parametrize(
    "legs, trunk, arms, limits, count",
    [
        (H1_LEG, [], [], H1_LIMITS, 10),
        (H1_LEG, ["torso"], H1_ARM, H1_LIMITS, 19),
        (G1_LEG, [], [], G1_LIMITS, 12),
        (G1_LEG, ["waist_yaw", "waist_roll", "waist_pitch"], G1_ARM, G1_LIMITS, 29),
    ],
)
def test_humanoids(tmp_path, legs, trunk, arms, limits, count) -> None:
    chains, own = chains_of(legs, trunk, arms), {}
    for side in SIDES:
        for part, effort, speed in zip(legs, *limits):
            own[f"{side}_{part}"] = f'lower="-0.87" upper="2.8798" effort="{effort}" velocity="{speed}"'
    made = asset(tmp_path, build("pelvis", chains, own, count), replace_cylinder_with_capsule=True)
    order = [name for _, names in chains.values() for name in names]
    assert gym.get_asset_dof_count(made) == count == gym.get_asset_rigid_body_count(made) - 1
    assert gym.get_asset_dof_names(made) == [f"{name}_joint" for name in order]
    assert gym.get_asset_rigid_body_names(made) == ["pelvis", *(f"{name}_link" for name in order)]
    dofs = gym.get_asset_dof_properties(made)[: 2 * len(legs)]
    np.testing.assert_allclose(dofs["effort"], limits[0] * 2)
    np.testing.assert_allclose(dofs["velocity"], limits[1] * 2)
    np.testing.assert_allclose(np.stack((dofs["lower"], dofs["upper"])).T, [[-0.87, 2.8798]] * 2 * len(legs), atol=1e-5)


@pytest.mark.parametrize(
    "legs, order",
    [
        (["FR", "FL", "RR", "RL"], ["FL", "FR", "RL", "RR"]),
        (["LF", "RF", "LH", "RH"], ["LF", "LH", "RF", "RH"]),
        (["4_lh", "2_lf", "1_rf", "3_rh"], ["1_rf", "2_lf", "3_rh", "4_lh"]),
    ],
)
def test_quadrupeds(tmp_path, legs, order) -> None:
    chains = {leg: ("base", [f"{leg}_{part}" for part in ("hip", "thigh", "calf")]) for leg in legs}
    made = asset(tmp_path, build("base", chains, {}, 3))
    assert gym.get_asset_dof_names(made)[::3] == [f"{leg}_hip_joint" for leg in order]
