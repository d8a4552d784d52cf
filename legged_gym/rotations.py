"""Quaternion arithmetic in torch: quaternions x,y,z,w, unit length, batched over leading dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def quat_rotate(q: Tensor, v: Tensor) -> Tensor:
    """Rotate vectors v (..., 3) by quaternions q (..., 4): body frame to world frame."""
    u, w = q[..., :3], q[..., 3:4]
    t = 2.0 * torch.linalg.cross(u, v)
    return v + w * t + torch.linalg.cross(u, t)


def quat_rotate_inverse(q: Tensor, v: Tensor) -> Tensor:
    """Rotate vectors v (..., 3) by the inverse of quaternions q (..., 4): world frame to body frame."""
    u, w = q[..., :3], q[..., 3:4]
    t = 2.0 * torch.linalg.cross(u, v)
    return v - w * t + torch.linalg.cross(u, t)


def matrix_from_quat(q: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4): columns are the body axes in the world frame."""
    x, y, z, w = q.unbind(-1)
    x2, y2, z2 = 2.0 * x, 2.0 * y, 2.0 * z
    xx, yy, zz, xy, xz, yz = x * x2, y * y2, z * z2, x * y2, x * z2, y * z2
    wx, wy, wz = w * x2, w * y2, w * z2
    entries = (1.0 - yy - zz, xy - wz, xz + wy, xy + wz, 1.0 - xx - zz, yz - wx, xz - wy, yz + wx, 1.0 - xx - yy)
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def yaw_from_quat(q: Tensor) -> Tensor:
    """Heading (...,) rad of quaternions (..., 4): the direction of the body's x axis in the ground plane."""
    x, y, z, w = q.unbind(-1)
    return torch.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def in_heading(yaw: Tensor, vectors: Tensor) -> Tensor:
    """Vectors (N, ..., 3) of the world frame in frames (N,) that are turned by yaw alone."""
    shape = (len(yaw),) + (1,) * (vectors.ndim - 2)
    cos, sin = yaw.cos().view(shape), yaw.sin().view(shape)
    x, y, z = vectors.unbind(-1)
    return torch.stack((cos * x + sin * y, cos * y - sin * x, z), dim=-1)


def quat_from_euler(roll: Tensor, pitch: Tensor, yaw: Tensor) -> Tensor:
    """Quaternions (..., 4) of the rotation Rz(yaw) Ry(pitch) Rx(roll), angles (...,) in rad."""
    cr, sr = torch.cos(0.5 * roll), torch.sin(0.5 * roll)
    cp, sp = torch.cos(0.5 * pitch), torch.sin(0.5 * pitch)
    cy, sy = torch.cos(0.5 * yaw), torch.sin(0.5 * yaw)
    x = sr * cp * cy - cr * sp * sy
    y = cr * sp * cy + sr * cp * sy
    z = cr * cp * sy - sr * sp * cy
    w = cr * cp * cy + sr * sp * sy
    return torch.stack((x, y, z, w), dim=-1)


def quat_mul(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product (..., 4): the rotation b followed by a."""
    au, aw, bu, bw = a[..., :3], a[..., 3:4], b[..., :3], b[..., 3:4]
    vector = aw * bu + bw * au + torch.linalg.cross(au, bu)
    scalar = aw * bw - (au * bu).sum(-1, keepdim=True)
    return torch.cat((vector, scalar), dim=-1)


def quat_conjugate(q: Tensor) -> Tensor:
    """The inverse rotations (..., 4)."""
    return torch.cat((-q[..., :3], q[..., 3:]), dim=-1)


def wrap_to_pi(angle: Tensor) -> Tensor:
    """The same angles (...,) in [-pi, pi)."""
    return torch.remainder(angle + torch.pi, 2.0 * torch.pi) - torch.pi


def rotation_vector(q: Tensor) -> Tensor:
    """Axis times angle (..., 3) rad of quaternions (..., 4), the shorter way round."""
    u, w = q[..., :3], q[..., 3:]
    sine = u.norm(dim=-1, keepdim=True)
    angle = 2.0 * torch.atan2(sine, w.abs())
    # angle / sine is 2 for small angles; w < 0 is the same rotation the other way round
    return torch.where(sine > 1e-9, angle / sine.clamp_min(1e-9), 2.0) * u * torch.where(w < 0.0, -1.0, 1.0)


def quat_slerp(a: Tensor, b: Tensor, part: Tensor) -> Tensor:
    """Quaternions (..., 4) a part (..., 1) in 0..1 of the way from a to b, the shorter way, at constant speed."""
    cosine = (a * b).sum(-1, keepdim=True)
    b, cosine = torch.where(cosine < 0.0, -b, b), cosine.abs().clamp(max=1.0)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    near = sine < 1e-5
    sine = sine.clamp_min(1e-5)
    first = torch.where(near, 1.0 - part, torch.sin((1.0 - part) * angle) / sine)
    second = torch.where(near, part, torch.sin(part * angle) / sine)
    mixed = first * a + second * b
    return mixed / mixed.norm(dim=-1, keepdim=True)
