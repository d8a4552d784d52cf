"""What all runners share: the loop of collecting and learning, logs, checkpoints, stopping."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Type, Union

import torch

from rsl_rl.algorithms.algorithm import Algorithm
from rsl_rl.env import VecEnv
from rsl_rl.models import POLICIES
from rsl_rl.models.saved_policy import has_finite_weights, option_defaults
from rsl_rl.runners.episode_statistics import EpisodeStatistics
from rsl_rl.runners.inference_policy import InferencePolicy
from rsl_rl.runners.saved_run import SavedRun
from rsl_rl.settings import RunnerSettings, complete_config
from rsl_rl.utils import checkpoint
from rsl_rl.utils.console import Progress
from rsl_rl.utils.distributed import Distributed, LostProcessError
from rsl_rl.utils.errors import RslRlError, check_choice
from rsl_rl.utils.logger import Logger
from rsl_rl.utils.stop_signals import StopRequest

# Called as callback(runner, iteration, metrics); the runner is of any class in this package.
Callback = Callable[[Any, int, Dict[str, float]], None]


class Runner(SavedRun):
    """Trains a policy in a vectorised environment, and can go on from a checkpoint as if nothing had happened.

    A subclass names its algorithms and makes one (`_make_algorithm`). Construction seeds all global random generators
    with `seed` of the config.

    Args:
        env: the environment, made with the seed of this process (`Distributed.seed`).
        train_cfg: nested dict with `seed`, `policy`, `algorithm`, `runner`; what is absent has its default.
        log_dir: where logs and checkpoints go, the same for all processes; None writes none.
        device: where networks live and learn.
        task: name kept in checkpoints, so that a run is not resumed in another task.
        callbacks: called after every iteration, before it is logged, as `callback(runner, iteration, metrics)`; they
            may add entries to `metrics`.
        distributed: the group of processes that this one belongs to; None asks the environment variables.

    Raises:
        RslRlError: unknown key or value in the config.

    Attributes:
        ALGORITHMS: the choices for `runner.algorithm_class_name`.
        Settings: keys of the `runner` section and their defaults.
        env: the environment.
        policy: its networks.
        algorithm: what trains them.
        cfg: the resolved `runner` section of the config.
        log_dir: run folder, or None.
        callbacks: as given; more may be added.
        current_learning_iteration: iterations done since the very first start; `model_<n>.pt` is the state after n.
        total_timesteps: transitions collected so far, by all processes.
        total_time: seconds of collecting and learning so far.
        interrupted: whether a signal ended the last `learn` before its last iteration.
    """

    ALGORITHMS: Mapping[str, Callable[..., Algorithm]]
    Settings: Type[RunnerSettings] = RunnerSettings

    algorithm: Algorithm

    def __init__(
        self,
        env: VecEnv,
        train_cfg: Mapping[str, Any],
        log_dir: Optional[str] = None,
        device: str = "cpu",
        task: str = "",
        callbacks: Sequence[Callback] = (),
        distributed: Optional[Distributed] = None,
    ) -> None:
        train_cfg = complete_config(train_cfg, self.Settings)
        self.cfg: Dict[str, Any] = train_cfg["runner"]
        check_choice("runner.policy_class_name", self.cfg["policy_class_name"], POLICIES)
        check_choice("runner.algorithm_class_name", self.cfg["algorithm_class_name"], self.ALGORITHMS)
        self.env = env
        self.log_dir = log_dir
        self.task = task
        self.callbacks: List[Callback] = list(callbacks)
        self.distributed = Distributed.from_environment(device) if distributed is None else distributed
        self.device = self.distributed.device
        checkpoint.seed_everything(self.distributed.seed(train_cfg["seed"]))

        settings = self._policy_settings(train_cfg["policy"])
        policy_class = POLICIES[self.cfg["policy_class_name"]]
        self.policy = policy_class(env.observation_dims, env.num_actions, **settings)
        self._policy_cfg = {**option_defaults(self.cfg["policy_class_name"]), **settings}
        self.algorithm = self._make_algorithm(train_cfg["algorithm"])
        networks = [*self.policy.parameters(), *self.policy.buffers(), *self.algorithm.extensions.tensors()]
        self.distributed.broadcast_(networks)
        self.algorithm.init_storage(env.num_envs, self.cfg["num_steps_per_env"], env.observation_dims, env.num_actions)
        self.logger = Logger(log_dir, self.cfg, train_cfg, enabled=self.distributed.is_main)
        self.current_learning_iteration = 0
        self.total_timesteps = 0
        self.total_time = 0.0
        self.interrupted = False
        self._statistics = EpisodeStatistics(env.num_envs, self.device)
        self._observations: Optional[Dict[str, torch.Tensor]] = None
        self._saved_iteration = -1

    def _policy_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the policy is made of; `settings` is the section of the config."""
        return settings

    @abstractmethod
    def _make_algorithm(self, settings: Mapping[str, Any]) -> Algorithm:
        """Make the algorithm that the config names, from its section of the config, for `self.policy`."""

    def _metrics(self) -> Dict[str, float]:
        """Numbers to log besides those of all runners, under their full tags."""
        return {}

    def learn(
        self,
        num_learning_iterations: int,
        init_at_random_ep_len: bool = False,
        time_limit_s: Optional[float] = None,
    ) -> None:
        """Train, and leave a checkpoint of the end in the run folder.

        Ctrl-C, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP and the time limit end the training after the iteration under way, in
        all processes.

        Args:
            num_learning_iterations: iterations to do in this call.
            init_at_random_ep_len: let the first episodes begin at random ages, so that not all time out together. Does
                nothing after a resume, whose episodes are under way.
            time_limit_s: overrides `runner.max_wall_time_s`.

        Raises:
            RslRlError: a checkpoint cannot be written, the networks are lost to numbers that are not finite, or another
                process has ended.
        """
        limit = self.cfg["max_wall_time_s"] if time_limit_s is None else time_limit_s
        start, first = time.perf_counter(), self.current_learning_iteration
        last = first + num_learning_iterations
        reason: Optional[str] = None
        try:
            with StopRequest() as stop:
                self._begin(init_at_random_ep_len)
                while self.current_learning_iteration < last and reason is None:
                    self.algorithm.set_progress(self.current_learning_iteration, self.cfg["max_iterations"])
                    began = time.perf_counter()
                    episodes = self._collect()
                    collected = time.perf_counter()
                    losses = self._update()
                    metrics = self._count(episodes, losses, collected - began, time.perf_counter() - collected)
                    self._report(metrics, first, last, time.perf_counter() - start, limit)
                    if self.current_learning_iteration % self.cfg["save_interval"] == 0:
                        self._save_model()
                    reason = self._reason_to_stop(stop, time.perf_counter() - start, limit)
                self._save_model()
                self.interrupted = stop.reason is not None and self.current_learning_iteration < last
        except LostProcessError as error:
            raise RslRlError(f"{error}{self._last_saved()}") from error
        finally:
            self.logger.flush()
        if reason is not None:
            self.logger.message(f"stopped after iteration {self.current_learning_iteration}: {reason}")

    def _begin(self, init_at_random_ep_len: bool) -> None:
        """Start the episodes, unless they are under way, and open the logs."""
        if self._observations is None:
            self._observations = self._on_device(self.env.reset())
            if init_at_random_ep_len:
                self.env.mix_ages()
        self.logger.start(self.current_learning_iteration)
        if self.current_learning_iteration == 0:
            self._save_model()

    @torch.no_grad()
    def _collect(self) -> Dict[str, float]:
        """Go through one rollout; returns the means of what the environment logged."""
        obs = self._observations
        assert obs is not None, "learn has not started the episodes"
        for _ in range(self.cfg["num_steps_per_env"]):
            actions = self.algorithm.act(obs)
            obs, rewards, dones, extras = self.env.step(actions.to(self.env.device))
            obs, rewards, dones = self._on_device(obs), rewards.to(self.device), dones.to(self.device)
            self._statistics.step(rewards, dones, extras.get("log"), extras.get("counts"))
            self.algorithm.process_env_step(rewards, dones, extras)
        self._observations = obs
        return self._statistics.end_rollout(self.distributed)

    def _update(self) -> Dict[str, float]:
        """Learn from the rollout; refuses to go on with networks that are lost, lest they be saved."""
        losses = self.algorithm.update()
        what = ""
        if losses["skipped_updates"] and self.algorithm.main_loss not in losses:
            what = f"a loss or gradient is not finite in all {losses['skipped_updates']:.0f} batches"
        elif not has_finite_weights(self.policy, self.algorithm.extensions.tensors()):
            what = "weights of the networks are not finite"
        if what:
            raise RslRlError(
                f"iteration {self.current_learning_iteration + 1} cannot be learned from, {what}: look for rewards and "
                f"observations that are NaN, or lower algorithm.learning_rate{self._last_saved()}"
            )
        return losses

    def _last_saved(self) -> str:
        saved = self._saved_iteration
        return f"; the last checkpoint is {checkpoint.checkpoint_name(saved)}" if saved >= 0 else ""

    def _count(
        self, episodes: Mapping[str, float], losses: Mapping[str, float], collection: float, learning: float
    ) -> Dict[str, float]:
        """Move all counters on by one iteration, whose halves took so many seconds, and gather its metrics."""
        samples = self.cfg["num_steps_per_env"] * self.env.num_envs * self.distributed.world_size
        iteration_time = collection + learning
        self.current_learning_iteration += 1
        self.total_timesteps += samples
        self.total_time += iteration_time
        metrics: Dict[str, float] = {
            name if "/" in name else f"Episode/{name}": value for name, value in episodes.items()
        }
        metrics.update({f"Loss/{name}": value for name, value in losses.items()})
        metrics["Loss/learning_rate"] = self.algorithm.learning_rate
        metrics.update(self._metrics())
        metrics["Perf/total_fps"] = samples / iteration_time
        metrics["Perf/collection time"] = collection
        metrics["Perf/learning_time"] = learning
        if self._statistics.mean_reward is not None and self._statistics.mean_length is not None:
            metrics["Train/mean_reward"] = self._statistics.mean_reward
            metrics["Train/mean_episode_length"] = self._statistics.mean_length
        metrics["Train/total_timesteps"] = self.total_timesteps
        metrics["Train/iteration_time"] = iteration_time
        metrics["Train/time"] = self.total_time
        return {**metrics, **{tag: metrics[own] for tag, own in self.cfg["tags"].items() if own in metrics}}

    def _report(self, metrics: Dict[str, float], first: int, last: int, elapsed: float, limit: Optional[float]) -> None:
        """Run the callbacks and log the iteration that was just done."""
        iteration = self.current_learning_iteration
        for callback in self.callbacks:
            callback(self, iteration, metrics)
        eta = elapsed / (iteration - first) * (last - iteration)
        if limit is not None:
            eta = min(eta, max(limit - elapsed, 0.0))
        progress = Progress(
            iteration=iteration,
            last_iteration=last,
            samples=self.total_timesteps,
            samples_per_second=metrics["Perf/total_fps"],
            mean_reward=self._statistics.mean_reward,
            elapsed_s=elapsed,
            eta_s=eta,
        )
        self.logger.log(metrics, progress)

    def _reason_to_stop(self, stop: StopRequest, elapsed: float, limit: Optional[float]) -> Optional[str]:
        """Agree with all processes on whether to end here; None to go on."""
        reason = stop.reason
        if reason is None and limit is not None and elapsed >= limit:
            reason = f"the time limit of {limit:g} s is reached"
        return (reason or "another process was asked to") if self.distributed.any_rank(reason is not None) else None

    def _save_model(self) -> None:
        """Save into the run folder, once an iteration."""
        if self.log_dir is None or self._saved_iteration == self.current_learning_iteration:
            return
        os.makedirs(self.log_dir, exist_ok=True)
        self.save(os.path.join(self.log_dir, checkpoint.checkpoint_name(self.current_learning_iteration)))
        self._saved_iteration = self.current_learning_iteration

    def get_inference_policy(self, device: Optional[Union[str, torch.device]] = None) -> InferencePolicy:
        """Return the current actor as a callable from observations to mean actions, see `InferencePolicy`.

        It follows the training as long as it stays on the same device.
        """
        extensions = self.algorithm.extensions
        policy = self.policy.with_encoders(extensions.acting_encoders(deployed=True)).deployed()
        return InferencePolicy(policy, device, extensions.acting_view)

    def close(self) -> None:
        """Close the logs; the environment belongs to the caller."""
        self.logger.close()
