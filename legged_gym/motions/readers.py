"""What files of motion clips say, each kind in its own words: nothing is checked against a robot here.

=================  ===================================================================================================
``.csv``           a frame a line: root place and quaternion (either order) and joints, or joints alone; a first line
                   of names is used if there is one
``.pkl``           a dict, or a dict of one such dict (as joblib writes it), by the names below; quaternions x, y, z, w
``.h5``, ``.hdf5``  the same as data sets, with names and rate as attributes (needs h5py)
``.npz``           our own; or tracking projects' `joint_pos`, `body_pos_w`, `body_quat_w` (w, x, y, z)
=================  ===================================================================================================
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from legged_gym.errors import UserError, in_file
from legged_gym.motions.clip import CLIP_FORMAT
from legged_gym.motions.safe_pickle import unpickle
from legged_gym.reading import read_bytes

_ROOT = 7  # columns
_POSITIONS = ("root_pos", "root_trans_offset")
_QUATERNIONS = ("root_quat", "root_rot")
_JOINTS = ("joints", "dof", "dof_pos")


@dataclass
class RawClip:
    """What a file says; None or empty where it says nothing.

    Attributes:
        joints: (T, J) rad.
        root_pos: (T, 3) m.
        root_quat: (T, 4) in the order of `quat_order`.
        quat_order: "xyzw" or "wxyz".
        fps: frames a second.
        joint_names: of the J columns.
        link_names: of the L links.
        link_pos: (T, L, 3) m, world frame.
        contacts: (T,) bool by name.
    """

    joints: np.ndarray
    root_pos: Optional[np.ndarray] = None
    root_quat: Optional[np.ndarray] = None
    quat_order: Optional[str] = None
    fps: Optional[float] = None
    joint_names: Optional[List[str]] = None
    link_names: Optional[List[str]] = None
    link_pos: Optional[np.ndarray] = None
    contacts: Dict[str, np.ndarray] = field(default_factory=dict)


def read_raw(path: str) -> RawClip:
    """Read a file of any kind.

    Raises:
        UserError: it is missing, damaged, of no known kind, or has numbers that are none.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _READERS:
        raise UserError(f"{path}: no kind of motion clip; known are {', '.join(_READERS)}")
    if not os.path.isfile(path):
        raise UserError(f"there is no motion clip {path}")
    with in_file(path):
        raw = _READERS[ending](path)
        _check(raw)
    return raw


def _check(raw: RawClip) -> None:
    """Refuse what is no clip, whoever wrote it."""
    if raw.joints.ndim != 2 or len(raw.joints) < 2:
        raise UserError(f"joints have shape {raw.joints.shape}; a clip is frames x joints, of two frames at least")
    shapes = {"joints": (raw.joints, 2), "root_pos": (raw.root_pos, 2), "root_quat": (raw.root_quat, 2)}
    shapes["link_pos"] = raw.link_pos, 3
    for name, (array, dims) in shapes.items():
        if array is None:
            continue
        if array.ndim != dims or len(array) != len(raw.joints) or array.shape[-1] != _SIZES.get(name, array.shape[-1]):
            raise UserError(f"{name} has shape {array.shape}, joints {raw.joints.shape}: give frames x numbers")
        bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
        if bad.size:
            raise UserError(f"{name} is no number in frame {bad[0]} ({bad.size} such frames): cut or fill them")
    for kind, names, array in (("joints", raw.joint_names, raw.joints), ("links", raw.link_names, raw.link_pos)):
        if names is None or array is None:
            continue
        if len(names) != array.shape[1]:
            raise UserError(f"{len(names)} names for {array.shape[1]} {kind}")
    twice = sorted({name for name in raw.joint_names or [] if (raw.joint_names or []).count(name) > 1})
    if twice:
        raise UserError(f"several joints are called {', '.join(twice)}; give each its own name")
    for name, contact in raw.contacts.items():
        if contact.shape != (len(raw.joints),):
            raise UserError(f"contacts of {name} have shape {contact.shape} for {len(raw.joints)} frames")


_SIZES = {"root_pos": 3, "root_quat": 4, "link_pos": 3}


def _read_csv(path: str) -> RawClip:
    text = read_bytes(path).decode("utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    header = _header(lines[0]) if lines else []
    if len(lines) < 1 + bool(header):
        raise UserError("no table of numbers: it has no lines of them")
    for place, line in enumerate(lines):
        if line.count(",") != lines[0].count(","):
            raise UserError(f"line {place + 1} has {line.count(',') + 1} columns, the first {lines[0].count(',') + 1}")
    if "," not in lines[-1] and len(re.split(r"[;\s]+", lines[-1].strip())) > 1:
        raise UserError("no table of numbers: columns have to be separated by commas")
    try:
        table = np.loadtxt(lines[1:] if header else lines, delimiter=",", ndmin=2)
    except ValueError as error:
        raise UserError(f"no table of numbers: {error}") from None
    columns = table.shape[1] if table.size else 0
    if header and len(header) != columns:
        raise UserError(f"{len(header)} names over {columns} columns")
    rooted = columns - _ROOT in JOINT_COUNTS or (columns not in JOINT_COUNTS and columns > _ROOT)
    first = _ROOT if rooted else 0
    names = [_plain(name) for name in header[first:]] or None
    if not rooted:
        return RawClip(table, joint_names=names)
    return RawClip(table[:, first:], table[:, :3], table[:, 3:_ROOT], joint_names=names)


JOINT_COUNTS = (12, 23, 29)
"""Joints of the known models of the G1; other numbers of columns begin with the root."""


def _header(line: str) -> List[str]:
    cells = [cell.strip() for cell in line.split(",")]
    try:
        float(cells[0])
    except ValueError:
        return cells
    return []


def _plain(name: str) -> str:
    for ending in ("_dof", "_pos"):
        name = name[: -len(ending)] if name.endswith(ending) else name
    return name


def _read_pickle(path: str) -> RawClip:
    content = unpickle(read_bytes(path))
    if isinstance(content, dict) and len(content) == 1 and isinstance(next(iter(content.values())), dict):
        content = next(iter(content.values()))
    if not isinstance(content, dict):
        raise UserError(f"a {type(content).__name__}; a clip is a dict")
    if len(content) > 1 and all(isinstance(value, dict) for value in content.values()):
        raise UserError(f"{len(content)} clips in one file; write one a file")
    return _from_fields(content)


def _read_hdf5(path: str) -> RawClip:
    try:
        import h5py
    except ImportError:
        raise UserError("reading HDF5 needs h5py: pip install -e .[motions]") from None
    try:
        with h5py.File(path, "r") as file:
            fields: Dict[str, Any] = {k.lstrip("/"): v for k, v in file.attrs.items()}
            for name, item in file.items():
                group = isinstance(item, h5py.Group)
                fields[name] = {key: value[()] for key, value in item.items()} if group else item[()]
    except OSError as error:
        raise UserError(f"no HDF5: {error}") from None
    return _from_fields(fields)


def _from_fields(fields: Mapping[str, Any]) -> RawClip:
    """The clip of a dict by the names that projects use."""

    def of(*names: str) -> Any:
        return next((fields[name] for name in names if name in fields), None)

    joints, root_pos, root_quat = of(*_JOINTS), of(*_POSITIONS), of(*_QUATERNIONS)
    for names, found in ((_JOINTS, joints), (_POSITIONS, root_pos), (_QUATERNIONS, root_quat)):
        if found is None:
            raise UserError(f"no {' or '.join(names)} in it; it has {', '.join(map(str, list(fields)[:12]))}")
    links, contacts = fields.get("link_pos"), fields.get("contacts")
    return RawClip(
        _numbers(joints, "joints"),
        _numbers(root_pos, "root_pos"),
        _numbers(root_quat, "root_quat"),
        quat_order="xyzw",
        fps=_rate(fields.get("fps")),
        joint_names=_names(fields.get("joint_names")),
        link_names=_names(fields.get("link_names")),
        link_pos=None if links is None else _numbers(links, "link_pos"),
        # an array without names of feet says too little
        contacts={str(k): np.asarray(v, dtype=bool) for k, v in contacts.items()} if isinstance(contacts, dict) else {},
    )


def _read_npz(path: str) -> RawClip:
    try:
        with np.load(path, allow_pickle=False) as file:
            fields = {name: file[name] for name in file.files}
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"no NPZ of numbers alone: {error}") from None
    if str(fields.get("format")) == CLIP_FORMAT:
        names, contacts = _names(fields.get("contact_names")) or [], fields.get("contacts", np.zeros((0, 0)))
        if contacts.ndim != 2 or len(names) != contacts.shape[1]:
            raise UserError(f"contacts have shape {contacts.shape} for {len(names)} contact_names; name each column")
        return _from_fields({**fields, "contacts": dict(zip(names, contacts.T))})
    if not {"joint_pos", "body_pos_w", "body_quat_w"} <= set(fields):
        return _from_fields(fields)
    return _from_bodies(fields)


def _from_bodies(fields: Dict[str, np.ndarray]) -> RawClip:
    """Tracking projects': poses of bodies, the root first, and joints with or without the root before them."""
    joints, names = _numbers(fields["joint_pos"], "joint_pos"), _names(fields.get("joint_names"))
    poses, quats = _numbers(fields["body_pos_w"], "body_pos_w"), _numbers(fields["body_quat_w"], "body_quat_w")
    if joints.ndim != 2 or poses.ndim != 3 or quats.ndim != 3 or not poses.size or not quats.size:
        raise UserError("joint_pos must be frames x joints, body_pos_w and body_quat_w frames x bodies x numbers")
    rooted = joints.shape[1] > _ROOT and joints.shape[1] - _ROOT in (JOINT_COUNTS if names is None else (len(names),))
    root_pos, root_quat = poses[:, 0], quats[:, 0]
    if rooted:
        root_pos, root_quat, joints = joints[:, :3], joints[:, 3:_ROOT], joints[:, _ROOT:]
    links = _names(fields.get("body_names"))
    if links is not None and len(links) == poses.shape[1] and "world" in links:
        keep = [k for k, name in enumerate(links) if name != "world"]
        links, poses = [links[k] for k in keep], poses[:, keep]
    return RawClip(joints, root_pos, root_quat, "wxyz", _rate(fields.get("fps")), names, links, poses)


def _numbers(value: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(f"{name} is no array of numbers") from None


def _names(value: Any) -> Optional[List[str]]:
    """Names as text, from text or bytes, without the ending of a mesh file."""
    if value is None:
        return None
    texts = [item.decode() if isinstance(item, bytes) else str(item) for item in np.asarray(value).reshape(-1).tolist()]
    return [text[:-4] if text.lower().endswith(".stl") else text for text in texts]


def _rate(value: Any) -> Optional[float]:
    numbers = np.zeros(0) if value is None else _numbers(value, "fps").reshape(-1)
    return float(numbers[0]) if numbers.size else None


_READERS: Dict[str, Callable[[str], RawClip]] = {
    ".csv": _read_csv, ".pkl": _read_pickle, ".pickle": _read_pickle, ".h5": _read_hdf5, ".hdf5": _read_hdf5,
    ".npz": _read_npz,
}  # fmt: skip
