"""From an environment's config to the world that a simulator builds."""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.reading import path_of
from legged_gym.sim.spec import HeightField, SimSpec, Solver
from legged_gym.terrain import HeightMap, make_heightfield


def sim_spec(cfg: LeggedRobotCfg, height_map: Optional[HeightMap] = None) -> SimSpec:
    """The world of a config, on a height map or a plane."""
    asset, control, ground, init, sim = cfg.asset, cfg.control, cfg.terrain, cfg.init_state, cfg.sim
    return SimSpec(
        file=path_of(asset.file),
        joint_names=list(init.default_joint_angles),
        foot_name=asset.foot_name,
        dof_names=asset.dof_names,
        body_names=asset.body_names,
        collapse_fixed_joints=asset.collapse_fixed_joints,
        fixed_base=asset.fix_base_link,
        start_pos=init.pos,
        start_rot=init.rot,
        self_collisions=not asset.self_collisions,
        armature=asset.armature,
        position_control=control.control_type == "P",
        stiffness=control.stiffness,
        damping=control.damping,
        torque_speed=control.torque_speed,
        dt=float(sim.dt),
        gravity=[0.0, 0.0, 0.0] if asset.disable_gravity else sim.gravity,
        solver=Solver(**{name: getattr(sim.mujoco, name) for name in Solver.__dataclass_fields__}),
        ground=None if height_map is None else physics_ground(cfg, height_map),
        obstacles=[obstacle.shape for obstacle in table(cfg.obstacles).values()],
        ground_friction=float(ground.static_friction),
        num_threads=int(sim.num_threads),
        contact_margin=float(sim.mujoco_warp.contact_margin),
    )


def physics_ground(cfg: LeggedRobotCfg, height_map: HeightMap) -> HeightField:
    """A height map as the physics of a config has it."""
    ground = cfg.terrain
    refine = ground.edge_refinement if ground.mesh_type == "trimesh" else 1
    return make_heightfield(height_map, refine, ground.slope_treshold)
