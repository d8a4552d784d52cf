"""Saving a training and going on with it; every file is checked whole before anything of it is used."""

from __future__ import annotations

from abc import ABC
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

import torch

from rsl_rl.algorithms.algorithm import Algorithm
from rsl_rl.env import VecEnv
from rsl_rl.models import Policy
from rsl_rl.models.saved_policy import check_networks, check_settings, read_checkpoint, take_what_fits
from rsl_rl.runners.episode_statistics import EpisodeStatistics
from rsl_rl.utils import checkpoint
from rsl_rl.utils.distributed import Distributed
from rsl_rl.utils.logger import Logger
from rsl_rl.utils.saved_content import check_content, check_optimizer, check_rng, entry


class Checked(NamedTuple):
    """The content of a checkpoint that fits.

    Attributes:
        main: of the file itself.
        share: of this process's share of it; the same for the first process.
        lacking: names of what did not exist yet when it was written.
    """

    main: Dict[str, Any]
    share: Dict[str, Any]
    lacking: List[str]


class SavedRun(ABC):
    """The part of a runner that saves and loads; see `Runner` for the attributes."""

    env: VecEnv
    policy: Policy
    algorithm: Algorithm
    distributed: Distributed
    logger: Logger
    device: torch.device
    cfg: Dict[str, Any]
    task: str
    current_learning_iteration: int
    total_timesteps: int
    total_time: float
    _policy_cfg: Dict[str, Any]
    _statistics: EpisodeStatistics
    _observations: Optional[Dict[str, torch.Tensor]]
    _saved_iteration: int

    def save(self, path: str, infos: Optional[Mapping[str, Any]] = None) -> None:
        """Write a checkpoint; `infos` is plain data that `load` gives back.

        In a group all processes must call this. Rank k > 0 keeps its environments and random generators beside the
        file, in `<name>.rank<k>.pt`; the file itself appears last, so where it is, all shares are.

        Raises:
            RslRlError: `infos` or the environment's state is not plain data, or the disk of any process refuses.
        """
        rank, share = self.distributed.rank, self._share()

        def save_share() -> None:
            if rank > 0:
                checkpoint.save_checkpoint(checkpoint.rank_path(path, rank), share)

        def save_whole() -> None:
            if rank == 0:
                networks = {
                    "model_state_dict": self.policy.state_dict(),
                    "optimizer_state_dict": self.algorithm.optimizer.state_dict(),
                }
                checkpoint.save_checkpoint(path, {**networks, "infos": infos, **share})

        self.distributed.together(save_share)
        self.distributed.together(save_whole)

    def load(self, path: str, load_optimizer: bool = True, load_env: bool = True) -> Optional[Dict[str, Any]]:
        """Read a checkpoint.

        Args:
            path: the file that `save` wrote (`checkpoint.latest_checkpoint` finds the newest of a folder).
            load_optimizer: also take optimiser and learning rate.
            load_env: also take everything else that it takes to go on bit for bit: environments, random generators,
                memories, statistics, counters of samples and time. Without it the episodes start anew, which also
                works in another task or with another number of environments, e.g. to play or to fine-tune.

        Returns:
            `infos` of `save`.

        Raises:
            RslRlError: the file is missing, damaged or does not fit this run; nothing has been changed then.
        """
        checked = self.distributed.together(lambda: self._read(path, load_optimizer, load_env))
        content, share = checked.main, checked.share
        if checked.lacking:
            names = ", ".join(checked.lacking)
            self.logger.message(f"note: checkpoint '{path}' is without {names}: begun here as in a new run")
        self.logger.close()
        if load_env:  # first: a simulator may have reasons of its own to refuse
            self.env.load_state_dict(share["env"])
        self.policy.load_state_dict(content["model_state_dict"])
        if load_optimizer:
            # Moments alone: rates and decays are settings, which this run has of its own.
            own = self.algorithm.optimizer.state_dict()
            self.algorithm.optimizer.load_state_dict({**own, "state": content["optimizer_state_dict"]["state"]})
        self._load_algorithm(share["algorithm_state"], load_optimizer, load_env)
        self.current_learning_iteration = self._saved_iteration = content["iter"]
        if load_env:
            self._load_runner(share["runner"])
            checkpoint.restore_rng(share["rng"])
        infos: Optional[Dict[str, Any]] = content["infos"]
        return infos

    def start_from(self, path: str) -> None:
        """Begin with the networks of a checkpoint, and nothing else of it: to fine-tune, in other surroundings too.

        Extensions of the same names whose networks have the same shapes begin with them too, others anew.

        Args:
            path: a checkpoint, also one for inference alone, whose critic is missing; the critic then starts untrained.
                So do gated encoders that it lacks, and without `runner.load_model_strict` all that does not fit.

        Raises:
            RslRlError: the file is missing, damaged or holds other networks; nothing has been changed then.
        """
        content = read_checkpoint(path)
        state, what = content["model_state_dict"], []
        if self.cfg["load_model_strict"]:
            check_settings(path, content["meta"], self._meta(), grafts=True)
            check_networks(path, state, self.policy, grafts=True)
            self.policy.load_state_dict(state, strict=False)
        else:
            what.append(take_what_fits(path, state, self.policy))
        if self._policy_cfg["re_init_std"]:
            self.policy.distribution.fill_(self._policy_cfg["init_noise_std"])
        what.append(self.algorithm.extensions.start_from(content.get("algorithm_state", {}).get("extensions", {})))
        told = "; ".join(filter(None, what))
        self.logger.message(f"networks   {': '.join(filter(None, [path, told]))}")

    def _share(self) -> Dict[str, Any]:
        """What each process has of its own."""
        return {
            "meta": self._meta(),
            "rng": checkpoint.capture_rng(),
            "env": self.env.state_dict(),
            "algorithm_state": self.algorithm.state_dict(),
            "runner": {
                "observations": self._observations,
                "statistics": self._statistics.state_dict(),
                "total_timesteps": self.total_timesteps,
                "total_time": self.total_time,
            },
            "iter": self.current_learning_iteration,
        }

    def _meta(self) -> Dict[str, Any]:
        """What a checkpoint must have in common with the run that loads it."""
        return {
            "task": self.task,
            "num_envs": self.env.num_envs,
            "world_size": self.distributed.world_size,
            "rank": self.distributed.rank,
            "observation_dims": {group: list(shape) for group, shape in self.env.observation_dims.items()},
            "num_actions": self.env.num_actions,
            "policy_class_name": self.cfg["policy_class_name"],
            "policy": self._policy_cfg,
        }

    def _read(self, path: str, load_optimizer: bool, load_env: bool) -> Checked:
        """Read a checkpoint, and refuse one of another run before anything is changed."""
        content = read_checkpoint(path)
        share, rank = content, self.distributed.rank
        if load_env and rank > 0:
            share = checkpoint.load_checkpoint(checkpoint.rank_path(path, rank))
        current = self._meta()
        for key in ["task", "num_envs", "world_size", "observation_dims"] if load_env else []:
            checkpoint.check_same(path, key, entry(path, content, f"meta.{key}"), current[key])
        check_settings(path, content["meta"], current)
        check_networks(path, content["model_state_dict"], self.policy)
        check_content(path, content, {"iter": 0, "infos": content.get("infos", 0)})
        if load_optimizer:
            check_optimizer(path, entry(path, content, "optimizer_state_dict"), self.algorithm.optimizer)
        own: Dict[str, Any] = {"algorithm_state": self.algorithm.state_dict()}
        late = [f"algorithm_state.{name}" for name in self.algorithm.late_state]
        if load_env:
            checkpoint.check_same(path, "rank", entry(path, share, "meta.rank"), rank)
            checkpoint.check_same(path, "iteration", entry(path, share, "iter"), content["iter"])
            check_rng(path, entry(path, share, "rng"))
            own.update(self._own_episodes(path, share))
            late += [f"env.{name}" for name in self.env.late_state]
        else:
            del own["algorithm_state"]["hidden"]
        lacking = check_content(path, share, own, may_lack=late)
        self.algorithm.extensions.check_state(path, share["algorithm_state"].get("extensions", {}))
        return Checked(content, share, lacking)

    def _own_episodes(self, path: str, share: Mapping[str, Any]) -> Dict[str, Any]:
        """What this run would save of its environments, with as many observations and statistics as `share` has."""
        own = {key: self._share()[key] for key in ("env", "runner")}
        if entry(path, share, "runner.observations") is not None:  # as they are before the first episode
            shapes = self.env.observation_dims.items()
            own["runner"]["observations"] = {name: torch.zeros(self.env.num_envs, *shape) for name, shape in shapes}
        own["runner"]["statistics"].update(finished_returns=[], finished_lengths=[])
        return own

    def _load_algorithm(self, state: Mapping[str, Any], load_optimizer: bool, load_env: bool) -> None:
        """Take the learning rate with the optimiser, and the memories with the episodes that they belong to."""
        own = self.algorithm.state_dict()
        rate = state if load_optimizer else own
        memory = state if load_env else own
        self.algorithm.load_state_dict({**state, "learning_rate": rate["learning_rate"], "hidden": memory["hidden"]})

    def _load_runner(self, state: Mapping[str, Any]) -> None:
        observations = state["observations"]
        self._observations = None if observations is None else self._on_device(observations)
        self._statistics.load_state_dict(state["statistics"])
        self.total_timesteps = state["total_timesteps"]
        self.total_time = state["total_time"]

    def _on_device(self, tensors: Mapping[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        return {name: tensor.to(self.device) for name, tensor in tensors.items()}
