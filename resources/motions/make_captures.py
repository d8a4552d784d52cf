"""Make the captures of this folder: G1 climbs over a box, and up and down stairs, each with the mesh of its ground.

    python resources/motions/make_captures.py

In the files of VideoMimic's captures: a clip in HDF5 (needs h5py) and an OBJ mesh in one frame. Feet go as in
`make_motions.py`; on the way up they rise first, on the way down they go ahead first.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from make_motions import (  # type: ignore[import-not-found]
    HEIGHT,
    ROOT,
    SIDES,
    WIDTH,
    Feet,
    Solver,
    curve,
    make,
    swayed,
    swinging,
)

from legged_gym.envs.imitation.deepmimic_config import TRACKED_BODIES
from legged_gym.motions.clip import Clip
from legged_gym.motions.contacts import foot_contacts
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton

Block = Tuple[float, float, float]
"""From x to x, m, and how high."""

# what is on either side of the middle, and before and behind all blocks, m
_SIDE, _AROUND = 1.2, 1.5
STEP, SWING = 1.2, 0.6  # s from step to step, and of it in the air
LIFTED = 0.3  # part of a swing after which a foot goes ahead on its way up, and before whose end on its way down
TOES_DOWN = 0.15  # rad more of a foot that swings
OVER = 0.9  # of the way to the standing foot
SINK = 0.04  # m that the pelvis is lower than on level ground
STAIR, TREAD = 0.08, 0.28
EVERY = 2  # frames, of which one is written
NEAR = 0.2  # rad: heels of feet that are about to leave may lift


class Climbing(Feet):
    """Feet that stand on blocks."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.blocks = blocks
        self.heights: Dict[str, List[Tuple[float, float, float, float]]] = {side: [] for side in SIDES}

    def height(self, x: float) -> float:
        """Of the ground, m."""
        return max((top for low, high, top in self.blocks if low < x < high), default=0.0)

    def step(self, side: str, start: float, end: float, place: Tuple[float, float, float]) -> None:
        """See `Feet.step`."""
        (x0, *_), early = self.keys[side][-1][1], start
        before, after = self.height(x0), self.height(place[0])
        if after > before:
            early = start + LIFTED * (end - start)
        late = end - LIFTED * (end - start) if after < before else end
        super().step(side, early, late, place)
        self.steps[side][-1] = (start, end)
        self.heights[side].append((start, end, before, after))

    def at(self, side: str, times: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """See `Feet.at`."""
        places, turns = super().at(side, times)
        for start, end, before, after in self.heights[side]:
            s = np.clip((times - start) / (end - start), 0.0, 1.0)
            turns[:, 1] += TOES_DOWN * 64.0 * (s * (1.0 - s)) ** 3
            s = np.clip(s / (1.0 - LIFTED) if after > before else (s - LIFTED) / (1.0 - LIFTED), 0.0, 1.0)
            places[:, 2] += (after - before) * s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
        return places, turns


def climb(blocks: Sequence[Block], stands: Sequence[float]) -> Tuple[float, np.ndarray, Climbing]:
    """Both feet go to one place after the other, left first; returns seconds, keys of the pelvis' height, the feet."""
    feet, time, x = Climbing(blocks), 0.9, 0.0
    levels: List[Tuple[float, float]] = [(0.0, 0.0)]
    for stand in stands:
        for side, sign in zip(SIDES, (1.0, -1.0)):
            feet.step(side, time, time + SWING, (stand, sign * WIDTH, 0.0))
            old, new = feet.height(x), feet.height(stand)
            between = min(old, new) + (0.3 if old > new else 0.15) * abs(new - old)
            if side == "left":
                levels += [(time + 0.5 * SWING, old - 0.3 * max(old - new, 0.0)), (time + SWING, between)]
            else:
                levels += [(time + 0.5 * SWING, new + (0.15 if old > new else 0.55) * (old - new)), (time + SWING, new)]
            time += STEP
        x = stand
    return time + 0.5, np.array([*levels, (time + 0.5, levels[-1][1])]), feet


def write_mesh(blocks: Sequence[Block], path: str) -> None:
    """The tops and sides of blocks on a floor, as OBJ."""
    low, high = min(b[0] for b in blocks) - _AROUND, max(b[1] for b in blocks) + _AROUND
    lines, count = ["# ground of the clip beside it, m, z up"], 0
    for x0, x1, top in [(low, high, 0.0), *blocks]:
        heights = (0.0,) if top == 0.0 else (0.0, top)
        for z in heights:
            lines += [f"v {x:.3f} {y:.3f} {z:.3f}" for x, y in ((x0, -_SIDE), (x1, -_SIDE), (x1, _SIDE), (x0, _SIDE))]
        quads = [(1, 2, 3, 4)] if top == 0.0 else [(5, 6, 7, 8), (1, 2, 6, 5), (2, 3, 7, 6), (3, 4, 8, 7), (4, 1, 5, 8)]
        for a, b, c, d in quads:
            lines += [f"f {a + count} {b + count} {c + count}", f"f {a + count} {c + count} {d + count}"]
        count += 4 * len(heights)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def write_capture(clip: Clip, skeleton: Skeleton, path: str) -> None:
    """In HDF5, with poses of links and contacts."""
    import h5py

    links = [*TRACKED_BODIES, "torso_link"]
    pos, quat = skeleton.poses(clip.root_pos, clip.root_quat, clip.joints, skeleton.link_indices(links))
    arrays = {"root_pos": clip.root_pos, "root_quat": clip.root_quat, "joints": clip.joints, "link_pos": pos,
              "link_quat": quat}  # fmt: skip
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            rounded = values.double().numpy().round(4).astype(np.float32)
            file.create_dataset(name, data=rounded, compression="gzip", compression_opts=9, shuffle=True)
        for side, touches in zip(SIDES, clip.contacts.T.numpy()):
            file.create_dataset(f"contacts/{side}_foot", data=touches, compression="gzip")
        file.attrs["joint_names"], file.attrs["link_names"] = clip.joint_names, links
        file.attrs["fps"] = clip.fps


def capture(name: str, blocks: Sequence[Block], stands: Sequence[float]) -> None:
    """Write a folder with a clip and its mesh."""
    robot = os.path.join(ROOT, "resources", "robots", "g1", "urdf", "g1_29dof_rev_1_0.urdf")
    skeleton, solver = read_skeleton(robot), Solver(robot)
    seconds, levels, feet = climb(blocks, stands)
    sway = swayed(feet, seconds, HEIGHT - SINK, over=OVER)

    def root(times: np.ndarray) -> np.ndarray:
        pelvis = sway(times)
        pelvis[:, 2] += curve([(time, [level]) for time, level in levels], times)[:, 0]
        return pelvis

    clip = make(name, seconds, root, feet, swinging(feet, seconds, 0.2), solver, skeleton.joint_names, NEAR)
    ground = lambda places: torch.tensor(np.vectorize(feet.height)(places[..., 0].numpy()))  # noqa: E731
    clip = Clip(clip.path, clip.fps, clip.joint_names, clip.root_pos, clip.root_quat, clip.joints,
                foot_contacts(clip, skeleton, ground), tuple(skeleton.foot_names))  # fmt: skip
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    os.makedirs(folder, exist_ok=True)
    write_mesh(blocks, os.path.join(folder, "background_mesh.obj"))
    path = os.path.join(folder, "retarget_poses_g1.h5")
    write_capture(replace(clip.taken(torch.arange(0, len(clip), EVERY)), fps=clip.fps / EVERY), skeleton, path)
    print(f"{name}: {clip.seconds:.1f} s, {os.path.getsize(path) / 1e3:.0f} kB")


def main() -> None:
    """Write both."""
    capture("box", [(0.5, 1.3, 0.1)], [0.2, 0.345, 0.6, 0.8, 1.0, 1.2, 1.44, 1.65])
    end = 0.5 + 2 * TREAD + 0.8  # of the top
    flight = [(0.5 + TREAD * k, end + TREAD * (2 - k), STAIR * (k + 1)) for k in range(3)]
    up = [0.2, 0.345, *(0.5 + TREAD * k + 0.1 for k in range(3))]
    down = [flight[2][1] - 0.09 + TREAD * k for k in range(4)]
    capture("stairs", flight, [*up, 0.5 * (up[-1] + down[0]), *down, down[-1] + 0.2])


if __name__ == "__main__":
    main()
