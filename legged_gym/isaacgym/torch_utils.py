"""Rotations, transforms and random numbers in torch; quaternions x, y, z, w.

Forks import all names with a star, `np` and `torch` among them, and call the functions from TorchScript, which reads
their annotations: those are types here, not text.
"""

from typing import Any, List, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from legged_gym.rotations import (  # noqa: F401
    quat_conjugate,
    quat_from_euler,
    quat_mul,
    quat_rotate,
    quat_rotate_inverse,
)

quat_from_euler_xyz = quat_from_euler


def to_torch(
    x: Any, dtype: torch.dtype = torch.float, device: Union[str, torch.device] = "cuda:0", requires_grad: bool = False
) -> Tensor:
    """A new tensor of numbers, a list or an array; on the CPU where there is no CUDA."""
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        device = "cpu"
    if isinstance(x, Tensor):
        return x.detach().clone().to(dtype=dtype, device=device).requires_grad_(requires_grad)
    return torch.tensor(x, dtype=dtype, device=device, requires_grad=requires_grad)


def normalize(x: Tensor, eps: float = 1e-9) -> Tensor:
    """Vectors along the last axis with length 1."""
    return x / x.norm(p=2, dim=-1).clamp(min=eps).unsqueeze(-1)


def quat_unit(a: Tensor) -> Tensor:
    """Quaternions with length 1."""
    return normalize(a)


def quat_apply(a: Tensor, b: Tensor) -> Tensor:
    """Rotate vectors b (..., 3) by quaternions a (..., 4) of as many; the result has the shape of b."""
    return quat_rotate(a.reshape(-1, 4), b.reshape(-1, 3)).view(b.shape)


def quat_from_angle_axis(angle: Tensor, axis: Tensor) -> Tensor:
    """Quaternions (..., 4) of turns by angle (...,) rad about axis (..., 3)."""
    half = (0.5 * angle).unsqueeze(-1)
    return normalize(torch.cat((normalize(axis) * half.sin(), half.cos()), dim=-1))


def get_euler_xyz(q: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Roll, pitch and yaw (n,) of quaternions (n, 4), each in [0, 2 pi)."""
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    roll = torch.atan2(2.0 * (w * x + y * z), w * w - x * x - y * y + z * z)
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-1.0, 1.0))
    yaw = torch.atan2(2.0 * (w * z + x * y), w * w + x * x - y * y - z * z)
    return roll % (2.0 * np.pi), pitch % (2.0 * np.pi), yaw % (2.0 * np.pi)


def normalize_angle(x: Tensor) -> Tensor:
    """The same angles in (-pi, pi]."""
    return torch.atan2(torch.sin(x), torch.cos(x))


def tf_inverse(q: Tensor, t: Tensor) -> Tuple[Tensor, Tensor]:
    """Rotation and translation of the inverse transforms."""
    back = quat_conjugate(q)
    return back, -quat_apply(back, t)


def tf_apply(q: Tensor, t: Tensor, v: Tensor) -> Tensor:
    """Points v (..., 3) transformed."""
    return quat_apply(q, v) + t


def tf_vector(q: Tensor, v: Tensor) -> Tensor:
    """Directions v (..., 3) transformed: turned alone."""
    return quat_apply(q, v)


def tf_combine(q1: Tensor, t1: Tensor, q2: Tensor, t2: Tensor) -> Tuple[Tensor, Tensor]:
    """Rotation and translation of the second transforms, then the first."""
    return quat_mul(q1, q2), quat_apply(q1, t2) + t1


def get_basis_vector(q: Tensor, v: Tensor) -> Tensor:
    """Vectors v (n, 3) of the body's frame in the world's."""
    return quat_rotate(q, v)


def get_axis_params(
    value: float, axis_idx: int, x_value: float = 0.0, dtype: Any = float, n_dims: int = 3
) -> List[Any]:
    """A list of `n_dims` zeros with `value` at `axis_idx`, and then `x_value` at 0."""
    numbers = np.zeros(n_dims)
    numbers[axis_idx] = value
    numbers[0] = x_value
    return list(numbers.astype(dtype))


def copysign(a: float, b: Tensor) -> Tensor:
    """|a| with the signs of b (n,)."""
    return torch.abs(torch.full_like(b, a)) * torch.sign(b)


def torch_rand_float(lower: Any, upper: Any, shape: Sequence[int], device: Any) -> Tensor:
    """Uniform random numbers; `device` is a name or a torch.device."""
    return (upper - lower) * torch.rand(*shape, device=device) + lower


def torch_random_dir_2(shape: Sequence[int], device: Any) -> Tensor:
    """Random unit vectors in the plane; the last number of `shape` is 2."""
    angle = torch_rand_float(-np.pi, np.pi, tuple(shape[:-1]), device)
    return torch.stack((torch.cos(angle), torch.sin(angle)), dim=-1)


def tensor_clamp(t: Tensor, min_t: Tensor, max_t: Tensor) -> Tensor:
    """Numbers between bounds of their own."""
    return torch.max(torch.min(t, max_t), min_t)


def scale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """From -1..1 to lower..upper."""
    return 0.5 * (x + 1.0) * (upper - lower) + lower


def unscale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """From lower..upper to -1..1."""
    return (2.0 * x - upper - lower) / (upper - lower)


def unscale_np(x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """From lower..upper to -1..1, in numpy."""
    return (2.0 * x - upper - lower) / (upper - lower)
