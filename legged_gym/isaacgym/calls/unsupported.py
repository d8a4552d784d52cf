"""Calls that cannot be on MuJoCo, and what to do."""

from __future__ import annotations

from typing import Dict

_TENDONS = "tendons of assets are not read; drive the joints instead"
_ATTRACTORS = "there are no attractors; set position targets, or apply forces to the body"
_SOFT = "there are no soft bodies, cloths and particles; use rigid bodies"
_FILES = "scenes cannot be written as USD; keep the robot file"

_REASONS = {
    _TENDONS: (
        "get_actor_tendon_properties", "set_actor_tendon_properties", "get_asset_tendon_properties",
        "set_asset_tendon_properties", "get_actor_tendon_name", "get_actor_fixed_tendon_joint_coefficients",
        "set_actor_fixed_tendon_joint_coefficients", "get_asset_fixed_tendon_joint_coefficients",
        "set_asset_fixed_tendon_joint_coefficients", "get_actor_tendon_offset", "set_actor_tendon_offset",
        "find_actor_tendon_index", "find_asset_tendon_index", "acquire_tendon_state_tensor",
    ),
    _ATTRACTORS: (
        "create_rigid_body_attractor", "get_attractor_properties", "set_attractor_properties", "set_attractor_target",
    ),
    _SOFT: (
        "acquire_particle_state_tensor", "refresh_particle_state_tensor", "set_particle_state_tensor",
        "set_particle_state_tensor_indexed", "acquire_pneumatic_pressure_tensor", "acquire_pneumatic_target_tensor",
        "get_actor_soft_materials", "set_actor_soft_materials", "get_asset_soft_materials", "get_sim_tetrahedra",
        "get_sim_triangles", "get_sim_tetrahedra_count", "get_sim_triangle_count", "create_cloth_grid",
        "create_tet_grid",
    ),
    _FILES: ("export_usd_asset", "export_usd_sim", "create_usd_exporter", "destroy_usd_exporter"),
    "MuJoCo keeps no list of contacts that could be copied out; read net_contact_force tensors": (
        "get_env_rigid_contacts", "get_rigid_contacts", "get_env_rigid_contact_forces", "get_rigid_contact_forces",
        "get_soft_contacts",
    ),
    "performance is measured outside; time your own loop": ("get_performance_timers", "set_performance_timers"),
}  # fmt: skip

UNSUPPORTED: Dict[str, str] = {name: why for why, names in _REASONS.items() for name in names}
"""Name -> why, and what to do."""
