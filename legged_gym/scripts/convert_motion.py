"""Turn motion clips of any kind into our own NPZ files, check them, and show them on a page or in a video.

    python legged_gym/scripts/convert_motion.py dance.csv --fps=30 --output=motions/
    python legged_gym/scripts/convert_motion.py "captures/*.pkl" --repair_height --mirror --output=motions/
    python legged_gym/scripts/convert_motion.py resources/motions/*.npz --viewer=web
    python legged_gym/scripts/convert_motion.py crawl.npz --ground=slope.obj --video=crawl.mp4

Reads .csv, .pkl, .h5 and .npz as docs/motions.md tells. For each clip it says what was made of the file and every fault
of what came out: joints beyond limits, too fast or too suddenly moved, feet below or above the ground, skating, gaps.
Without --output nothing is written.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.programs import run_script
from legged_gym.utils.cli import ArgumentParser, number
from legged_gym.utils.files import check_writable, whole_file

if TYPE_CHECKING:
    from legged_gym.motions.clip import Clip
    from legged_gym.viewing.clips import ClipStage

    _Shown = Tuple[Clip, str, List[str]]  # a clip, its name, its faults

# frames a second
FASTEST = 1000.0
_ROBOT = os.path.join("resources", "robots", "g1", "urdf", "g1_29dof_rev_1_0.urdf")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Convert, check and show as the command line says.

    Raises:
        UserError: for a mistake in it, in a clip or in the robot file.
    """
    args = _parse(argv)
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    from legged_gym.motions.checks import faults
    from legged_gym.motions.loading import ClipOptions, find_clips, load_clip
    from legged_gym.sim.robot.skeleton import read_skeleton

    skeleton = read_skeleton(args.robot, args.foot_name)
    ground = _Ground(args.ground) if args.ground else None
    options = ClipOptions(
        fps=args.fps, quat_order=args.quat_order, rate=args.rate, start=args.start, length=args.length,
        prepend=args.prepend, append=args.append, repair_height=args.repair_height, height_offset=args.height_offset,
        mirror=args.mirror,
    )  # fmt: skip
    paths = find_clips(args.clips)
    if args.output:
        _check_output(args.output, ("", "_mirrored")[: 1 + args.mirror], paths)
    shown: List[_Shown] = []
    for path in paths:
        clips, notes = load_clip(path, skeleton, options, ground)
        for clip, ending in zip(clips, ("", "_mirrored")):
            name = os.path.splitext(os.path.basename(path))[0] + ending
            found = [*faults(clip, skeleton, ground), *(ground.missed_by(clip) if ground else ())]
            print(f"{name}: {len(clip)} frames at {clip.fps:g} Hz, {clip.seconds:.1f} s")
            for line in [*(f"note: {note}" for note in notes), *(f"fault: {fault}" for fault in found)]:
                print(f"  {line}")
            if args.output:
                _write(clip, _output_path(args.output, name))
            shown.append((clip, name, found))
    if args.video or args.viewer == "web":
        from legged_gym.viewing.clips import ClipStage

        stage = ClipStage(args.robot, skeleton.joint_names, None if ground is None else ground.height_map)
        if args.video:
            _film(stage, shown, args.video)
        if args.viewer == "web":
            _serve(stage, shown, (args.host, args.port), args.seconds)


class _Ground:
    """The ground under clips: heights of a mesh, and the map of them."""

    def __init__(self, path: str) -> None:
        from legged_gym.terrain import lay_out, read_mesh

        self.height_map = lay_out({path: read_mesh(path)}).height_map

    def missed_by(self, clip: Clip) -> List[str]:
        """A fault where the mesh is not below the clip."""
        import numpy as np

        low, size = np.array(self.height_map.origin), np.array(self.height_map.units.shape) - 1
        places = clip.root_pos[:, :2].numpy()
        beside = ((places < low) | (places > low + size * self.height_map.horizontal_scale)).any(1).mean()
        return (
            [f"beside its ground in {100 * beside:.0f} % of the frames: the mesh has another frame"] if beside else []
        )

    def __call__(self, places: Any) -> Any:
        import torch

        return torch.from_numpy(self.height_map.at(places.double().numpy())).to(places)


def _output_path(output: str, name: str) -> str:
    return output if output.endswith(".npz") else os.path.join(output, f"{name}.npz")


def _check_output(output: str, endings: Sequence[str], paths: Sequence[str]) -> None:
    if output.endswith(".npz") and len(paths) * len(endings) > 1:
        raise UserError(f"--output={output}: one file for several clips; give a folder")
    made: Dict[str, str] = {}
    for path in paths:
        for ending in endings:
            out = os.path.abspath(_output_path(output, os.path.splitext(os.path.basename(path))[0] + ending))
            if out in map(os.path.abspath, paths):
                raise UserError(f"--output={output}: {out} would be written over; give another folder")
            if out in made:
                raise UserError(f"--output={output}: {made[out]} and {path} would both become {out}; convert one"
                                " after the other, into two folders")  # fmt: skip
            made[out] = path
            check_writable(out, "--output")


def _write(clip: Clip, path: str) -> None:
    from legged_gym.motions.clip import write_clip

    with whole_file(path) as file:
        write_clip(clip, file)
    print(f"  {path}  {os.path.getsize(path) / 1e3:.1f} kB")


def _film(stage: ClipStage, shown: Sequence[_Shown], video: str) -> None:
    from legged_gym.viewing.clips import film

    for clip, name, _ in shown:
        beginning, ending = os.path.splitext(video)
        path = video if len(shown) == 1 else f"{beginning}_{name}{ending}"
        film(stage, clip, path, name)
        print(f"video: {path}")


def _serve(stage: ClipStage, shown: Sequence[_Shown], address: Tuple[str, int], seconds: float) -> None:
    from legged_gym.viewing.clips import show_on_page
    from legged_gym.viewing.server import open_server

    server = open_server(*address)
    clips, _, found = zip(*shown)
    show_on_page(server, stage, clips, found, seconds)


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser, frames = ArgumentParser(__doc__), number(whole=True, low=0)
    add = parser.add_argument
    add("clips", nargs="+", metavar="FILE", help="clips, or patterns of them in quotes")
    add("--robot", default=os.path.join(LEGGED_GYM_ROOT_DIR, _ROBOT), metavar="FILE", help=f"URDF or MJCF ({_ROBOT})")
    add("--foot_name", default="ankle_roll", metavar="PART", help="part of the names of feet (ankle_roll)")
    add("--output", default="", metavar="PATH", help="folder to write to, or the .npz file of a single clip")
    add("--fps", type=number("Hz", above=0), help="frames a second, whatever the file says")
    add("--quat_order", choices=("xyzw", "wxyz"), help="order of quaternions (found by how feet move)")
    rate = number("Hz", low=0, high=FASTEST)
    add("--rate", type=rate, default=50.0, help="frames a second to resample to (50); 0 leaves each its own")
    add("--start", type=frames, default=0, metavar="N", help="frame to begin with, after resampling (0)")
    add("--length", type=int, default=-1, metavar="N", help="frames to keep (all)")
    add("--prepend", type=frames, default=0, metavar="N", help="frames to hold the first one for (0)")
    add("--append", type=frames, default=0, metavar="N", help="frames to hold the last one for (0)")
    add("--repair_height", action="store_true", help="put each clip where its feet stand on the ground")
    add("--height_offset", type=number("m"), default=0.0, metavar="M", help="m to raise it by afterwards (0)")
    add("--mirror", action="store_true", help="add mirror images, <name>_mirrored")
    add("--ground", default="", metavar="FILE", help="mesh that the clips were taken on: .obj, .ply, .stl")
    add("--video", default="", metavar="FILE", help="an .mp4; with several clips, <file>_<clip>.mp4 each")
    add("--viewer", choices=("none", "web"), default="none", help="show the clips on a page")
    add("--host", default="127.0.0.1", help="address of the page (127.0.0.1)")
    add("--port", type=int, default=8080, help="its port (8080)")
    add("--seconds", type=float, default=1e9, help="how long the page is served (until Ctrl-C)")
    args = parser.parse_args(argv)
    if not os.path.isfile(args.robot):
        raise UserError(f"--robot={args.robot}: there is no such file")
    args.rate = args.rate or None
    if args.mirror and args.ground:
        raise UserError("--mirror: the ground of --ground has no mirror image; leave one of them out")
    if args.video and not args.video.endswith(".mp4"):
        raise UserError(f"--video={args.video}: a video is an .mp4 file")
    if args.video:
        check_writable(args.video, "--video")
    if args.viewer == "web":
        from legged_gym.viewing.server import check_server

        check_server(args.host, args.port)
    return args


if __name__ == "__main__":
    run_script(main)
