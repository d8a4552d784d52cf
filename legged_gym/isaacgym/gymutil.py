"""Command lines, settings of a simulation from dicts, and lines for the viewer."""

from __future__ import annotations

import argparse
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi
from legged_gym.isaacgym.randomization import (  # noqa: F401
    apply_random_samples,
    check_buckets,
    generate_random_samples,
    get_default_setter_args,
    get_property_getter_map,
    get_property_setter_map,
)

_PLACES = ("cuda", "gpu", "cpu")


def parse_device_str(device_str: str) -> Tuple[str, int]:
    """('cuda', 1) of 'cuda:1'; the CPU where there is no CUDA.

    Raises:
        UserError: if it is no device.
    """
    kind, _, number = device_str.lower().partition(":")
    if kind not in _PLACES or not (number == "" or number.isdigit()):
        raise UserError(f"{device_str!r} is no device; take cpu, cuda or cuda:0")
    if kind == "cpu" or not torch.cuda.is_available():
        return "cpu", 0
    return "cuda", int(number or 0)


def parse_arguments(
    description: str = "Isaac Gym",
    headless: bool = False,
    no_graphics: bool = False,
    custom_parameters: Optional[Sequence[Mapping[str, Any]]] = None,
) -> argparse.Namespace:
    """The command line of the process, with the flags that all programs share and those that a program adds.

    Raises:
        UserError: if a parameter of the program has no name, or neither type nor action.
    """
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    if headless:
        add("--headless", action="store_true", help="no viewer")
    if no_graphics:
        add("--nographics", action="store_true", help="no viewer and no cameras")
    add("--sim_device", default=_device("cuda:0"), help="device of the physics")
    add("--pipeline", default="gpu", help="where tensors are: cpu or gpu")
    add("--graphics_device_id", type=int, default=0)
    engines = parser.add_mutually_exclusive_group()
    engines.add_argument("--flex", action="store_true", help="not there on MuJoCo")
    engines.add_argument("--physx", action="store_true", help="MuJoCo in its place")
    for flag in ("--num_threads", "--subscenes", "--slices"):
        add(flag, type=int, default=None if flag == "--slices" else 0)
    for parameter in custom_parameters or ():
        _add_parameter(parser, dict(parameter))
    return _completed(parser.parse_args(), no_graphics)


def _add_parameter(parser: argparse.ArgumentParser, parameter: Dict[str, Any]) -> None:
    if "name" not in parameter or not ("type" in parameter or "action" in parameter):
        raise UserError(f"a custom parameter needs name, and type or action: {parameter}")
    name = parameter.pop("name")
    if "default" in parameter:
        parameter["default"] = _device(parameter["default"])
    if "action" in parameter:
        parameter.pop("type", None)
    parser.add_argument(name, **parameter)


def _device(value: Any) -> Any:
    """A default that names a GPU, on a machine without one."""
    is_cuda = isinstance(value, str) and value.startswith("cuda")
    return "cpu" if is_cuda and not torch.cuda.is_available() else value


def _completed(args: argparse.Namespace, no_graphics: bool) -> argparse.Namespace:
    """What follows from the flags."""
    args.sim_device_type, args.compute_device_id = parse_device_str(args.sim_device)
    pipeline = args.pipeline.lower()
    if pipeline not in ("cpu", "gpu", *_PLACES):
        raise UserError(f"--pipeline is {args.pipeline!r}; take cpu or gpu")
    on_gpu = args.sim_device_type == "cuda"
    args.use_gpu_pipeline = on_gpu and pipeline != "cpu"
    args.use_gpu = on_gpu
    if pipeline != "cpu" and not on_gpu:
        args.pipeline = "cpu"
        print("note: the physics is on the CPU, and so are tensors (--pipeline=cpu)")
    args.physics_engine = gymapi.SIM_FLEX if args.flex else gymapi.SIM_PHYSX
    if no_graphics and args.nographics:
        args.headless = True
    args.slices = args.subscenes if args.slices is None else args.slices
    return args


def parse_sim_config(sim_cfg: Any, sim_params: gymapi.SimParams) -> None:
    """Copy the settings that `SimParams` knows, from mappings and objects alike; others are left out."""
    for name, value in _items(sim_cfg):
        if name in ("physx", "flex"):
            part = getattr(sim_params, name)
            for key, number in _items(value):
                _set(part, key, number)
        else:
            _set(sim_params, name, value)


def _items(settings: Any) -> List[Tuple[str, Any]]:
    """Names and values of a dict, an OmegaConf node, or a class of settings."""
    if hasattr(settings, "items"):
        return list(settings.items())
    return [(name, getattr(settings, name)) for name in dir(settings) if not name.startswith("_")]


def _set(params: Any, name: str, value: Any) -> None:
    if not hasattr(params, name):
        return
    if name == "gravity":
        value = gymapi.Vec3(*value)
    elif name == "up_axis":
        value = gymapi.UpAxis("yz".index(value) if isinstance(value, str) else int(value))
    elif name == "contact_collection":
        value = gymapi.ContactCollection(int(value))
    setattr(params, name, value)


class LineGeometry:
    """Lines to draw: `vertices` (n, 2) and `colors` (n,) as records of x, y, z."""

    def __init__(self, lines: np.ndarray, colors: np.ndarray, pose: Optional[gymapi.Transform] = None) -> None:
        points = lines.reshape(-1, 3)
        if pose is not None:
            points = np.array([_moved(pose, point) for point in points])
        self._points = points.astype(np.float32)
        self._colors = np.array(np.broadcast_to(colors, (len(lines), 3)), dtype=np.float32, order="C")

    def num_lines(self) -> int:
        """How many."""
        return len(self._colors)

    def vertices(self) -> np.ndarray:
        """Both ends of each line, (n, 2) records."""
        return self._points.view(gymapi.Vec3.dtype).reshape(-1, 2)

    def colors(self) -> np.ndarray:
        """The colour of each line, (n,) records."""
        return self._colors.view(gymapi.Vec3.dtype).reshape(-1)

    def instance(self, pose: gymapi.Transform) -> np.ndarray:
        """Vertices (n, 2) records, moved."""
        moved = np.array([_moved(pose, point) for point in self._points], dtype=np.float32)
        return moved.view(gymapi.Vec3.dtype).reshape(-1, 2)


def _moved(pose: gymapi.Transform, point: np.ndarray) -> List[float]:
    moved = pose.transform_point(gymapi.Vec3(*map(float, point)))
    return [moved.x, moved.y, moved.z]


class AxesGeometry(LineGeometry):
    """Three axes: x red, y green, z blue."""

    def __init__(self, scale: float = 1.0, pose: Optional[gymapi.Transform] = None) -> None:
        lines = np.zeros((3, 2, 3))
        lines[:, 1] = scale * np.eye(3)
        super().__init__(lines, np.eye(3), pose)


class WireframeBoxGeometry(LineGeometry):
    """The twelve edges of a box around the origin."""

    def __init__(
        self,
        xdim: float = 1,
        ydim: float = 1,
        zdim: float = 1,
        pose: Optional[gymapi.Transform] = None,
        color: Optional[Tuple[float, float, float]] = None,
    ) -> None:
        half = 0.5 * np.array([xdim, ydim, zdim])
        super().__init__(_box_edges(-half, half), np.array(color or (1.0, 0.0, 0.0)), pose)


class WireframeBBoxGeometry(LineGeometry):
    """The twelve edges of a box between two corners (2, 3)."""

    def __init__(
        self,
        bbox: Any,
        pose: Optional[gymapi.Transform] = None,
        color: Optional[Tuple[float, float, float]] = None,
    ) -> None:
        low, high = (np.array([float(number) for number in corner]) for corner in bbox)
        super().__init__(_box_edges(low, high), np.array(color or (1.0, 0.0, 0.0)), pose)


def _box_edges(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    corners = np.array(np.meshgrid(*zip(low, high), indexing="ij")).reshape(3, 8).T
    pairs = [(a, a | bit) for a in range(8) for bit in (1, 2, 4) if not a & bit]
    return corners[np.array(pairs)]


class WireframeSphereGeometry(LineGeometry):
    """Circles of latitude and longitude around the origin."""

    def __init__(
        self,
        radius: float = 1.0,
        num_lats: int = 8,
        num_lons: int = 8,
        pose: Optional[gymapi.Transform] = None,
        color: Optional[Tuple[float, float, float]] = None,
        color2: Optional[Tuple[float, float, float]] = None,
    ) -> None:
        first = color or (1.0, 0.0, 0.0)
        latitude, longitude = np.meshgrid(
            np.linspace(-0.5 * np.pi, 0.5 * np.pi, num_lats + 1), np.linspace(0, 2 * np.pi, num_lons + 1), indexing="ij"
        )
        flat = np.cos(latitude)
        points = radius * np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], axis=-1)
        around = np.stack([points[1:-1, :-1], points[1:-1, 1:]], axis=2).reshape(-1, 2, 3)
        upward = np.stack([points[:-1, :-1], points[1:, :-1]], axis=2).reshape(-1, 2, 3)
        colors = [first] * len(around) + [color2 or first] * len(upward)
        super().__init__(np.concatenate([around, upward]), np.array(colors), pose)


def draw_lines(geom: LineGeometry, gym: gymapi.Gym, viewer: Any, env: gymapi.Env, pose: gymapi.Transform) -> None:
    """Draw lines at a pose."""
    gym.add_lines(viewer, env, geom.num_lines(), geom.instance(pose), geom.colors())


def draw_line(
    p1: gymapi.Vec3, p2: gymapi.Vec3, color: gymapi.Vec3, gym: gymapi.Gym, viewer: Any, env: gymapi.Env
) -> None:
    """Draw one line."""
    points, colors = (np.array([[float(c) for c in (v.x, v.y, v.z)] for v in vs]) for vs in ((p1, p2), (color,)))
    line = LineGeometry(points[None], colors)
    gym.add_lines(viewer, env, 1, line.vertices(), line.colors())
