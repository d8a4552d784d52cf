"""Meshes cast to height maps, against surfaces in closed form; and what rays see of them."""

from __future__ import annotations

import pathlib
from typing import Sequence

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.spec import SimSpec, TriangleMesh
from legged_gym.terrain import make_heightfield
from legged_gym.terrain.meshes import lay_out, read_mesh

trimesh = pytest.importorskip("trimesh")
BALL = """<mujoco><worldbody><body name="base"><freejoint/><geom size="0.1" mass="1"/>
<body name="inside"><joint name="turn" axis="0 0 1"/><geom size="0.01" mass="0.01"/></body></body>
</worldbody></mujoco>"""


def box(size: Sequence[float], middle: Sequence[float]) -> TriangleMesh:
    made = trimesh.creation.box(extents=size)
    return TriangleMesh(np.asarray(made.vertices) + np.array(middle), np.asarray(made.faces))


def joined(*meshes: TriangleMesh) -> TriangleMesh:
    begins = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + begin for mesh, begin in zip(meshes, begins)]
    return TriangleMesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


FLOOR = box((2.0, 1.6, 0.2), (0.0, 0.0, -0.1))
RAMP = TriangleMesh(
    np.array([[-0.8, -0.5, 0.1], [0.8, -0.5, 0.9], [0.8, 0.5, 0.9], [-0.8, 0.5, 0.1]]), np.array([[0, 1, 2], [0, 2, 3]])
)
TABLE = joined(FLOOR, box((0.6, 0.4, 0.05), (0.3, 0.1, 0.7)))
BLOCK = joined(FLOOR, box((0.6, 0.4, 0.5), (0.3, 0.1, 0.25)))


def test_a_ramp_has_its_heights_and_the_floor_beside_it() -> None:
    ground = lay_out({"ramp": joined(FLOOR, RAMP)})
    places = np.random.default_rng(0).uniform([-0.9, -0.7], [0.9, 0.7], (500, 2))
    inside = (np.abs(places) < [0.77, 0.47]).all(axis=1)
    beside = ~(np.abs(places) < [0.83, 0.53]).all(axis=1)
    heights = ground.height_map.at(places)
    np.testing.assert_allclose(heights[inside], 0.5 + 0.5 * places[inside, 0], atol=1.5e-3)
    np.testing.assert_allclose(heights[beside], 0.0, atol=1e-6)
    assert ground.height_map.units.min() * ground.height_map.vertical_scale == pytest.approx(-0.25)  # outside


def test_meshes_stand_side_by_side_and_rows_repeat_them() -> None:
    ground = lay_out({"low": FLOOR, "block": BLOCK}, rows=2, oversample=2)
    assert ground.offsets.shape == (4, 2, 3)
    np.testing.assert_allclose(ground.offsets[:, 1], [[2.0 * k, 1.6, 0.0] for k in range(4)], atol=1e-9)
    spot = np.array([0.3, 0.1])
    for column, height in enumerate((0.0, 0.0, 0.5, 0.5)):
        for row in range(2):
            assert ground.height_map.at(ground.offsets[column, row, :2] + spot) == pytest.approx(height, abs=1e-6)
    mesh = ground.height_map.mesh
    assert mesh is not None and len(mesh.faces) == 4 * len(FLOOR.faces) + 4 * len(BLOCK.faces) + 2
    # with the floor around, two cells wide
    assert mesh.vertices[:, 0].max() == pytest.approx(7.05) and mesh.vertices[:, 1].max() == pytest.approx(2.45)


def test_overhangs_are_said_and_solid_shapes_are_none(capsys: pytest.CaptureFixture) -> None:
    lay_out({"a/table.obj": TABLE, "block": BLOCK, "ramp": joined(FLOOR, RAMP)})
    out = capsys.readouterr().out
    # 0.6 x 0.4 m of 2 x 1.6 m
    share = float(out.split("under ")[1].split(" %")[0])
    assert "warning: table.obj: under" in out and share == pytest.approx(100 * 0.24 / 3.2, abs=1.0)
    assert "up to 0.67 m high" in out or "up to 0.68 m high" in out
    assert out.count("\n") == 1


def test_shapes_that_share_a_corner_are_no_overhang(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture) -> None:
    """Steps on a floor, in single precision: what stands at one height is so but for rounding."""
    steps = [trimesh.creation.box(bounds=[[0.5 + 0.3 * k, -2, 0], [3, 2, 0.1 * (k + 1)]]) for k in range(5)]
    floor = trimesh.creation.box(bounds=[[-3, -3, -0.3], [3, 3, 0]])
    trimesh.util.concatenate([floor, *steps]).export(path := str(tmp_path / "stairs.stl"))
    mesh = read_mesh(path)
    for shift in (0.0, 0.1, 0.37):
        lay_out({"stairs": mesh._replace(vertices=mesh.vertices + np.array([0.0, 0.0, shift]))}, cell=0.05)
    assert capsys.readouterr().out == ""


def test_files_of_three_kinds_say_the_same(tmp_path: pathlib.Path) -> None:
    for kind in ("obj", "ply", "stl"):
        trimesh.Trimesh(TABLE.vertices, TABLE.faces, process=False).export(path := str(tmp_path / f"t.{kind}"))
        mesh = read_mesh(path)
        corners = mesh.vertices[mesh.faces].reshape(-1, 9)
        np.testing.assert_allclose(corners, TABLE.vertices[TABLE.faces].reshape(-1, 9), atol=1e-6)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("points.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "points.obj: "),
        ("empty.ply", "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n", "empty.ply: "),
        ("nan.obj", "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "nan.obj: 1 vertices are no numbers"),
        ("what.glb", "", "what.glb: no mesh; known are .obj, .ply, .stl"),
    ],
)
def test_what_is_no_mesh_is_refused(tmp_path: pathlib.Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_mesh(str(tmp_path / name))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="there is no mesh"):
        read_mesh(str(tmp_path / "none.obj"))


def test_too_large_and_too_high_maps_are_refused() -> None:
    with pytest.raises(UserError, match="take fewer rows"):
        lay_out({"floor": FLOOR}, rows=100_000)
    with pytest.raises(UserError, match="move them to height 0"):
        lay_out({"high": box((1.0, 1.0, 1.0), (0.0, 0.0, 40.0))})
    for name in ("rows", "oversample", "border"):
        with pytest.raises(UserError, match=f"{name} is 0"):
            lay_out({"floor": FLOOR}, **{name: 0})
    for name in ("cell", "unit"):
        with pytest.raises(UserError, match="of 0 m; give a positive length"):
            lay_out({"floor": FLOOR}, **{name: 0.0})
    wall = TriangleMesh(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.array([[0, 1, 2]]))
    with pytest.raises(UserError, match="wall: nothing of it is seen from above"):
        lay_out({"wall": wall})
    with pytest.raises(UserError, match="no mesh was given"):
        lay_out({})


def test_rays_see_the_mesh_and_feet_the_height_field(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("warp")
    (tmp_path / "ball.xml").write_text(BALL)
    ground = make_heightfield(lay_out({"table": TABLE}).height_map)
    sim = make_simulator(SimSpec(str(tmp_path / "ball.xml"), ground=ground, num_threads=1), 1, "mujoco")
    origins = torch.tensor(
        [[[0.3, 0.1, 2.0], [0.3, 0.1, 0.4], [-0.5, 0.0, 1.0], [0.3, 0.1, 0.4], [0.3, 0.1, 0.4], [1.03, 0.0, 1.0]]]
    )
    directions = torch.tensor(
        [[[0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, -2.0], [0.0, 0.0, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]]
    )
    distances = sim.cast_rays(origins, directions)
    # onto the table, to the floor below it, in units of a direction, to its underside, out below it, beside the mesh
    torch.testing.assert_close(distances, torch.tensor([[1.275, 0.4, 0.5, 0.55, torch.inf, 1.25]]), atol=1e-4, rtol=0.0)
    assert sim.cast_rays(origins, directions, max_distance=0.45).isfinite().tolist() == [
        [False, True, False, False, False, False]
    ]
    # the ball falls onto the table's top, as if it were solid
    state = sim.root_states.clone()
    state[0, :3] = torch.tensor([0.3, 0.1, 1.0])
    sim.set_root_states(torch.tensor([0]), state)
    for _ in range(300):
        sim.step(torch.zeros(1, 1), 1)
    assert float(sim.root_states[0, 2]) == pytest.approx(0.725 + 0.1, abs=0.02)
    sim.close()
