"""Constants of the API. All are integers: callers store them in arrays, compare and pass numbers for them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Dict

INVALID_HANDLE = -1
STATE_NONE, STATE_POS, STATE_VEL, STATE_ALL = 0, 1, 2, 3
RIGID_BODY_NONE, RIGID_BODY_DISABLE_GRAVITY, RIGID_BODY_DISABLE_SIMULATION = 0, 1, 2
AXIS_NONE, AXIS_X, AXIS_Y, AXIS_Z, AXIS_TWIST, AXIS_SWING_1, AXIS_SWING_2 = 0, 1, 2, 4, 8, 16, 32
AXIS_TRANSLATION, AXIS_ROTATION, AXIS_ALL = 7, 56, 63
DEFAULT_VIEWER_WIDTH, DEFAULT_VIEWER_HEIGHT = 1600, 900


class SimType(IntEnum):
    """Which engine was asked for."""

    SIM_PHYSX = 0
    SIM_FLEX = 1


class UpAxis(IntEnum):
    """Which way is up."""

    UP_AXIS_Y = 0
    UP_AXIS_Z = 1


class ContactCollection(IntEnum):
    """Which sub-steps count in contact forces."""

    CC_NEVER = 0
    CC_LAST_SUBSTEP = 1
    CC_ALL_SUBSTEPS = 2


class DofDriveMode(IntEnum):
    """What a DOF's drive is given."""

    DOF_MODE_NONE = 0
    DOF_MODE_POS = 1
    DOF_MODE_VEL = 2
    DOF_MODE_EFFORT = 3


class DofType(IntEnum):
    """How a DOF moves."""

    DOF_INVALID = 0
    DOF_ROTATION = 1
    DOF_TRANSLATION = 2


class JointType(IntEnum):
    """How a joint moves."""

    JOINT_INVALID = 0
    JOINT_FIXED = 1
    JOINT_REVOLUTE = 2
    JOINT_PRISMATIC = 3
    JOINT_BALL = 4
    JOINT_PLANAR = 5
    JOINT_FLOATING = 6


class CoordinateSpace(IntEnum):
    """The frame of a force."""

    ENV_SPACE = 0
    LOCAL_SPACE = 1
    GLOBAL_SPACE = 2


class IndexDomain(IntEnum):
    """What an index counts within."""

    DOMAIN_ACTOR = 0
    DOMAIN_ENV = 1
    DOMAIN_SIM = 2


class MeshType(IntEnum):
    """Which shapes of a body."""

    MESH_NONE = 0
    MESH_COLLISION = 1
    MESH_VISUAL = 2
    MESH_VISUAL_AND_COLLISION = 3


class MeshNormalMode(IntEnum):
    """How normals of visual meshes are found."""

    FROM_ASSET = 0
    COMPUTE_PER_VERTEX = 1
    COMPUTE_PER_FACE = 2


class ImageType(IntEnum):
    """What a camera gives."""

    IMAGE_COLOR = 0
    IMAGE_DEPTH = 1
    IMAGE_SEGMENTATION = 2
    IMAGE_OPTICAL_FLOW = 3


class CameraFollowMode(IntEnum):
    """What of a body a camera follows."""

    FOLLOW_POSITION = 0
    FOLLOW_TRANSFORM = 1


_KEYS = [
    "SPACE", "APOSTROPHE", "COMMA", "MINUS", "PERIOD", "SLASH", *"0123456789", "SEMICOLON", "EQUAL",
    *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "LEFT_BRACKET", "BACKSLASH", "RIGHT_BRACKET", "GRAVE_ACCENT", "ESCAPE", "TAB",
    "ENTER", "BACKSPACE", "INSERT", "DEL", "RIGHT", "LEFT", "DOWN", "UP", "PAGE_UP", "PAGE_DOWN", "HOME", "END",
    "CAPS_LOCK", "SCROLL_LOCK", "NUM_LOCK", "PRINT_SCREEN", "PAUSE", *(f"F{k}" for k in range(1, 13)),
    *(f"NUMPAD_{k}" for k in range(10)), "NUMPAD_DEL", "NUMPAD_SLASH", "NUMPAD_MULTIPLY", "NUMPAD_SUBTRACT",
    "NUMPAD_ADD", "NUMPAD_ENTER", "NUMPAD_EQUAL", "LEFT_SHIFT", "LEFT_CONTROL", "LEFT_ALT", "LEFT_SUPER",
    "RIGHT_SHIFT", "RIGHT_CONTROL", "RIGHT_ALT", "RIGHT_SUPER", "MENU",
]  # fmt: skip
_MOUSE = [
    "LEFT_BUTTON", "RIGHT_BUTTON", "MIDDLE_BUTTON", "FORWARD_BUTTON", "BACK_BUTTON", "SCROLL_RIGHT", "SCROLL_LEFT",
    "SCROLL_UP", "SCROLL_DOWN", "MOVE_RIGHT", "MOVE_LEFT", "MOVE_UP", "MOVE_DOWN",
]  # fmt: skip
KeyboardInput = IntEnum("KeyboardInput", [f"KEY_{key}" for key in _KEYS], start=0)  # type: ignore[misc]
MouseInput = IntEnum("MouseInput", [f"MOUSE_{name}" for name in _MOUSE], start=0)  # type: ignore[misc]

ENUMS = (
    SimType, UpAxis, ContactCollection, DofDriveMode, DofType, JointType, CoordinateSpace, IndexDomain, MeshType,
    MeshNormalMode, ImageType, CameraFollowMode, KeyboardInput, MouseInput,
)  # fmt: skip


def members() -> Dict[str, Any]:
    """Every member by its own name, as callers write it: `ENV_SPACE` for `CoordinateSpace.ENV_SPACE`."""
    return {member.name: member for kind in ENUMS for member in kind}
