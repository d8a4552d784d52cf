"""How long many motion clips take to load, and how much memory.

    python benchmarks/motion_clips.py                       40 clips of 3 minutes as CSV, 30 frames a second
    python benchmarks/motion_clips.py --kind=npz --clips=8

The clips are copies of resources/motions/turn.npz, repeated until they are long enough. Loading is what a training
does: read, find out the order of quaternions, resample to 50 frames a second, work out contacts and poses of 14 links.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.motions.clip import write_clip
from legged_gym.motions.editing import resampled
from legged_gym.motions.library import MotionLibrary
from legged_gym.motions.loading import ClipOptions, load_clips
from legged_gym.motions.reading import read_clip
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton

ROBOT = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "g1", "urdf", "g1_29dof_rev_1_0.urdf")
SOURCE = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "motions", "turn.npz")
FPS, LINKS = 30.0, 14


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--kind", choices=("csv", "npz"), default="csv")
    args = parser.parse_args()
    skeleton = read_skeleton(ROBOT, "ankle_roll")
    with tempfile.TemporaryDirectory() as folder:
        first = _write(skeleton, os.path.join(folder, f"clip_00.{args.kind}"), args.seconds)
        for number in range(1, args.clips):
            shutil.copy(first, os.path.join(folder, f"clip_{number:02d}.{args.kind}"))
        before, wall, cpu = _peak(), time.perf_counter(), time.process_time()
        options = ClipOptions(default_fps=FPS, rate=50.0)
        clips = load_clips([os.path.join(folder, f"*.{args.kind}")], skeleton, options)
        library = MotionLibrary(clips, skeleton, skeleton.link_names[:LINKS])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    minutes = float(library.lengths.sum()) / library.fps / 60.0
    print(
        f"{len(library)} clips as {args.kind}, {minutes:.0f} minutes in all: {wall:.1f} s, {cpu:.1f} s of CPU; "
        f"frames {library.num_bytes / 2**20:.0f} MiB, process {before:.0f} MiB before and {_peak():.0f} MiB at most"
    )


def _write(skeleton: Skeleton, path: str, seconds: float) -> str:
    clip = resampled(read_clip(SOURCE, skeleton)[0], FPS)
    clip = clip.taken(torch.arange(round(seconds * FPS)) % len(clip))
    if path.endswith(".npz"):
        with open(path, "wb") as file:
            write_clip(clip, file)
    else:
        np.savetxt(path, torch.cat((clip.root_pos, clip.root_quat, clip.joints), dim=1).numpy(), "%.6f", delimiter=",")
    return path


def _peak() -> float:
    """The most memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


if __name__ == "__main__":
    main()
