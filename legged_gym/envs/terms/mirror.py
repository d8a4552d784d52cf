"""The left-right mirror of a robot by the names of its parts, whether it is one of the robot itself, and of its terms.

The mirror is the xz plane of the base: vectors change the sign of y, rotations (pseudovectors) that of x and z.
"""

from __future__ import annotations

from typing import Callable, Iterator, List, Optional, Protocol, Sequence, Tuple, TypeVar, Union

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from rsl_rl.utils.errors import near_matches

Mirror = Tuple[List[int], List[float]]
Term = TypeVar("Term", bound=Callable[..., Tensor])

_SIGNS = {"same": [1.0], "vector": [1.0, -1.0, 1.0], "pseudovector": [-1.0, 1.0, -1.0]}
_OF_ROBOTS = ("joints", "joint_factors", "feet", "scan")


class MirroredRobot(Protocol):
    """A robot that knows the partners of its joints and feet."""

    cfg: LeggedRobotCfg

    def mirror_joints(self) -> Mirror:
        """For every joint, its partner on the other side and whether the angle changes sign."""

    def mirror_feet(self) -> Mirror:
        """For every foot, its partner on the other side."""


def mirrored(kind: Union[str, Sequence[float]]) -> Callable[[Term], Term]:
    """Decorator that says what a left-right mirror does to an observation term.

    Args:
        kind: `same`; `vector` and `pseudovector`, of three numbers each; `joints`, angles, velocities or actions;
            `joint_factors`, which keep their sign; `feet`; `scan`, a number for each point of the height scan; or the
            sign that each number gets. A term that is wider has the kind several times.

    Raises:
        UserError: there is no such kind.
    """
    if isinstance(kind, str) and kind not in (*_SIGNS, *_OF_ROBOTS):
        raise UserError(f"@mirrored: there is no kind {kind!r}; {near_matches(kind, [*_SIGNS, *_OF_ROBOTS])}")

    def mark(term: Term) -> Term:
        term.mirror_kind = kind  # type: ignore[attr-defined]
        return term

    return mark


def mirror_of_term(env: MirroredRobot, name: str, width: int) -> Optional[Mirror]:
    """The mirror of the observation term `name`, `width` numbers; None where nothing tells it.

    A method `_mirror_<name>() -> (index, sign)` tells it where no kind fits. Of both, the more derived class's counts.

    Raises:
        UserError: it does not fit the term, or is not its own inverse.
    """
    for cls in type(env).__mro__:
        method, kind = vars(cls).get(f"_mirror_{name}"), getattr(vars(cls).get(f"_obs_{name}"), "mirror_kind", None)
        if kind is not None or method is not None:
            break
    else:
        return None
    index, sign = _mirror_of_kind(env, kind) if kind is not None else getattr(env, f"_mirror_{name}")()
    count = max(len(index), 1)
    if kind is not None:
        index, sign = [start + i for start in range(0, width, count) for i in index], sign * (width // count)
    if sorted(index) != list(range(width)) or len(sign) != width:
        raise UserError(f"algorithm.symmetry: the observation {name} has {width} numbers, its mirror is one of {count}")
    if any(index[i] != own or sign[own] * sign[i] != 1.0 for own, i in enumerate(index)):
        raise UserError(f"algorithm.symmetry: the observation {name} mirrored twice is not the observation itself")
    return index, sign


def _mirror_of_kind(env: MirroredRobot, kind: Union[str, Sequence[float]]) -> Mirror:
    if kind == "scan":
        return mirror_grid(env.cfg.terrain.measured_points_x, env.cfg.terrain.measured_points_y)
    if kind == "feet":
        return env.mirror_feet()
    if kind in ("joints", "joint_factors"):
        index, sign = env.mirror_joints()
        return index, sign if kind == "joints" else [1.0] * len(index)
    sign = list(_SIGNS[kind] if isinstance(kind, str) else kind)
    return list(range(len(sign))), sign


def partners(names: Sequence[str], pairs: Sequence[Sequence[str]]) -> List[int]:
    """For every name the number of its partner on the other side; a name without one is its own.

    Args:
        names: of joints or bodies.
        pairs: parts of names that a mirror swaps, of the left and of the right.
    """
    known = {name: number for number, name in enumerate(names)}
    return [next((known[image] for image in _images(name, pairs) if image in known), known[name]) for name in names]


def _images(name: str, pairs: Sequence[Sequence[str]]) -> Iterator[str]:
    """The name with a part swapped everywhere, or at one place alone: 'L_HIP_ROLL_JOINT' has 'L_' twice."""
    for left, right in pairs:
        for here, there in ((left, right), (right, left)):
            if here in name:
                yield name.replace(here, there)
            start = name.find(here)
            while start >= 0:
                yield name[:start] + there + name[start + len(here) :]
                start = name.find(here, start + 1)


def mirror_grid(points_x: Sequence[float], points_y: Sequence[float]) -> Mirror:
    """The mirror of a value at each point of a grid, x in the outer loop.

    Raises:
        UserError: a point has no mirror image.
    """
    lacking = [y for y in points_y if not any(abs(y + other) < 1e-6 for other in points_y)]
    if lacking:
        raise UserError(
            f"algorithm.symmetry needs terrain.measured_points_y that are symmetric: there is no {-lacking[0]:g}"
            f" for {lacking[0]:g}"
        )
    images = [min(range(len(points_y)), key=lambda k: abs(y + points_y[k])) for y in points_y]
    size = len(points_y)
    return [row * size + k for row in range(len(points_x)) for k in images], [1.0] * (len(points_x) * size)


def join_mirrors(mirrors: Sequence[Mirror], device: torch.device) -> Tuple[Tensor, Tensor]:
    """The mirror (index, sign) of vectors one after the other."""
    index: List[int] = []
    sign: List[float] = []
    for term_index, term_sign in mirrors:
        index += [len(sign) + i for i in term_index]
        sign += term_sign
    return torch.tensor(index, device=device), torch.tensor(sign, device=device)
