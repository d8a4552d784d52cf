"""Observation terms: `_obs_<name>() -> (N, k)`, unscaled and without noise, and what a left-right mirror does to each.

What the first line of its docstring cannot tell of a term, numbers above all, is told by `_describe_<name>() -> dict`,
values that JSON can hold. Exported policies carry both, for programs that have nothing else to go by.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import section_to_dict
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.terms.mirror import Mirror, join_mirrors, mirror_of_term, mirrored, partners
from legged_gym.envs.terms.mirror_check import check_mirror
from legged_gym.errors import UserError

# m of the base above the ground, at which a point of the height scan reads 0
_SCAN_BASE_HEIGHT = 0.5
_HEIGHTS_RULE = (
    "of each point: height of the base - base_height - height of the ground below the point; points forward of the base"
    " (points_x, outer loop) and to its left (points_y, inner), turned by yaw alone, 2 atan2(z, w) of its quaternion"
)
_DEPTH_RULE = (
    "the camera sits at position in the base frame and looks forward, pitch degrees down; its picture of width x height"
    " square pixels spans horizontal_fov degrees; crop takes pixels off top, bottom, left and right; what is left is"
    " covered evenly by image_shape rows x columns, each the pixel in its middle; of each, the distance d along the"
    " optical axis (not along the ray) within near..far, far if nothing is hit, as (d - near) / (far - near) - 0.5"
)
_TIMING_RULE = (
    "a frame is taken every period s at the first control step that is not earlier and seen latency s later, likewise;"
    " an episode starts with a frame that is just seen; jitters and noise are those of training"
)


class ObservationTerms(RobotState):
    """The observation terms every robot has."""

    @mirrored("vector")
    def _obs_base_lin_vel(self) -> Tensor:
        """Velocity of the base in its own frame, m/s."""
        return self.base_lin_vel

    @mirrored("pseudovector")
    def _obs_base_ang_vel(self) -> Tensor:
        """Angular velocity of the base in its own frame, rad/s."""
        return self.base_ang_vel

    @mirrored("vector")
    def _obs_projected_gravity(self) -> Tensor:
        """Unit vector of gravity in the base frame."""
        return self.projected_gravity

    @mirrored([1.0, -1.0, -1.0])
    def _obs_commands(self) -> Tensor:
        """Commanded forward and lateral velocity, m/s, and yaw rate, rad/s."""
        return self.commands[:, :3]

    def _describe_commands(self) -> Dict[str, Any]:
        return {"names": ["lin_vel_x", "lin_vel_y", "ang_vel_yaw"]}

    @mirrored("joints")
    def _obs_dof_pos(self) -> Tensor:
        """Joint angles relative to the default pose, rad."""
        return self.dof_pos - self.default_dof_pos

    @mirrored("joints")
    def _obs_dof_vel(self) -> Tensor:
        """Joint velocities, rad/s."""
        return self.dof_vel

    @mirrored("joints")
    def _obs_actions(self) -> Tensor:
        """The last action, as clipped and before scaling."""
        return self.actions

    @mirrored("scan")
    def _obs_heights(self) -> Tensor:
        """Height of the base above each point of the height scan, less 0.5 m as in legged_gym, m.

        Raises:
            UserError: nothing is measured.
        """
        if not self.cfg.terrain.measure_heights:
            raise UserError("the observation heights needs terrain.measure_heights = True")
        return self.root_states[:, 2:3] - _SCAN_BASE_HEIGHT - self.measured_heights

    def _describe_heights(self) -> Dict[str, Any]:
        return self._describe_scan(_SCAN_BASE_HEIGHT)

    def _describe_scan(self, base_height: float) -> Dict[str, Any]:
        """The points of the height scan, and the height of the base at which ground below reads 0."""
        terrain = self.cfg.terrain
        points = {"points_x": list(terrain.measured_points_x), "points_y": list(terrain.measured_points_y)}
        return {**points, "base_height": float(base_height), "rule": _HEIGHTS_RULE}

    def _obs_depth(self) -> Tensor:
        """Image of the depth camera (frames, rows, columns), 0.5 for `depth_camera.far` and beyond, -0.5 for `near`."""
        assert self.depth_camera is not None  # made for whoever has this term in a table
        return self.depth_camera.images

    def _describe_depth(self) -> Dict[str, Any]:
        camera = section_to_dict(self.cfg.depth_camera)
        return {"camera": camera, "rule": _DEPTH_RULE, "timing_rule": _TIMING_RULE}

    @mirrored("feet")
    def _obs_feet_contact(self) -> Tensor:
        """1 for each foot whose vertical contact force exceeds 1 N."""
        return self.feet_contact.float()

    @mirrored("same")
    def _obs_friction(self) -> Tensor:
        """Friction coefficient of the robot less 1."""
        return self.friction_coeffs[:, None] - 1.0

    @mirrored("same")
    def _obs_added_mass(self) -> Tensor:
        """Mass added to the base, kg."""
        return self.added_masses[:, None]

    @mirrored("vector")
    def _obs_com_displacement(self) -> Tensor:
        """How far the base's centre of mass was moved, m."""
        return self.com_displacements

    @mirrored("joint_factors")
    def _obs_motor_strength(self) -> Tensor:
        """Factor on each motor's torque, less 1."""
        return self.motor_strengths - 1.0

    @mirrored("same")
    def _obs_gain_factors(self) -> Tensor:
        """Mean over the joints of stiffness and of damping, relative to the nominal ones, less 1."""
        pairs = ((self.env_p_gains, self.p_gains), (self.env_d_gains, self.d_gains))
        factors = [(own / nominal).masked_fill(nominal == 0.0, 1.0) for own, nominal in pairs]
        return torch.stack([factor.mean(1) for factor in factors], dim=1) - 1.0

    @mirrored("same")
    def _obs_base_height(self) -> Tensor:
        """Height of the base above the ground under it, m."""
        return self.root_states[:, 2:3] - self.height_scan.sample(self.root_states[:, None, :2])

    def mirror_joints(self) -> Mirror:
        """For every joint, its partner on the other side and whether the angle changes sign."""
        negates = self.cfg.asset.mirror_negates
        sign = [-1.0 if any(part in name for part in negates) else 1.0 for name in self.dof_names]
        return partners(self.dof_names, self.cfg.asset.left_right), sign

    def mirror_feet(self) -> Mirror:
        """For every foot, its partner on the other side."""
        feet = [self.body_names[i] for i in self.feet_indices.tolist()]
        return partners(feet, self.cfg.asset.left_right), [1.0] * len(feet)

    _mirror_feet_contact = mirror_feet  # robots of earlier versions call it

    def mirror_maps(self) -> Optional[Dict[str, Tuple[Tensor, Tensor]]]:
        """Left-right mirror of every observation group and of the actions; None if a term has none.

        Returns:
            name -> (index (dim,), sign (dim,)), so that mirrored = x[..., index] * sign.

        Raises:
            UserError: by the settings of the mirror the robot has none, or a term has a wrong one.
        """
        check_mirror(self, self.mirror_joints(), self.mirror_feet()[0])
        maps: Dict[str, Tuple[Tensor, Tensor]] = {}
        for name, group in self.observation_groups.items():
            mirrors: List[Mirror] = []
            for (term, entry), width in zip(group.table.items(), group.frame_sizes):
                mirror = mirror_of_term(self, term, width)
                if mirror is None:
                    return None
                mirrors += [mirror] * entry.history
            maps[name] = join_mirrors(mirrors, self.device)
        maps["actions"] = join_mirrors([self.mirror_joints()], self.device)
        return maps
