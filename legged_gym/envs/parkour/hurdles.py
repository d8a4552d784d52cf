"""A course of hurdles: heights by the stage of each robot, what was passed, and goals along it."""

from __future__ import annotations

import io
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parkour.hurdles_config import BAR, PARTS, PLATE, POST_RADIUS, POST_Y, HurdlesCfg
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.parts.obstacles import Obstacles
from legged_gym.errors import UserError

FULL_STAGE = 8
"""From this stage on heights do not change any more."""
_STAGES_A_HURDLE, _LAST_STAGE = 2, 100
# m, of the hurdles in their order at stage 0 and from FULL_STAGE on; further ones are as the last
_MIXED = ((0.12, 0.18, 0.26, 0.34), (0.20, 0.30, 0.40, 0.50))
_JUMP = ((0.05, 0.10, 0.15, 0.20), (0.30, 0.30, 0.30, 0.30))
_CRAWL = ((0.60, 0.60, 0.60, 0.60), (0.40, 0.40, 0.40, 0.40))
_HEIGHTS = {"mixed": _MIXED, "jump": _JUMP, "crawl": _CRAWL}
_BOUNDS = {"mixed": (0.05, 0.60), "jump": (0.05, 0.30), "crawl": (0.40, 0.60)}
_EARLY_CRAWL = (0.40, 0.50)
# m: how far before a hurdle its goal is, at least
_GOAL_BEFORE = 0.5


def stage_heights(mode: str, stages: Tensor, count: int) -> Tensor:
    """Nominal heights (n, count) m of stages (n,), 0 where a stage has no hurdle yet."""
    ends = torch.tensor(_HEIGHTS[mode], device=stages.device)
    ends = torch.stack([ends[:, min(k, ends.shape[1] - 1)] for k in range(count)], dim=1)
    share = (stages / FULL_STAGE).clamp(max=1.0)[:, None]
    number = torch.div(stages, _STAGES_A_HURDLE, rounding_mode="floor")[:, None]
    shown = torch.arange(count, device=stages.device) <= number
    return (ends[0] + share * (ends[1] - ends[0])) * shown


class Hurdles(Obstacles):
    """Sets up each robot's course when its episode begins, and judges it when it ends.

    A robot goes up a stage when most of its last episodes were successes: all goals reached, and each hurdle passed
    between its posts. It goes down when few were.

    Attributes:
        heights: (N, H) m, from the top of the plate to the underside of the bar; 0 for a hurdle that is not there.
        places: (H,) m, along x from the origin of an environment.
        stages: (N,) int64.
        passed: (N, H) bool, in this episode, between the posts.
        bypassed: (N, H) bool, in this episode, outside of them.
    """

    heights: Tensor
    stages: Tensor
    passed: Tensor
    bypassed: Tensor
    _attempts: Tensor
    _successes: Tensor
    _last_x: Tensor

    def __init__(self, env: RobotState, cfg: HurdlesCfg, goals: CourseCommands) -> None:
        """Put the robots at their first stages.

        Args:
            env: the environment, whose table of obstacles has `hurdle_obstacles`.
            cfg: the settings.
            goals: who tells whether a course is finished.

        Raises:
            UserError: the competition has more hurdles than there are, or the table none; `up` is not above `down`.
        """
        super().__init__(env)
        names = list(table(env.cfg.obstacles))
        count = sum(name.startswith("hurdle_") and name.endswith("_bar") for name in names)
        if not count or (cfg.layout == "competition" and len(cfg.competition) > count):
            raise UserError(f"hurdles.competition has {len(cfg.competition)} hurdles, and the table obstacles {count}")
        if cfg.up <= cfg.down:
            raise UserError(f"hurdles.up is {cfg.up}, expected more than hurdles.down, which is {cfg.down}")
        if cfg.layout == "competition" and cfg.mode != "mixed":
            print(f"note: hurdles.mode={cfg.mode} is of the stages, and the layout is that of the competition")
        self.cfg, self.count, self._goals = cfg, count, goals
        columns = [[names.index(f"hurdle_{k}_{part}") for part in PARTS] for k in range(count)]
        self._columns = torch.tensor(columns, device=self.device)
        self.places = cfg.first + cfg.spacing * torch.arange(count, device=self.device)
        self.buffer("heights", count, at_reset=None)
        self._look()
        self.buffer("stages", dtype=torch.long, at_reset=None)
        low, high = cfg.start_stages
        if high > 0:
            self.stages += env._uniform([low, high + 1], env.num_envs).long().clamp(max=high)
        self.buffer("passed", count, dtype=torch.bool)
        self.buffer("bypassed", count, dtype=torch.bool)
        for name in ("_attempts", "_successes"):
            self.buffer(name, dtype=torch.long, at_reset=None)
        self.buffer("_last_x", at_reset=None)

    def _look(self) -> None:
        """What follows from the heights, which many ask for in every step."""
        self._there, self._crawls = self.heights > 0.0, self.heights > self.cfg.crawl_above
        self._number = self._there.sum(1)

    def there(self) -> Tensor:
        """(N, H) bool, which hurdles stand in a robot's way."""
        return self._there

    def number(self) -> Tensor:
        """(N,) int64, how many these are."""
        return self._number

    def crawls(self) -> Tensor:
        """(N, H) bool, which bars are to be crawled under."""
        return self._crawls

    def edges(self) -> Tuple[Tensor, Tensor]:
        """(N, H) m above the ground, underside and top of each bar."""
        underside = PLATE[2] + self.heights
        return underside, underside + BAR[2]

    def success(self) -> Tensor:
        """(N,) bool, the whole course is done, each hurdle between its posts."""
        return self._goals.finished() & (self.passed | ~self.there()).all(1)

    def prepare(self, env_ids: Tensor) -> None:
        """See `Part`: judge the episodes that end."""
        if not self.env.ever_reset or self.cfg.layout != "stages":
            return
        self._attempts[env_ids] += 1
        self._successes[env_ids] += self.success()[env_ids].long()
        judged = env_ids[self._attempts[env_ids] >= self.cfg.window]
        rate = self._successes[judged] / self._attempts[judged]
        step = (rate >= self.cfg.up).long() - (rate <= self.cfg.down).long()
        self.stages[judged] = (self.stages[judged] + step).clamp(0, _LAST_STAGE)
        self._attempts[judged] = self._successes[judged] = 0

    def reset(self, env_ids: Tensor) -> None:
        """See `Part`: put up the hurdles of environments (n,)."""
        self.put_up(env_ids, self._draw(env_ids))
        self._last_x[env_ids] = self._local(env_ids)[:, 0]

    def _draw(self, env_ids: Tensor) -> Tensor:
        """Heights (n, H) m of new episodes."""
        cfg, env, count = self.cfg, self.env, len(env_ids)
        heights = torch.zeros(count, self.count, device=self.device)
        if cfg.layout == "competition":
            heights[:, : len(cfg.competition)] = torch.tensor(cfg.competition, device=self.device)
            return heights
        recalled = env._uniform([0.0, 1.0], count) < cfg.recall
        stages = (self.stages[env_ids] - recalled.long()).clamp(min=0)
        heights = stage_heights(cfg.mode, stages, self.count)
        eased = cfg.ease * (1.0 - (stages / FULL_STAGE).clamp(max=1.0))[:, None]
        to_jump = (heights > 0.0) & (heights <= cfg.crawl_above)
        heights = torch.where(to_jump, (heights - eased).clamp(min=_BOUNDS[cfg.mode][0]), heights)
        drawn = heights + env._uniform([-cfg.height_spread, cfg.height_spread], count, self.count)
        heights = torch.where(heights > 0.0, drawn.clamp(*_BOUNDS[cfg.mode]), heights)
        early = (env._uniform([0.0, 1.0], count) < cfg.early_crawl) & (stages < FULL_STAGE) & (cfg.mode == "mixed")
        heights[:, 0] = torch.where(early, env._uniform(_EARLY_CRAWL, count), heights[:, 0])
        return heights

    def put_up(self, env_ids: Tensor, heights: Tensor) -> None:
        """Give environments (n,) hurdles of heights (n, H) m, 0 for none."""
        self.heights[env_ids] = heights
        self._look()
        poses, sizes = self._solids(env_ids, heights)
        poses[..., :3] += self.env.env_origins[env_ids][:, None]
        self.env.sim.set_obstacles(env_ids, poses, sizes)

    def _solids(self, env_ids: Tensor, heights: Tensor) -> Tuple[Tensor, Tensor]:
        """Poses (n, K, 7) from the origins of environments (n,) and half sizes (n, K, 3) m of all obstacles."""
        bar, post = PLATE[2] + heights + 0.5 * BAR[2], 0.5 * (PLATE[2] + heights + BAR[2])
        plate, zero = torch.full_like(heights, 0.5 * PLATE[2]), torch.zeros_like(heights)
        z = torch.stack((plate, bar, post, post), dim=2)
        y = torch.stack((zero, zero, zero + POST_Y, zero - POST_Y), dim=2)
        x = self.places[:, None].expand_as(z)
        poses = self._poses.repeat(len(env_ids), 1, 1)
        poses[:, self._columns, :3] = torch.stack((x, y, z), dim=3)
        radius = torch.full_like(heights, POST_RADIUS)
        posts = torch.stack((radius, radius, post), dim=2)
        solids = [0.5 * torch.tensor(size, device=self.device).expand_as(posts) for size in (PLATE, BAR)]
        sizes = self._half_sizes[env_ids]
        sizes[:, self._columns] = torch.stack((*solids, posts, posts), dim=2) * (heights > 0.0)[..., None, None]
        return poses, sizes

    def saved_course(self) -> bytes:
        """The content of a terrain.npz, see docs/exported_policies.md: the competition on a plane, from the origin."""
        heights = torch.zeros(1, self.count, device=self.device)
        given = self.cfg.competition[: self.count]
        heights[:, : len(given)] = torch.tensor(given, device=self.device)
        poses, sizes = (each[0].cpu().numpy() for each in self._solids(torch.zeros(1, dtype=torch.long), heights))
        solid, kinds = sizes.all(axis=1), np.array([entry.shape for entry in table(self.env.cfg.obstacles).values()])
        hurdles = [[float(x), 0.0, height, POST_Y] for x, height in zip(self.places, given)]
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            starts=np.zeros((1, 3)),
            names=np.array([f"hurdles of {', '.join(f'{height:g}' for height in given)} m"]),
            goals=self._goals.places(len(given)).cpu().numpy()[None],
            hurdles=np.array([hurdles]),
            shapes=kinds[solid],
            half_sizes=sizes[solid],
            poses=poses[solid],
        )
        return buffer.getvalue()

    def update(self) -> None:
        """See `Part`: who has come past which hurdle, and where."""
        place = self._local(slice(None))
        crossed = (self._last_x[:, None] < self.places) & (place[:, :1] >= self.places) & self.there()
        between = (place[:, 1:2].abs() < POST_Y).expand_as(crossed)
        self.passed |= crossed & between
        self.bypassed |= crossed & ~between
        self._last_x = place[:, 0]

    def _local(self, env_ids: Any) -> Tensor:
        """(n, 2) m, horizontal places of robots from their origins."""
        return self.env.root_states[env_ids, :2] - self.env.env_origins[env_ids, :2]

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        super().load_state_dict(state)
        self._look()

    def log(self) -> Dict[str, Any]:
        """The mean stage, and of all hurdles that are there the mean, lowest and highest, cm."""
        there, heights = self.there(), 100.0 * self.heights
        highest = heights.max()
        entries = {
            "curriculum_stage": self.stages.float().mean(),
            "hurdle_height_mean_cm": heights.sum() / self._number.sum().clamp(min=1),
            "hurdle_height_min_cm": torch.where(there, heights, highest).min(),
            "hurdle_height_max_cm": highest,
            "hurdles_bypassed": self.bypassed.float().sum(1).mean(),
        }
        return {f"Metrics/base_parkour/{name}": value for name, value in entries.items()}


class CourseCommands(GoalCommands):
    """Goals along a course of hurdles: one to begin with, one before each hurdle, and one behind the last."""

    hurdles: Optional[Hurdles] = None

    _offsets: Tensor

    def _take_goals(self) -> bool:
        return True  # they follow from the hurdles

    def follow(self, hurdles: Hurdles) -> None:
        """Lead along these hurdles."""
        self.hurdles, cfg, most = hurdles, hurdles.cfg, hurdles.count
        offsets = torch.zeros(most + 1, most + 2, 3)  # of goals from the origin, by how many hurdles there are
        for count in range(most + 1):
            before = [-_GOAL_BEFORE + cfg.spacing * k for k in range(count)]
            places = [-0.5 * cfg.spacing, *before, (count - 0.25) * cfg.spacing]
            offsets[count, :, 0] = cfg.first + torch.tensor(places + places[-1:] * (most - count))
        self._offsets = offsets.to(self.device)

    def goal(self, number: Tensor) -> Tensor:
        """See `GoalCommands.goal`."""
        last = self._offsets.shape[1] - 1
        return self.env.env_origins + self._offsets[self._course().number(), number.clamp(max=last)]

    def places(self, count: int) -> Tensor:
        """(count + 2, 3) m, from the origin: the goals of a course of so many hurdles."""
        return self._offsets[count, : count + 2]

    def num_goals(self) -> Tensor:
        """See `GoalCommands.num_goals`: of the hurdles that are there, and two."""
        return self._course().number() + 2

    def _course(self) -> Hurdles:
        assert self.hurdles is not None
        return self.hurdles
