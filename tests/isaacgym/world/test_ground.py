"""Height fields in the calling styles of the forks, lattices recovered from meshes, other meshes cast."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.isaacgym import gymapi
from tests.isaacgym.scenes import Scene, at, gym, params

CELL, UNIT, BORDER = 0.5, 0.01, 2.0
SHAPE = (13, 21)


def heights() -> np.ndarray:
    """A map [x, y] in which no two directions are alike."""
    x, y = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (2 * x + 5 * (y > 12) * y).astype(np.int16)


def landed(ground, spots) -> torch.Tensor:
    """Heights of balls' lowest points when they first touched, let fall at spots (n, 2)."""
    ball = gym.create_sphere(None, 0.05, gymapi.AssetOptions())
    scene = Scene([ball] * len(spots), [at(x, y, 2.5) for x, y in spots], 1, params(), ground, filter=1)
    first = torch.full((len(spots),), torch.nan)
    for _ in range(400):
        scene.step()
        touches = (scene.contact.norm(dim=1) > 0) & first.isnan()
        first = torch.where(touches, scene.root[:, 2], first)
    return first - 0.05


SPOTS = [(-1.0, -1.0), (3.0, -1.5), (-1.5, 6.0), (3.5, 7.0)]


def expected() -> torch.Tensor:
    cells = [(round((x + BORDER) / CELL), round((y + BORDER) / CELL)) for x, y in SPOTS]
    return torch.tensor([float(heights()[cell]) * UNIT for cell in cells])


def style_c_order(field: np.ndarray) -> np.ndarray:
    return field


def style_flat(field: np.ndarray) -> np.ndarray:
    return field.flatten()


def style_transposed(field: np.ndarray) -> np.ndarray:
    return field.T


@pytest.mark.parametrize("style", [style_c_order, style_flat, style_transposed])
def test_height_fields_lie_as_their_makers_mean(style) -> None:
    def ground(sim):
        made = gymapi.HeightFieldParams()
        made.column_scale = made.row_scale = CELL
        made.vertical_scale, made.nbRows, made.nbColumns = UNIT, SHAPE[1], SHAPE[0]
        made.transform.p.x = made.transform.p.y = -BORDER
        gym.add_heightfield(sim, style(heights()), made)

    torch.testing.assert_close(landed(ground, SPOTS), expected(), atol=0.03, rtol=0.0)


def lattice() -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of the map in the order of the API's conversion; two vertices moved under a wall."""
    rows, cols = SHAPE
    x, y = np.mgrid[:rows, :cols] * CELL
    vertices = np.stack((x, y, heights() * UNIT), axis=-1).reshape(-1, 3).astype(np.float32)
    vertices[[40, 41], 0] += CELL
    faces = []
    for i in range(rows - 1):
        for j in range(cols - 1):
            a = i * cols + j
            faces += [(a, a + cols + 1, a + 1), (a, a + cols, a + cols + 1)]
    return vertices, np.array(faces, dtype=np.uint32)


def add_mesh(sim, vertices: np.ndarray, faces: np.ndarray, offset: float = 0.0) -> None:
    made = gymapi.TriangleMeshParams(nb_vertices=len(vertices), nb_triangles=len(faces))
    made.transform.p = gymapi.Vec3(offset, offset, 0.0)
    gym.add_triangle_mesh(sim, vertices.flatten(order="C"), faces.flatten(order="C"), made)


def test_a_lattice_is_a_height_field() -> None:
    def ground(sim):
        add_mesh(sim, *lattice(), -BORDER)

    torch.testing.assert_close(landed(ground, SPOTS), expected(), atol=0.03, rtol=0.0)


def test_other_meshes_are_cast_together() -> None:
    pytest.importorskip("trimesh")
    import trimesh

    def ground(sim):
        floor = np.array([[-3, -3, 0], [3, -3, 0], [3, 3, 0], [-3, 3, 0.0]])
        add_mesh(sim, floor, np.array([[0, 1, 2], [0, 2, 3]]))
        box = trimesh.creation.box((1.0, 1.0, 0.4))
        add_mesh(sim, np.array(box.vertices) + np.array([0.0, 0.0, 0.2]), np.array(box.faces), 1.0)

    found = landed(ground, [(1.0, 1.0), (-1.0, 1.0)])
    torch.testing.assert_close(found, torch.tensor([0.4, 0.0]), atol=0.03, rtol=0.0)


def test_a_plane_lies_at_its_distance() -> None:
    def ground(sim):
        made = gymapi.PlaneParams(distance=-0.7)
        made.normal = gymapi.Vec3(0, 0, 1)
        gym.add_ground(sim, made)

    torch.testing.assert_close(landed(ground, [(5.0, 5.0)]), torch.tensor([0.7]), atol=0.03, rtol=0.0)
