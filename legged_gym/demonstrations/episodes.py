"""Episodes of a policy, recorded as demonstrations.

What episode k looks like depends on the seed and on k alone, to the last bit on a CPU: not on the number of
environments, not on where a collection was interrupted. So

- environments start together, each from a random state of its own seed, and no episode begins before all have ended;
- the policy acts on the mean, without noise on what it observes, and pushes are off: a push is not in the model;
- environments come in blocks of `BLOCK`, and the network sees one block at a time: matrix products and vector
  instructions round differently for other sizes.
"""

from __future__ import annotations

import copy
from typing import Dict, List, NamedTuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.demonstrations.commands import Schedule, episode_seed
from legged_gym.demonstrations.dataset import quat_rotate, relative_to_start, turn_back
from legged_gym.envs.base.legged_robot import CONTACT_THRESHOLD, LeggedRobot
from legged_gym.envs.parts.terrain_levels import TileSchedule
from legged_gym.policies.policy_io import Policy
from legged_gym.sim.mujoco_base import FIELDS, MujocoSimulator

BLOCK = 64
"""The number of environments is a multiple of this."""


class Episodes(NamedTuple):
    """N episodes of up to T steps.

    Attributes:
        first: number of the first one; the others follow.
        lengths: (N,) int32, valid steps.
        terminated: (N,) bool, fell before the end.
        steps: name -> (T, N, ...), buffers that the next episodes overwrite.
        fields: name -> (N, ...), `model_<field>` of robots that differ from each other.
    """

    first: int
    lengths: np.ndarray
    terminated: np.ndarray
    steps: Dict[str, np.ndarray]
    fields: Dict[str, np.ndarray]

    def take(self, episodes: np.ndarray, relative: bool = False) -> Dict[str, np.ndarray]:
        """Copy some of them: arrays (n, T, ...) with zeros after the last valid step, and arrays (n, ...).

        Args:
            episodes: (n,) their places among the N.
            relative: whether what is in the world frame is seen from where each one started.
        """
        taken = {name: np.ascontiguousarray(values[:, episodes].swapaxes(0, 1)) for name, values in self.steps.items()}
        if relative:
            back = turn_back(taken["states"])
            taken["states"] = relative_to_start(taken["states"])
            taken["warm_starts"][..., :3] = quat_rotate(back, taken["warm_starts"][..., :3])
            taken["foot_forces"] = quat_rotate(back[:, :, None], taken["foot_forces"]).astype(np.float32)
        for row in np.flatnonzero(self.terminated[episodes]):
            for values in taken.values():
                values[row, self.lengths[episodes[row]] :] = 0
        taken.update({name: values[episodes] for name, values in self.fields.items()})
        taken["episode_lengths"], taken["terminated"] = self.lengths[episodes], self.terminated[episodes]
        taken["episode_ids"] = self.first + episodes
        return taken


class Collector:
    """Runs and records one episode in every environment.

    Attributes:
        env: the environments.
        schedule: their commands.
        max_steps: T.
        robot: what MuJoCo knows of it.
    """

    def __init__(self, env: LeggedRobot, policy: Policy, schedule: Schedule, max_steps: int, seed: int) -> None:
        """Make room for the episodes.

        Args:
            env: N environments, N a multiple of `BLOCK`, with a config of `variants.for_demonstrations`.
            policy: from `policy_io.load_policy`.
            schedule: of the commands.
            max_steps: T.
            seed: of the collection.
        """
        self.env, self.schedule, self.max_steps, self._seed = env, schedule, max_steps, seed
        policy.reset()
        self._policies = [copy.copy(policy) for _ in range(env.num_envs // BLOCK)]
        self._steps: Dict[str, np.ndarray] = {}
        self._now = 0
        self._inputs: List[Tensor] = []
        self._substeps = 0  # done of the step
        assert isinstance(env.sim, MujocoSimulator)
        self.robot = env.sim.robot
        self._tiles = None if env.terrain is None else env.use_part("tiles", TileSchedule(env))
        env.control.listeners.append(self._listen)
        env.reset()  # from the second reset on, an environment draws a new robot, where robots are to differ

    @torch.no_grad()
    def run(self, first: int) -> Episodes:
        """Run episodes `first` to `first` + N - 1.

        Returns:
            What was recorded; it is valid until the next call.
        """
        env, count = self.env, self.env.num_envs
        observations = self.start(first)
        lengths = torch.full((count,), self.max_steps, dtype=torch.int32, device=env.device)
        terminated = torch.zeros(count, dtype=torch.bool, device=env.device)
        for step in range(self.max_steps):
            self._now = step
            self._record_state()
            actions = self._act(observations)
            observations, rewards, dones, _ = env.step(actions)
            self._record("actions", actions)
            self._record("rewards", rewards)
            lengths[dones & ~terminated] = step + 1
            terminated |= dones
        return Episodes(first, lengths.cpu().numpy(), terminated.cpu().numpy(), self._steps, self._model_fields())

    def start(self, first: int) -> Dict[str, Tensor]:
        """Put environments i to the beginning of episodes `first` + i; returns the first observations."""
        env = self.env
        if self._tiles is not None:
            self._tiles.start(first)
        for i in range(env.num_envs):
            env.generator.manual_seed(episode_seed(self._seed, 0, first + i))
            env.reset_idx(torch.tensor([i], device=env.device))
        env._update_base()
        self.schedule.start(first)
        env._observe()
        for policy in self._policies:
            policy.reset()
        return env.get_observations()

    def _act(self, observations: Dict[str, Tensor]) -> Tensor:
        blocks = {name: values.split(BLOCK) for name, values in observations.items()}
        actions = [
            policy({name: parts[i] for name, parts in blocks.items()}) for i, policy in enumerate(self._policies)
        ]
        return torch.cat(actions).to(self.env.device)

    # ---------------------------------------------------------------- recording

    def _record_state(self) -> None:
        """What holds before the action of this step."""
        env = self.env
        qpos, qvel, warm_start = env.sim.generalized_state()
        self._record("states", torch.cat((qpos, qvel), dim=1))
        self._record("warm_starts", warm_start)
        base = (env.projected_gravity, env.base_lin_vel, env.base_ang_vel)
        self._record("conditionings", torch.cat((*base, env.dof_pos, env.dof_vel, env.commands[:, :3]), dim=1))
        self._record("commands", torch.stack(list(env.command_columns().values()), dim=1))

    def _record_physics(self) -> None:
        """What holds at the end of this step, taken down before fallen robots are put up again."""
        env, inputs = self.env, self._inputs
        forces = env.contact_forces.index_select(1, env.feet_indices)
        self._record("torques", env.torques)
        self._record("foot_forces", forces)
        self._record("contacts", (forces[..., 2] > CONTACT_THRESHOLD).byte())
        if self.robot.position_control:
            self._record("targets", inputs[-1])
        if len(inputs) > 1 or not self.robot.position_control:
            self._record("controls", torch.stack(inputs, dim=1))

    def _record(self, name: str, values: Tensor) -> None:
        array = values.cpu().numpy()
        if name not in self._steps:
            self._steps[name] = np.zeros((self.max_steps, *array.shape), array.dtype)
        self._steps[name][self._now] = array

    def _listen(self, inputs: Tensor, substeps: int) -> None:
        """Note what the simulator was given: after delays, filters and limits of the task."""
        if self._substeps == 0:
            self._inputs.clear()
        self._inputs.append(inputs)
        self._substeps = (self._substeps + substeps) % self.env.cfg.control.decimation
        if self._substeps == 0:
            self._record_physics()

    def _model_fields(self) -> Dict[str, np.ndarray]:
        """Model fields that differ between the environments, (N, ...) each."""
        if not self.env.cfg.domain_rand.every_episode:
            return {}
        fields = self.env.sim.state_dict()["fields"]
        return {f"model_{name}": fields[name].cpu().numpy() for name in FIELDS if name in fields}
