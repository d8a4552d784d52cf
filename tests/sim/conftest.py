"""The simulators that the conformance tests share, one set for each backend; Warp's kernels are compiled once."""

from __future__ import annotations

import pytest

from tests.sim.worlds import BENCH, SLED, SLED_FRICTION, SLOPE_TANGENT, a1_cfg, make, sloped_ground, urdf_cfg


@pytest.fixture(scope="session", params=["mujoco", "mujoco_warp"])
def backend(request):
    if request.param == "mujoco_warp":
        pytest.importorskip("mujoco_warp")
    return request.param


@pytest.fixture(scope="session")
def a1(backend):
    """Three A1 on a plane, PD in the engine; tests change state alone and start from `place_a1`."""
    return make(backend, a1_cfg(), 3)


@pytest.fixture(scope="session")
def a1_field(backend):
    """Three A1 with self-collisions on sloping ground, with a box and a cylinder each, both hidden."""
    cfg = a1_cfg()
    cfg.asset.self_collisions = 0
    return make(backend, cfg, 3, ground=sloped_ground(), obstacles=["box", "cylinder"])


@pytest.fixture(scope="session")
def bench(backend, tmp_path_factory):
    """Three carts and pendulums, torques from the caller."""
    cfg = urdf_cfg(tmp_path_factory.mktemp("bench"), BENCH, fix_base_link=True)
    cfg.init_state.pos = [0.0, 0.0, 1.0]
    cfg.sim.dt = 0.002
    return make(backend, cfg, 3)


@pytest.fixture(scope="session")
def sleds(backend, tmp_path_factory):
    """Four boxes on ground of friction 0.2; gravity is tilted, which makes it a slope that falls towards +x."""
    cfg = urdf_cfg(tmp_path_factory.mktemp("sled"), SLED)
    cfg.terrain.static_friction = 0.2
    cosine = (1.0 + SLOPE_TANGENT**2) ** -0.5
    cfg.sim.gravity = [9.81 * SLOPE_TANGENT * cosine, 0.0, -9.81 * cosine]
    return make(backend, cfg, len(SLED_FRICTION))
