"""What robots imitate: which clip, at which frame, and how well that went before."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import Any, Dict, Mapping, Optional, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.imitation.clip_files import ClipSet
from legged_gym.envs.imitation.clip_terrain import ClipTerrain
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg
from legged_gym.envs.parts.commands import VelocityCommands
from legged_gym.motions.library import Frames, MotionLibrary


class ImitationState(RobotState):
    """What parts of a robot that imitates read of it, beside `RobotState`."""

    cfg: G1DeepmimicCfg
    clips: ClipSet
    links: Tensor  # (N, K + 1, 13) like `root_states`, of the tracked bodies and, last, of the torso
    earlier_actions: Tensor  # (N, D), those before `last_actions`


class MotionCommands(VelocityCommands):
    """Every robot follows a clip from a start frame to its end; there are no velocity commands.

    Attributes:
        library: the clips.
        clip: (N,) int64.
        frame: (N,) int64, which the present state is compared with; beyond the clip, its last one is.
        start_frame: (N,) int64, with which the episode began.
        frozen: (N,) bool, whose clip stands still for now.
        now: what the robots should be doing, in the world frame.
        next: the same one policy step later.
        start_at: clip and frame of all episodes that begin; None: as they are drawn.
        given_errors: (N, 3) m, m, rad, what is observed in the place of the torso's errors; NaN for these.
    """

    env: ImitationState
    clip: Tensor
    frame: Tensor
    start_frame: Tensor
    frozen: Tensor
    now: Frames
    next: Frames

    def __init__(self, env: ImitationState) -> None:
        """Load the clips.

        Raises:
            UserError: there are none, or one cannot be used.
        """
        super().__init__(env)
        cfg, clips = env.cfg.deepmimic, env.clips
        self.library = MotionLibrary(
            (file.clip for file in clips.files),
            clips.skeleton,
            [*cfg.tracked_bodies, cfg.torso],
            cfg.clip_weighting_strategy,
            cfg.weighting_strategy,
            self.device,
            env.dof_names,
            (cfg.min_success_rate_weight_factor, cfg.max_success_rate_weight_factor),
        )
        names = clips.teachers()
        self._teachers = torch.tensor([names.index(f.teacher) if f.teacher else -1 for f in clips.files]).to(env.device)
        self._has_mesh = torch.tensor([bool(file.mesh) for file in clips.files], device=env.device)
        self._tiles: Optional[Tuple[Tensor, Tensor, Tensor]] = None
        if isinstance(env.terrain, ClipTerrain):
            facts = env.terrain.first_tile, env.terrain.num_tiles, env.terrain.env_origins[:, 0]
            self._tiles = tuple(torch.as_tensor(fact, device=env.device) for fact in facts)  # type: ignore[assignment]
        self.motion, self.freezing = env.cfg.deepmimic, env.cfg.noise.playback_noise_scales
        for name in ("clip", "frame", "start_frame"):
            self.buffer(name, dtype=torch.long, at_reset=None)
        self.buffer("frozen", dtype=torch.bool)
        self._everyone = torch.arange(self.num_envs, device=self.device)
        self._turn = self._everyone.clone()  # of clips, without random starts
        self._log: Dict[str, Any] = {}
        self.start_at: Optional[Tuple[int, int]] = None
        self.given_errors = torch.full((self.num_envs, 3), torch.nan, device=self.device)

    def begin(self) -> None:
        """All robots are at the first frames of clips, until their first episodes begin."""
        self._begin(self._everyone, self._turn % len(self.library), torch.zeros_like(self._everyone))
        self.look()

    def look(self) -> None:
        """Find out what robots should be doing."""
        self.now = self._frames(self._everyone, self.frame)
        self.refresh()

    def _begin(self, env_ids: Tensor, clips: Tensor, frames: Tensor) -> None:
        """Environments (n,) will start at frames (n,) of clips (n,); episodes last until their ends."""
        self.clip[env_ids], self.frame[env_ids], self.start_frame[env_ids] = clips, frames, frames
        self._limit_episodes()
        self._place(env_ids, clips)

    def _place(self, env_ids: Tensor, clips: Tensor) -> None:
        """Put the origins of clips (n,) on tiles of theirs."""
        env, cfg = self.env, self.motion
        origins = torch.zeros(len(env_ids), 3, device=self.device)
        if self._tiles is not None:
            first, count, places = self._tiles
            tile = first[clips] + (env._uniform([0.0, 1.0], len(env_ids)) * count[clips]).long().clamp(
                max=count[clips] - 1
            )
            env.terrain_levels[env_ids], origins = tile, places[tile]
        if cfg.randomize_terrain_offset:
            drawn = env._normal(len(env_ids), 2)
            origins[:, :2] += drawn * cfg.randomize_terrain_offset_range * ~self._has_mesh[clips, None]
        env.env_origins[env_ids] = origins

    def teacher(self) -> Tensor:
        """(N,) int64, which of `ClipSet.teachers` knows each robot's clip best; -1 for none."""
        return self._teachers[self.clip]

    def _limit_episodes(self) -> None:
        length, most = self.library.lengths[self.clip] - self.start_frame, self.motion.truncate_rollout_length
        self.env.max_episode_length = length.clamp_max(most) if most > 0 else length

    def _frames(self, env_ids: Tensor, frames: Tensor) -> Frames:
        """Frames (n,) of environments (n,), where these have their origins."""
        there = self.library.frames(self.clip[env_ids], frames)
        origins = self.env.env_origins[env_ids]
        return replace(there, root_pos=there.root_pos + origins, link_pos=there.link_pos + origins[:, None])

    def advance(self) -> None:
        """The physics of a step are over: compare with the next frame."""
        self.now = self.next
        self.frame += ~self.frozen

    # ---------------------------------------------------------------- episodes

    def prepare(self, env_ids: Tensor) -> None:
        """Note how episodes ended, and choose the clips and frames that the next ones begin with."""
        env, ended = self.env, env_ids[self.env.reset_buf[env_ids]]
        if env.ever_reset and len(ended):
            self.library.weights.note(self.clip[ended], env.time_out_buf[ended])
            self.library.start_frames.note(self.clip[ended], self.frame[ended], ~env.time_out_buf[ended])
        if self.start_at is not None:
            clips, frames = (torch.full_like(env_ids, number) for number in self.start_at)
        elif self.motion.randomize_start_offset:
            clips, frames = self.library.sample(len(env_ids), env.generator)
        else:
            clips, frames = self._turn[env_ids] % len(self.library), torch.zeros_like(env_ids)
            self._turn[env_ids] += self.num_envs
        self._begin(env_ids, clips, frames)
        new = self._frames(env_ids, frames)
        columns = {f.name: getattr(self.now, f.name).clone() for f in fields(Frames) if f.name != "shifts"}
        for name, values in columns.items():
            values[env_ids] = getattr(new, name)
        self.now = Frames(**columns)

    def reset(self, env_ids: Tensor) -> None:
        """See `Part`; nothing is drawn any more."""

    def update(self) -> None:
        """Look a frame ahead; now and then, weigh the clips and their frames anew."""
        self.library.start_frames.count(self.clip, self.frame)
        if self.freezing.freeze_env_prob > 0.0:
            chance = self.env._uniform([0.0, 1.0], self.num_envs)
            change = torch.where(self.frozen, self.freezing.unfreeze_env_prob, self.freezing.freeze_env_prob)
            self.frozen = self.frozen ^ (chance < change)
        if self.env.common_step_counter % self.motion.adaptive_weight_update_interval == 0:
            self.library.weights.update()
            self.library.start_frames.update()
            self._log = self._statistics()
        self.refresh()

    def refresh(self) -> None:
        """See `Part`."""
        self.next = self._frames(self._everyone, self.frame + (~self.frozen).long())

    # ---------------------------------------------------------------- what is told

    def _statistics(self) -> Dict[str, Any]:
        """Share of the episodes that reach the end of their clip, in all and by clip, and of steps spent in each."""
        weights, names = self.library.weights, [label(path) for path in self.library.paths]
        rates = dict(zip(names, weights.success_rates.tolist()))
        shares = torch.bincount(self.clip, minlength=len(names)).float() / self.num_envs
        told = {f"success/clip_{name}": rate for name, rate in rates.items() if rate == rate}
        if told:
            told["success/overall"] = weights.overall_success_rate
        for name, share in zip(names, shares.tolist()):
            told[f"dist/clip_{name}"] = told.get(f"dist/clip_{name}", 0.0) + share
        return told

    def log(self) -> Dict[str, Any]:
        """See `Part`."""
        return self._log

    def trained(self) -> Dict[str, Any]:
        """See `LeggedRobot.trained_commands`."""
        return {"rule": "none: the policy follows motion clips", "clips": [label(path) for path in self.library.paths]}

    def state_dict(self) -> Dict[str, Any]:
        """See `Part`."""
        return {**super().state_dict(), "clips": self.library.state_dict(), "clip_turns": self._turn.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        super().load_state_dict(state)
        self.library.load_state_dict(state["clips"])
        self._turn.copy_(state["clip_turns"])
        self._limit_episodes()
        self.look()


def label(path: str) -> str:
    """A clip's folder and file, as logs call it."""
    folder, file = os.path.split(os.path.abspath(path))
    return f"{os.path.basename(folder)}_{os.path.splitext(file)[0]}"
