"""Runs PPO of the PyPI package rsl-rl-lib; a program of its own, since that package is called rsl_rl too.

    python reference_ppo.py IN.pt OUT.pt

IN.pt holds the rollout of `ppo_helpers.random_rollout` and a list of cases {"seed", "recurrent", "symmetry",
"settings"}. OUT.pt gets, for each case, the parameters before and after an update, what was recorded, and the losses.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from typing import Any

import torch


def import_reference() -> None:
    """Make `rsl_rl` mean that package in this process, whatever else has the name."""
    folder = str(importlib.metadata.distribution("rsl-rl-lib").locate_file("rsl_rl"))
    spec = importlib.util.spec_from_file_location("rsl_rl", os.path.join(folder, "__init__.py"))
    assert spec is not None and spec.loader is not None
    sys.modules["rsl_rl"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rsl_rl"])


def mirror_function(maps: Any) -> Any:
    """The symmetry in that package's form."""
    from tensordict import TensorDict

    def augment(env: Any, obs: Any, actions: Any) -> Any:
        if obs is not None:
            both = {key: torch.cat([x, x[:, maps[key][0]] * maps[key][1]]) for key, x in obs.items()}
            obs = TensorDict(both, batch_size=[2 * obs.batch_size[0]])
        if actions is not None:
            index, sign = maps["actions"]
            actions = torch.cat([actions, actions[:, index] * sign])
        return obs, actions

    return augment


def make(case: Any, example: Any, num_steps: int, num_actions: int, maps: Any) -> Any:
    """A PPO with the networks and settings of a case."""
    from rsl_rl.algorithms import PPO
    from rsl_rl.models import MLPModel, RNNModel
    from rsl_rl.modules.distribution import GaussianDistribution
    from rsl_rl.storage import RolloutStorage

    torch.manual_seed(case["seed"])
    groups = {"actor": ["policy"], "critic": ["critic"]}
    kind: Any = MLPModel
    options: Any = {"hidden_dims": [32, 16], "obs_normalization": case["normalize"]}
    if case["recurrent"]:
        kind, options = RNNModel, {**options, "rnn_type": case["recurrent"], "rnn_hidden_dim": 12}
    distribution = {"class_name": GaussianDistribution, "std_type": "log"}
    actor = kind(example, groups, "actor", num_actions, distribution_cfg=distribution, **options)
    critic = kind(example, groups, "critic", 1, **options)
    storage = RolloutStorage("rl", example.batch_size[0], num_steps, example, [num_actions])
    symmetry = None
    if case["symmetry"] != "none":
        symmetry = {
            "env": None,
            "data_augmentation_func": mirror_function(maps),
            "use_data_augmentation": case["symmetry"] == "augment",
            "use_mirror_loss": case["symmetry"] == "loss",
            "mirror_loss_coeff": 0.5,
        }
    return PPO(actor, critic, storage, symmetry_cfg=symmetry, **case["settings"])


def run(case: Any, rollout: Any, maps: Any) -> Any:
    """Collect the rollout, learn from it, and report."""
    from tensordict import TensorDict

    num_steps, num_envs = rollout["rewards"].shape

    def obs(step: int) -> Any:
        return TensorDict({key: rollout[key][step] for key in ("policy", "critic")}, batch_size=[num_envs])

    algorithm = make(case, obs(0), num_steps, 3, maps)
    algorithm.train_mode()
    networks = {"actor": algorithm.actor, "critic": algorithm.critic}
    before = {name: {k: v.clone() for k, v in n.state_dict().items()} for name, n in networks.items()}
    with torch.inference_mode():
        for step in range(num_steps):
            algorithm.act(obs(step))
            extras = {"time_outs": rollout["time_outs"][step]}
            algorithm.process_env_step(obs(step + 1), rollout["rewards"][step], rollout["dones"][step], extras)
        algorithm.compute_returns(obs(num_steps))
    storage = algorithm.storage
    recorded = {
        "actions": storage.actions,
        "action_means": storage.distribution_params[0],
        "log_probs": storage.actions_log_prob.squeeze(-1),
        "values": storage.values.squeeze(-1),
        "returns": storage.returns.squeeze(-1),
        "advantages": storage.advantages.squeeze(-1),
    }
    recorded = {name: x.clone() for name, x in recorded.items()}
    torch.manual_seed(case["seed"])
    losses = algorithm.update()
    after = {name: dict(n.state_dict()) for name, n in networks.items()}
    return {
        "before": before,
        "after": after,
        "recorded": recorded,
        "losses": losses,
        "learning_rate": algorithm.learning_rate,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    import_reference()
    task = torch.load(sys.argv[1], weights_only=True)
    torch.save([run(case, task["rollout"], task["maps"]) for case in task["cases"]], sys.argv[2])
