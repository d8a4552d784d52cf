"""Whether the names and angles of a config are those of the robot."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Sequence

from legged_gym.errors import UserError, listed

# rad, for ranges and angles that were rounded
_RANGE_SLACK = 1e-3


def check_names(bodies: Sequence[str], parts: Sequence[str], key: str) -> None:
    """Every part of a name must match a body; says which matches look as if they were not meant.

    Raises:
        UserError: one does not; lists the bodies.
    """
    for part in parts:
        if not any(part in body for body in bodies):
            raise UserError(f"{key}: no body contains '{part}'; the robot has {', '.join(bodies)}")
    for note in _odd_matches(bodies, parts, key):
        print(note)


def check_gains(joints: Sequence[str], gains: Mapping[str, Any], key: str, all_joints: bool = True) -> None:
    """Say which joints have no gain, and which parts of joint names match nothing, nothing any more, or too much."""
    matches = {part: {name for name in joints if part in name} for part in gains}
    without = [name for name in joints if not any(part in name for part in gains)]
    if without and all_joints:
        print(f"warning: {key} matches no part of {listed(without)}: it is 0 there")
    parts = list(gains)
    for k, part in enumerate(parts):
        # a later part with other gains wins; where it is the more special one that is how tables are meant
        later = [other for other in parts[k + 1 :] if matches[other] & matches[part] and gains[other] != gains[part]]
        unmeant = [other for other in later if not matches[other] <= matches[part]]
        if not matches[part]:
            print(f"note: {key}: no joint contains '{part}'")
        elif matches[part] <= set().union(*(matches[other] for other in later)):
            print(f"note: {key}: '{part}' has no effect, as later entries match its joints too: {listed(later)}")
        elif unmeant:
            print(f"note: {key}: '{part}' matches joints that {listed(unmeant)} match too; the last one wins")
    for note in _odd_matches(joints, parts, key):
        print(note)


def _odd_matches(names: Sequence[str], parts: Sequence[str], key: str) -> List[str]:
    """A line for each part that is a whole word in some names and a piece of one in others: 'foot' in 'footrest'."""
    notes = []
    for part in parts:
        pieces = [name for name in names if part in name and re.search(_piece_of_word(part), name)]
        if pieces and any(part in name for name in names if name not in pieces):
            notes.append(f"note: {key}: '{part}' also matches {listed(pieces)}: is that meant?")
    return notes


def _piece_of_word(part: str) -> str:
    """Pattern of a part of a name inside of a longer word; words end at capitals, digits and signs."""
    return f"(?<=[a-z]){re.escape(part)}|{re.escape(part)}(?=[a-z])" if part[:1].islower() else r"(?!)"


def check_joints(
    joints: Sequence[str], angles: Mapping[str, float], file: str, ranges: Sequence[Sequence[float]]
) -> None:
    """Robot file and config must name the same joints, and the default pose must be one that the robot can take.

    Args:
        joints: of the robot file.
        angles: of the config, rad by joint.
        file: the robot file, for errors.
        ranges: of the robot file, (D, 2) rad.

    Raises:
        UserError: they do not; lists those that only one of them has, or those out of range.
    """
    without_angle = [name for name in joints if name not in angles]
    if without_angle:
        raise UserError(f"init_state.default_joint_angles has no angle for {', '.join(without_angle)}")
    lacking = [name for name in angles if name not in joints]
    if lacking:
        raise UserError(f"{file} lacks joints of init_state.default_joint_angles: {', '.join(lacking)}")
    beyond = [
        f"{name} ({angles[name]:g}, but {low:g} to {high:g})"
        for name, (low, high) in zip(joints, ranges)
        if not low - _RANGE_SLACK <= angles[name] <= high + _RANGE_SLACK
    ]
    if beyond:
        raise UserError(f"init_state.default_joint_angles are beyond the ranges of {file}: {listed(beyond)}")
