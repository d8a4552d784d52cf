"""Every setting of the learner with its default.

This module imports neither torch nor anything else that is slow, so that configurations can be read without it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Dict, Mapping, Optional, Sequence, Tuple, Type, TypeVar, Union

from rsl_rl.utils.errors import RslRlError, check_choice, near_matches

S = TypeVar("S", bound="Settings")
Tables = Mapping[str, Optional[Mapping[str, Any]]]


@dataclass
class Settings:
    """One section of a configuration; the fields of a subclass are its keys."""

    CHOICES: ClassVar[Mapping[str, Tuple[str, ...]]] = {}
    """Key -> the values that it may have."""


def read_settings(section: str, kind: Type[S], given: Mapping[str, Any]) -> S:
    """Make settings from keys and values.

    Args:
        section: of the configuration, for errors.
        kind: which settings.
        given: key -> value; what is absent has its default.

    Raises:
        RslRlError: an unknown key or choice; names the near matches.
    """
    known = [f.name for f in fields(kind)]
    for key, value in given.items():
        if key not in known:
            raise RslRlError(f"unknown key {section}{'.' if section else ''}{key}: {near_matches(key, known)}")
        if key in kind.CHOICES:
            check_choice(f"{section}.{key}", value, kind.CHOICES[key])
    return kind(**given)


@dataclass
class PolicySettings(Settings):
    """Settings of a policy.

    Attributes:
        init_noise_std: standard deviation of the actions at the start.
        re_init_std: a run that begins with the networks of another one begins with `init_noise_std` all the same.
        actor_hidden_dims: widths of the actor's hidden layers.
        critic_hidden_dims: widths of the critic's hidden layers.
        activation: of both networks, like the next four (see `Network`).
        rnn_type: "lstm" or "gru".
        rnn_hidden_size: width of a memory; `ActorCritic` has none.
        rnn_num_layers: layers of a memory.
        actor_obs_groups: groups that the actor reads, if it has no encoders, concatenated in this order.
        critic_obs_groups: groups that the critic reads. An environment without a group "critic" gives its critic
            the group "policy".
        normalize_observations: by their running mean and standard deviation.
        output_activation: of the mean actions.
        encoders: of the actor (see `Network`).
        actor: keyword arguments of the actor's `Network` that win over the settings above.
        critic: likewise of the critic's; "shared": a perceptron that reads the actor's features; None for what the
            class means.
    """

    init_noise_std: float = 1.0
    re_init_std: bool = False
    actor_hidden_dims: Sequence[int] = (512, 256, 128)
    critic_hidden_dims: Sequence[int] = (512, 256, 128)
    activation: str = "elu"
    rnn_type: str = "lstm"
    rnn_hidden_size: Optional[int] = 256
    rnn_num_layers: int = 1
    actor_obs_groups: Sequence[str] = ("policy",)
    critic_obs_groups: Sequence[str] = ("critic",)
    normalize_observations: bool = False
    output_activation: Optional[str] = None
    encoders: Optional[Tables] = None
    actor: Mapping[str, Any] = field(default_factory=dict)
    critic: Union[str, Mapping[str, Any], None] = None


@dataclass
class SharedSettings(PolicySettings):
    """Settings of `SharedActorCritic`."""

    actor_hidden_dims: Sequence[int] = (128, 64)
    critic_hidden_dims: Sequence[int] = (128,)
    critic_obs_groups: Sequence[str] = ()


@dataclass
class PPOSettings(Settings):
    """Settings of `PPO`.

    Attributes:
        value_loss_coef: weight of the value loss.
        critic_warm_up: iterations at the start in which surrogate and entropy are left out, and values move as far as
            they need to. A policy that came without a critic, as shipped ones do, is kept from what a critic that knows
            nothing would make of it.
        use_clipped_value_loss: do not reward values for moving more than `clip_param` in an update.
        clip_param: how far the ratio of probabilities may leave 1 before the objective stops rewarding it.
        entropy_coef: weight of the entropy.
        entropy_schedule: "constant", or "linear": down to 0 over the training, so that exploration makes room for
            precision.
        final_noise_std: a bound of the standard deviations, which goes down to it from 1 or from `init_noise_std` if
            that is more, so that in the end the mean action is what was tried. Its logarithm goes with the square of
            the progress. None: as they are learned.
        final_noise_from: the part of the training after which the bound is there. What is left is to learn what a robot
            does with hardly any noise while the learning rate is still of use: some had let the noise lift the feet,
            and stood without it.
        num_learning_epochs: times that an update goes through the rollout.
        num_mini_batches: parts that it is shared out to.
        learning_rate: at the start.
        schedule: "adaptive": at every mini-batch but the first of an update, by the KL divergence; "cosine": down to
            `min_learning_rate` over the training; "adaptive_cosine": "adaptive" with the rate of "cosine" for its
            upper bound; "fixed".
        min_learning_rate: lower bound of "adaptive", end of "cosine".
        max_learning_rate: upper bound of "adaptive".
        gamma: discount of a step.
        lam: lambda of generalised advantage estimation.
        desired_kl: nats per update that "adaptive" aims at.
        max_grad_norm: longer gradients are clipped to this length: the actor's and the critic's each on its own, those
            of a policy whose networks share features together.
        precision: "bfloat16" lets the networks compute in it where autocast allows, during updates only.
            Parameters, optimiser, log-probabilities and losses stay float32. A CPU without units for it computes in
            float32, and a warning says so.
        symmetry: short form of the extension `Symmetry`; "none" for none.
        symmetry_loss_coef: its `loss_coef`.
        symmetry_until: its `until`.
        weight_decay: decoupled decay of weight matrices (AdamW).
        sequence_length: recurrent policies are differentiated over sequences of so many steps (truncated BPTT), of
            which a rollout has a whole number; each starts from the hidden state that it had when it was collected.
            None: whole rollouts.
        extensions: name -> "class_name" and settings of an `Extension`; None drops one of a base configuration.
    """

    CHOICES: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "schedule": ("adaptive", "cosine", "adaptive_cosine", "fixed"),
        "entropy_schedule": ("constant", "linear"),
        "precision": ("float32", "bfloat16"),
        "symmetry": ("none", "augment", "loss"),
    }

    value_loss_coef: float = 1.0
    critic_warm_up: int = 0
    use_clipped_value_loss: bool = True
    clip_param: float = 0.2
    entropy_coef: float = 0.01
    entropy_schedule: str = "constant"
    final_noise_std: Optional[float] = None
    final_noise_from: float = 0.75
    num_learning_epochs: int = 5
    num_mini_batches: int = 4
    learning_rate: float = 1e-3
    schedule: str = "adaptive"
    min_learning_rate: float = 1e-5
    max_learning_rate: float = 1e-2
    gamma: float = 0.99
    lam: float = 0.95
    desired_kl: float = 0.01
    max_grad_norm: float = 1.0
    precision: str = "float32"
    symmetry: str = "none"
    symmetry_loss_coef: float = 0.0
    symmetry_until: float = 1.0
    weight_decay: float = 0.0
    sequence_length: Optional[int] = None
    extensions: Tables = field(default_factory=dict)

    @property
    def extension_table(self) -> Tables:
        """`extensions`, with the short form of the symmetry written out.

        Raises:
            RslRlError: the symmetry has settings in both places.
        """
        if self.symmetry != "none" and self.extensions.get("symmetry") is not None:
            raise RslRlError("algorithm.extensions.symmetry has settings of its own; set algorithm.symmetry to none")
        mirrored = {"mode": self.symmetry, "loss_coef": self.symmetry_loss_coef, "until": self.symmetry_until}
        return {**({} if self.symmetry == "none" else {"symmetry": mirrored}), **self.extensions}


@dataclass
class DAggerSettings(Settings):
    """Settings of `DAgger`.

    Attributes:
        loss: "action": mean square between the two's mean actions; "action_norm": mean length of what is between them.
            "latent": mean square between outputs of encoders of the same name, summed over the encoders; what follows
            on them is then best taken from the teacher and frozen.
        latents: those encoders, for "latent"; None for all that both have and that compute something.
        copy_weights: take the weights of each part that the teacher has under the same name and with the same shapes.
        freeze: parts of the student that do not learn (see `Policy.parts`).
        bc_initial_samples: transitions that the teacher drives, before the student does.
        num_learning_epochs: times that an update goes through all that is kept.
        max_batches: the most batches of an update; None for no limit. Without it the cost of an update grows with the
            aggregate. With it the batches are drawn at random from all that is kept.
        batch_size: sequences in a batch.
        sequence_length: steps in a sequence.
        learning_rate: at the start.
        schedule: "fixed"; "cosine": down to `min_learning_rate` over the training.
        min_learning_rate: end of "cosine".
        weight_decay: decoupled decay of weight matrices (AdamW); 0 for Adam.
        max_grad_norm: longer gradients are clipped to this length.
        precision: as of PPO.
        max_aggregate_gb: bound of the memory for what is kept; the oldest makes room for the new.
        max_rollouts: likewise, of the rollouts; 1 aggregates nothing. None for no limit.
        image_storage: "uint8", "float16" or "float32", how the pixels of images are kept.
        image_range: [low, high] of the pixels, for "uint8".
        extensions: as of PPO.
    """

    CHOICES: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "loss": ("action", "action_norm", "latent"),
        "schedule": ("fixed", "cosine"),
        "precision": ("float32", "bfloat16"),
    }

    loss: str = "action"
    latents: Optional[Sequence[str]] = None
    copy_weights: bool = True
    freeze: Sequence[str] = ()
    bc_initial_samples: int = 1_000_000
    num_learning_epochs: int = 5
    max_batches: Optional[int] = None
    batch_size: int = 32
    sequence_length: int = 24
    learning_rate: float = 1e-4
    schedule: str = "fixed"
    min_learning_rate: float = 1e-5
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    precision: str = "float32"
    max_aggregate_gb: float = 4.0
    max_rollouts: Optional[int] = None
    image_storage: str = "uint8"
    image_range: Sequence[float] = (-0.5, 0.5)
    extensions: Tables = field(default_factory=dict)


@dataclass
class RunnerSettings(Settings):
    """Settings of `OnPolicyRunner`.

    `run_name`, `start_from`, `resume`, `load_run`, `checkpoint` and `resume_path` are for the scripts that choose
    folders and files; the runner accepts them because they live in the same table.
    """

    policy_class_name: str = "ActorCritic"
    algorithm_class_name: str = "PPO"
    num_steps_per_env: int = 24
    max_iterations: int = 1500  # the length that schedules reckon with
    max_wall_time_s: Optional[float] = None  # stop after the iteration in which a call of `learn` has lasted this long
    save_interval: int = 50
    log_interval: int = 1
    logger: str = "tensorboard"  # tensorboard | wandb | none; metrics.jsonl is written in any case
    tags: Mapping[str, str] = field(default_factory=dict)  # more names of logged numbers: new name -> their own
    wandb_project: Optional[str] = None  # None: experiment_name
    wandb_entity: Optional[str] = None
    wandb_note: Optional[str] = None  # what its page says of the run
    wandb_mode: Optional[str] = None  # online | offline | disabled; None: environment variable WANDB_MODE, else offline
    experiment_name: str = "test"
    run_name: str = ""
    start_from: Optional[str] = None
    load_model_strict: bool = True  # False: of the networks that a run begins with it takes what fits, and says so
    resume: bool = False
    load_run: Union[int, str] = -1
    checkpoint: int = -1
    resume_path: Optional[str] = None


@dataclass
class DaggerRunnerSettings(RunnerSettings):
    """Settings of `DaggerRunner`."""

    algorithm_class_name: str = "DAgger"
    num_steps_per_env: int = 192
    max_iterations: int = 121
    teacher: Optional[str] = None  # path of the teacher's checkpoint
    teacher_task: Optional[str] = None  # for the scripts that look for a teacher
    # the student has the teacher's networks, but for the encoders of the actor that policy.encoders names
    teachers_networks: bool = False
    unseen: Sequence[str] = ()  # observation groups that the student must not read
    save_aggregate: bool = True  # beside the checkpoints, so that a resumed run goes on bit for bit


@dataclass
class TrainSettings(Settings):
    """The sections of a configuration of a training."""

    seed: int = 1
    runner_class_name: str = "OnPolicyRunner"
    policy: Mapping[str, Any] = field(default_factory=dict)
    algorithm: Mapping[str, Any] = field(default_factory=dict)
    runner: Dict[str, Any] = field(default_factory=dict)


def complete_config(train_cfg: Mapping[str, Any], runner: Type[RunnerSettings] = RunnerSettings) -> Dict[str, Any]:
    """Copy a config and fill in what is absent at the top and in the section `runner`.

    The sections `policy` and `algorithm` are keyword arguments of the classes that `runner` names.

    Raises:
        RslRlError: a key that does not exist; names the near matches.
    """
    completed = vars(read_settings("", TrainSettings, train_cfg))
    return copy.deepcopy({**completed, "runner": vars(read_settings("runner", runner, completed["runner"]))})
