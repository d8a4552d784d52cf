"""Many clips by patterns of file names, each brought to one robot and one rate and changed as asked."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from typing import Iterator, List, Optional, Sequence, Tuple

from legged_gym.errors import UserError
from legged_gym.motions.clip import Clip
from legged_gym.motions.contacts import Ground, foot_contacts, stand_on_ground
from legged_gym.motions.editing import cut_off, mirrored, resampled, with_held_ends
from legged_gym.motions.reading import read_clip
from legged_gym.sim.robot.skeleton import Skeleton


@dataclass(frozen=True)
class ClipOptions:
    """What is done to every clip, in this order.

    Attributes:
        fps: frames a second, whatever files say.
        default_fps: the same of files that do not say it.
        quat_order: of files that do not say it; None to find it out.
        rate: frames a second that clips are resampled to; None leaves their own.
        upsample: whether other rates are resampled at all; else they are refused.
        start: frame that the clip begins with, at the new rate.
        length: frames that are kept; -1 for all.
        prepend: frames that the first one is held for.
        append: frames that the last one is held for.
        repair_height: put each clip where its feet stand on the ground.
        height_offset: m, added to the height afterwards.
        mirror: add the mirror image of each clip.
    """

    fps: Optional[float] = None
    default_fps: Optional[float] = None
    quat_order: Optional[str] = None
    rate: Optional[float] = None
    upsample: bool = True
    start: int = 0
    length: int = -1
    prepend: int = 0
    append: int = 0
    repair_height: bool = False
    height_offset: float = 0.0
    mirror: bool = False


def find_clips(patterns: Sequence[str]) -> List[str]:
    """Files that patterns name, in order, each pattern's by name.

    Raises:
        UserError: a pattern matches nothing.
    """
    files = []
    for pattern in patterns:
        found = sorted(path for path in glob.glob(os.path.expanduser(pattern), recursive=True) if os.path.isfile(path))
        if not found:
            if os.path.isdir(os.path.expanduser(pattern)):
                raise UserError(f"{pattern} is a folder: give its clips, as in '{os.path.join(pattern, '*.npz')}'")
            raise UserError(f"no motion clip matches {pattern}: check the folder, and quote patterns with *")
        files += found
    return files


def load_clip(
    path: str, skeleton: Skeleton, options: ClipOptions, ground: Optional[Ground] = None
) -> Tuple[List[Clip], List[str]]:
    """A clip and, if asked for, its mirror image; and notes on what was made of the file.

    On a `ground` of its own contacts are worked out anew.

    Raises:
        UserError: as `read_clip`; or another rate that is not to be resampled.
    """
    clip, notes = read_clip(path, skeleton, options.fps, options.default_fps, options.quat_order)
    if options.rate is not None:
        if not options.upsample and round(clip.fps) != round(options.rate):
            raise UserError(f"{path}: {clip.fps:g} frames a second and not {options.rate:g}, and upsampling is off")
        clip = resampled(clip, options.rate)
    end = -1 if options.length < 0 else options.start + options.length
    clip = with_held_ends(cut_off(clip, options.start, end), options.prepend, options.append)
    if options.repair_height:
        clip = stand_on_ground(clip, skeleton, ground)
    raised = clip.root_pos.new_tensor([0.0, 0.0, options.height_offset])
    clip = replace(clip, root_pos=clip.root_pos + raised)
    if options.height_offset or ground is not None:
        clip = replace(clip, contacts=foot_contacts(clip, skeleton, ground))
    return [clip, mirrored(clip, skeleton)] if options.mirror else [clip], notes


def load_clips(patterns: Sequence[str], skeleton: Skeleton, options: ClipOptions) -> Iterator[Clip]:
    """The clips of all files, one after the other, so that a library need not hold two copies; notes are printed.

    Raises:
        UserError: as `find_clips` and `load_clip`.
    """
    for path in find_clips(patterns):
        clips, notes = load_clip(path, skeleton, options)
        for note in notes:
            print(f"note: {os.path.basename(path)}: {note}")
        yield from clips
