"""Whether the left-right mirror of a robot is one."""

from __future__ import annotations

from typing import List, Tuple

import torch

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.terms.mirror import Mirror
from legged_gym.errors import UserError, listed

# rad, how far joints are turned to see whether a mirrored pose gives a mirrored robot
_TURN = 0.3
# rad, from which default angles of two sides count as different
_UNEVEN = 0.02
# of the robot's reach, how far a body may be from the mirror image of its partner
_TOLERANCE = 0.05


def check_mirror(env: RobotState, joints: Mirror, feet: List[int]) -> None:
    """Check that the joints' mirror is one, and that a mirrored pose gives a mirrored robot.

    Args:
        env: the environment.
        joints: its joints' mirror.
        feet: number of each foot's partner.

    Raises:
        UserError: it is not; names the joints, the feet and the setting.
    """
    names, (index, sign), asset = env.dof_names, joints, env.cfg.asset
    own = [name for i, name in enumerate(names) if index[i] == i]
    broken = [name for i, name in enumerate(names) if index[index[i]] != i]
    pairs = f"asset.left_right is {asset.left_right}: name what differs between left and right, nothing else"
    if broken or len(own) == len(names):
        raise UserError(
            f"algorithm.symmetry: joints without partner on the other side: {listed(broken or own)}; {pairs}"
        )
    worst, body = _mirror_error(env, index, sign, feet)
    if body:
        angles = env.default_dof_pos[0].tolist()
        uneven = listed(n for n, i, s, a in zip(names, index, sign, angles) if abs(a - s * angles[i]) > _UNEVEN)
        negated = listed(name for name, s in zip(names, sign) if s < 0) or "no joint"
        raise UserError(
            f"algorithm.symmetry: a mirrored pose has {body} {worst:.2f} m from where the mirror image of the robot has"
            f" it; joints without partner on the other side: {listed(own) or 'none'}, {pairs}; angles that change sign:"
            f" {negated}, asset.mirror_negates is {asset.mirror_negates}: name joints that turn about a forward or an"
            f" upright axis; init_state.default_joint_angles that differ between the sides: {uneven or 'none'}"
        )


def _mirror_error(env: RobotState, index: List[int], sign: List[float], feet: List[int]) -> Tuple[float, str]:
    """How far a body is from where it should be, m, and which; ('') if none is too far."""
    generator = torch.Generator().manual_seed(0)
    turns = _TURN * (0.5 + torch.rand(env.num_actions, generator=generator))
    turns *= 1.0 - 2.0 * torch.randint(0, 2, turns.shape, generator=generator)
    default = env.default_dof_pos[0].cpu()  # observations and actions are relative to it, on both sides
    poses = default + torch.stack((turns, turns[index] * torch.tensor(sign)))
    here, image = env.sim.bodies_in_pose(poses)
    image = image * torch.tensor([1.0, -1.0, 1.0])
    error = torch.cdist(image, here).min(1).values
    ids = env.feet_indices.cpu()
    error[ids] = (image[ids[feet]] - here[ids]).norm(dim=1)
    worst = int(error.argmax())
    too_far = float(error[worst]) > _TOLERANCE * float(here.norm(dim=1).max())
    return float(error[worst]), env.body_names[worst] if too_far else ""
