"""Vectors, quaternions and rigid transforms of the API, of anything that holds one number."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Optional, Tuple

import numpy as np


def number(value: Any) -> float:
    """A float of anything that holds one number, rounded to float32: fields of the original are of C.

    Callers count on it: episodes of 20 s have 1001 steps of 0.02 s, as ceil(20 / 0.01999999955) is.
    """
    return float(np.float32(value.item() if hasattr(value, "item") else value))


class _Numbers:
    """Named numbers, each a plain float."""

    __slots__: Tuple[str, ...] = ()
    dtype: ClassVar[np.dtype]

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, number(value))

    def _values(self) -> Tuple[float, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __iter__(self) -> Any:
        return iter(self._values())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and tuple(other) == self._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{value:.6f}' for value in self._values())})"

    def __reduce__(self) -> Any:
        return type(self), self._values()


class Vec3(_Numbers):
    """x, y, z."""

    __slots__ = ("x", "y", "z")
    dtype: ClassVar[np.dtype] = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4")])

    def __init__(self, x: Any = 0.0, y: Any = 0.0, z: Any = 0.0) -> None:
        self.x, self.y, self.z = x, y, z

    def __add__(self, other: Vec3) -> Vec3:
        return Vec3(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other: Vec3) -> Vec3:
        return Vec3(self.x - other.x, self.y - other.y, self.z - other.z)

    def __neg__(self) -> Vec3:
        return Vec3(-self.x, -self.y, -self.z)

    def __mul__(self, factor: Any) -> Vec3:
        factor = number(factor)
        return Vec3(self.x * factor, self.y * factor, self.z * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Vec3:
        return self * (1.0 / number(divisor))

    def dot(self, other: Vec3) -> float:
        """Inner product."""
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Vec3) -> Vec3:
        """Vector product."""
        (a, b, c), (x, y, z) = self, other
        return Vec3(b * z - c * y, c * x - a * z, a * y - b * x)

    def length_sq(self) -> float:
        """Square of the length."""
        return self.dot(self)

    def length(self) -> float:
        """Length."""
        return math.sqrt(self.dot(self))

    def normalize(self) -> Vec3:
        """The direction."""
        return self / (self.length() or 1.0)


class Quat(_Numbers):
    """A rotation, x, y, z, w."""

    __slots__ = ("x", "y", "z", "w")  # noqa: RUF023 -- the order of arguments
    dtype: ClassVar[np.dtype] = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("w", "f4")])

    def __init__(self, x: Any = 0.0, y: Any = 0.0, z: Any = 0.0, w: Any = 1.0) -> None:
        self.x, self.y, self.z, self.w = x, y, z, w

    @staticmethod
    def from_axis_angle(axis: Vec3, angle: Any) -> Quat:
        """Rotation about an axis, rad."""
        half = 0.5 * number(angle)
        part = axis.normalize() * math.sin(half)
        return Quat(part.x, part.y, part.z, math.cos(half))

    @staticmethod
    def from_euler_zyx(roll: Any, pitch: Any, yaw: Any) -> Quat:
        """Rz(yaw) Ry(pitch) Rx(roll), rad."""
        turn = Quat.from_axis_angle
        return turn(Vec3(0, 0, 1), yaw) * turn(Vec3(0, 1, 0), pitch) * turn(Vec3(1, 0, 0), roll)

    def to_euler_zyx(self) -> Tuple[float, float, float]:
        """Roll, pitch and yaw, rad."""
        x, y, z, w = self
        pitch = math.asin(max(-1.0, min(1.0, 2.0 * (w * y - z * x))))
        roll = math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
        return roll, pitch, math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))

    def __mul__(self, other: Quat) -> Quat:
        a, b = Vec3(self.x, self.y, self.z), Vec3(other.x, other.y, other.z)
        part = b * self.w + a * other.w + a.cross(b)
        return Quat(part.x, part.y, part.z, self.w * other.w - a.dot(b))

    def inverse(self) -> Quat:
        """The rotation back."""
        return Quat(-self.x, -self.y, -self.z, self.w)

    def normalize(self) -> Quat:
        """The same of unit length."""
        length = math.sqrt(sum(value * value for value in self)) or 1.0
        return Quat(*(value / length for value in self))

    def rotate(self, vector: Vec3) -> Vec3:
        """The vector turned."""
        axis = Vec3(self.x, self.y, self.z)
        twice = axis.cross(vector) * 2.0
        return vector + twice * self.w + axis.cross(twice)


class Transform:
    """A pose: position `p` and rotation `r`."""

    __slots__ = ("p", "r")
    dtype: ClassVar[np.dtype] = np.dtype([("p", Vec3.dtype), ("r", Quat.dtype)])

    def __init__(self, p: Optional[Vec3] = None, r: Optional[Quat] = None) -> None:
        self.p = Vec3() if p is None else p
        self.r = Quat() if r is None else r

    @staticmethod
    def from_buffer(buffer: Any) -> Transform:
        """Of seven numbers."""
        values = np.asarray(buffer).view(np.float32).reshape(-1)[:7] if hasattr(buffer, "dtype") else list(buffer)
        return Transform(Vec3(*values[:3]), Quat(*values[3:7]))

    def transform_vector(self, vector: Vec3) -> Vec3:
        """A direction, turned."""
        return self.r.rotate(vector)

    def transform_point(self, point: Vec3) -> Vec3:
        """A point, turned and moved."""
        return self.r.rotate(point) + self.p

    def transform_points(self, points: Any) -> Any:
        """An array of points, of `Vec3.dtype` or (n, 3)."""
        plain = np.asarray(points)
        rows = plain.view(np.float32).reshape(-1, 3) if plain.dtype.names else plain.reshape(-1, 3)
        moved = np.array([list(self.transform_point(Vec3(*row))) for row in rows], dtype=np.float32)
        return moved.view(Vec3.dtype).reshape(plain.shape) if plain.dtype.names else moved.reshape(plain.shape)

    def inverse(self) -> Transform:
        """The way back."""
        back = self.r.inverse()
        return Transform(back.rotate(-self.p), back)

    def __mul__(self, other: Transform) -> Transform:
        return Transform(self.transform_point(other.p), self.r * other.r)

    def __repr__(self) -> str:
        return f"Transform({self.p}, {self.r})"


class Mat33:
    """A 3 x 3 matrix of three vectors."""

    __slots__ = ("x", "y", "z")

    def __init__(self, x: Optional[Vec3] = None, y: Optional[Vec3] = None, z: Optional[Vec3] = None) -> None:
        self.x, self.y, self.z = x or Vec3(), y or Vec3(), z or Vec3()

    def __iter__(self) -> Any:
        return iter((self.x, self.y, self.z))

    def __repr__(self) -> str:
        return f"Mat33({self.x}, {self.y}, {self.z})"
