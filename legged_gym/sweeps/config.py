"""The file that describes a sweep, in the format of Weights & Biases: reading it, and checking it before any run.

Names of parameters are paths of settings, ``env_cfg.<path>`` or ``train_cfg.<path>``. What a parameter may be:

===============================================  ======================================================
``{"value": v}``, ``{"values": [..]}``           one value; one of several
``{"min": a, "max": b}``                         uniform; whole numbers if both are
``{"distribution": d, ..}``                      ``uniform``, ``int_uniform``, ``log_uniform_values`` with
                                                 min and max; ``log_uniform``, whose min and max are
                                                 natural logarithms; ``normal`` and ``log_normal`` with
                                                 mu and sigma; each also with ``q_`` before and a step q
===============================================  ======================================================
"""

from __future__ import annotations

import difflib
import math
import os
import re
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Dict, List, Optional, Tuple

import yaml

from legged_gym import LEGGED_GYM_PACKAGE_DIR
from legged_gym.envs import registry
from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError, in_file
from legged_gym.reading import read_json, read_yaml
from legged_gym.setting_types import Number, Text, numbers_in
from legged_gym.utils.options import CommandLine
from rsl_rl.utils.errors import near_matches

CONFIG_DIR = os.path.join(LEGGED_GYM_PACKAGE_DIR, "scripts", "sweep_configs")
METHODS = ("grid", "random", "bayes")
GOALS = ("maximize", "minimize")
_DEFAULTS = ("sweep_config.json", "sweep_config_example.json")
_KEYS = (
    "method", "metric", "run_cap", "parameters", "early_terminate", "name", "description", "program", "command",
    "project", "entity",
)  # fmt: skip
_RANGES = ("uniform", "int_uniform", "log_uniform", "log_uniform_values")
_NORMALS = ("normal", "log_normal")
# Set by the sweep itself, or without meaning for new runs.
_RESERVED = ("experiment_name", "run_name", "resume", "load_run", "checkpoint", "resume_path", "logger")
_TAIL = 1e-6  # normal distributions are cut where this much probability is left: 4.75 sigma


@dataclass(frozen=True)
class Parameter:
    """One parameter of a sweep.

    Attributes:
        name: As in the file.
        values: The choices; empty for a range.
        low: Lower end of what is drawn; `value` makes the parameter of it.
        high: Upper end.
        log: Draw uniformly in the logarithm.
        whole: Draw whole numbers.
        normal: Draw probabilities, whose quantiles in this distribution are meant.
        exp: Take the exponential of what was drawn.
        q: Round to multiples of this; 0 for none.
    """

    name: str
    values: Tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    normal: Optional[NormalDist] = None
    exp: bool = False
    q: float = 0.0

    def value(self, drawn: float) -> float:
        """Return the value for a number drawn between `low` and `high`."""
        result = self.normal.inv_cdf(drawn) if self.normal else drawn
        result = math.exp(result) if self.exp else result
        # Without the second rounding multiples of 0.1 would be 0.30000000000000004.
        return round(round(result / self.q) * self.q, 12) if self.q else result

    def samples(self) -> List[Any]:
        """Return values that stand for all: every choice, or both ends of a range and one point between."""
        if self.values:
            return list(self.values)
        between = self.low + 0.382 * (self.high - self.low)
        return [self.value(x) for x in (self.low, round(between) if self.whole else between, self.high)]


@dataclass
class SweepConfig:
    """A sweep file.

    Attributes:
        content: The file as it is.
        method: `grid`, `random` or `bayes`.
        metric: Name of the logged number to judge by.
        goal: `maximize` or `minimize`.
        run_cap: Runs to make at most; None for no bound.
        parameters: By name, in the order of the file.
        early_terminate: As in the file; None to let every run finish.
    """

    content: Dict[str, Any]
    method: str
    metric: str
    goal: str
    run_cap: Optional[int]
    parameters: Dict[str, Parameter] = field(default_factory=dict)
    early_terminate: Optional[Dict[str, Any]] = None


def find_file(name: Optional[str]) -> str:
    """Return the path of a sweep file: a path, or a name in `sweep_configs/`, with or without ``.json`` or ``.yaml``.

    Args:
        name: None for `sweep_config.json` there, else `sweep_config_example.json`.

    Raises:
        UserError: there is no such file.
    """
    if name is None:
        candidates = [os.path.join(CONFIG_DIR, default) for default in _DEFAULTS]
    else:
        candidates = [name, *(os.path.join(CONFIG_DIR, name + ending) for ending in ("", ".json", ".yaml"))]
    for path in candidates:
        if os.path.isfile(path):
            return path
    there = ", ".join(sorted(os.listdir(CONFIG_DIR)))
    raise UserError(f"--wandb_sweep_config: there is no file {name}, here or among {there} in {CONFIG_DIR}")


def read_file(path: str) -> SweepConfig:
    """Read a sweep file, JSON or YAML.

    Raises:
        UserError: it cannot be read, or says something that makes no sense.
    """
    content = read_json(path) if path.endswith(".json") else numbers_in(read_yaml(path))
    with in_file(path):
        return parse(content)


def parse(content: Any) -> SweepConfig:
    """Return the sweep that the content of a file describes.

    Raises:
        UserError: it makes no sense.
    """
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), dict) or not content["parameters"]:
        raise UserError('a sweep file is an object with "method" and "parameters"')
    _check_keys("the sweep", content, _KEYS)
    method = Text(choices=METHODS).convert(content.get("method"), "method")
    metric = content.get("metric", {})
    if not isinstance(metric, dict) or not isinstance(metric.get("name", ""), str):
        raise UserError('metric: expected {"name": "Train/mean_reward", "goal": "maximize"}')
    _check_keys("metric", metric, ("name", "goal", "target"))
    cap = Number(none=True, low=1, whole=True).convert(content.get("run_cap"), "run_cap")
    content = {**content, "parameters": _flat(content["parameters"])}
    parameters = {name: _parameter(name, form) for name, form in content["parameters"].items()}
    if method == "grid":
        for name, parameter in parameters.items():
            if not parameter.values:
                raise UserError(f"{name}: a grid has parameters with 'value' or 'values' only")
    return SweepConfig(
        content=content,
        method=method,
        metric=metric.get("name", "Train/mean_reward"),
        goal=Text(choices=GOALS).convert(metric.get("goal", "maximize"), "metric.goal"),
        run_cap=cap,
        parameters=parameters,
        early_terminate=_early_terminate(content.get("early_terminate")),
    )


def _flat(forms: Dict[str, Any], prefix: str = "") -> Dict[str, Any]:
    """Nested parameters, ``{"env_cfg": {"parameters": ..}}``, by the dotted paths that they mean."""
    flat: Dict[str, Any] = {}
    for name, form in forms.items():
        if isinstance(form, dict) and isinstance(form.get("parameters"), dict):
            _check_keys(f"{prefix}{name}", form, ("parameters",))
            flat.update(_flat(form["parameters"], f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = form
    return flat


def settings_file(parameters: Dict[str, Any]) -> str:
    """Return the text of a ``--cfg`` file that sets the parameters of one run."""
    content: Dict[str, Dict[str, Any]] = {"env": {}, "train": {}}
    for name, value in parameters.items():
        part, path = _locate(name)
        content[part][path] = value
    return yaml.safe_dump(content, sort_keys=False)


def resolve(command: CommandLine, parameters: Dict[str, Any]) -> Tuple[LeggedRobotCfg, TrainCfg, Dict[str, Any]]:
    """Return the (environment, training) configs of one run, and what its parameters come to in them.

    A flag or setting of the command line wins over a parameter, which wins over ``--cfg`` files and classes.

    Raises:
        UserError: a parameter is no setting, with near matches, or has a value of the wrong type.
    """
    env_cfg, train_cfg = registry.find(command.task).new_cfgs()
    cfgs: Dict[str, BaseConfig] = {"env": env_cfg, "train": train_cfg}
    command.apply_files(env_cfg, train_cfg)
    for name, value in parameters.items():
        part, path = _locate(name)
        try:
            cfgs[part].update({path: value}, prefix=f"{part}_cfg.")
        except UserError as error:
            raise UserError(f"{error}{_reward_hint(name, env_cfg)}") from None
    command.apply_flags(env_cfg, train_cfg)
    effective = {}
    for name in parameters:
        part, path = _locate(name)
        effective[name] = cfgs[part].get(path)
    return env_cfg, train_cfg, effective


def check(sweep: SweepConfig, command: CommandLine) -> SweepConfig:
    """Try every parameter in the configs of the task.

    Returns:
        The sweep, with one value for a parameter that the command line overrides.

    Raises:
        UserError: a parameter is no setting, or cannot have one of its values.
    """
    won: Dict[str, Any] = {}
    for name, parameter in sweep.parameters.items():
        for value in parameter.samples():
            won.update(overridden({name: value}, resolve(command, {name: value})[2]))
    forms = {**sweep.content["parameters"], **{name: {"value": value} for name, value in won.items()}}
    return parse({**sweep.content, "parameters": forms})


def overridden(wanted: Dict[str, Any], effective: Dict[str, Any]) -> Dict[str, Any]:
    """Return the parameters that came to something else than the sweep wanted, with a warning for each."""
    won = {name: value for name, value in effective.items() if not _same(value, wanted[name])}
    for name, value in won.items():
        print(f"warning: the command line wins over the sweep: {name} is {value}")
    return won


def _same(effective: Any, wanted: Any) -> bool:
    # A file knows no tuples, and what it writes as "1e-4" becomes a number.
    if isinstance(effective, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(effective) == len(wanted) and all(map(_same, effective, wanted))
    return bool(effective == wanted or numbers_in(effective) == numbers_in(wanted))


def _locate(name: str) -> Tuple[str, str]:
    """Split the name of a parameter into the part of the configs and the path in it."""
    part, _, path = name.partition(".")
    if part not in ("env_cfg", "train_cfg") or not path:
        raise UserError(f"unknown parameter {name}; names begin with env_cfg. or train_cfg.")
    if path.startswith("runner.") and path[len("runner.") :] in _RESERVED and part == "train_cfg":
        raise UserError(f"{name}: this is not for a sweep to choose")
    # The seed of environment and training is one.
    return ("train" if path == "seed" else part[: -len("_cfg")]), path


def _reward_hint(name: str, env_cfg: LeggedRobotCfg) -> str:
    """Where the weights of old sweep files are now."""
    match = re.fullmatch(r"\w+\..*\bweights\.(\w+)", name)
    if not match:
        return ""
    near = difflib.get_close_matches(match.group(1), vars(env_cfg.rewards.scales), n=3, cutoff=0.5)
    return f"; weights of rewards are env_cfg.rewards.scales.{' or '.join(near) or '<reward>'}"


def _parameter(name: str, form: Any) -> Parameter:
    _locate(name)
    if not isinstance(form, dict):
        raise UserError(f'{name}: expected {{"value": ..}}, {{"values": [..]}} or {{"min": .., "max": ..}}')
    if "value" in form or "values" in form:
        _check_keys(name, form, ("value", "values", "distribution"))
        values = form.get("values", [form.get("value")])
        if len(form.keys() & {"value", "values"}) != 1 or not isinstance(values, list) or not values:
            raise UserError(f"{name}: give either 'value' or a list of 'values'")
        return Parameter(name, values=tuple(values))
    quantised = "q" in form
    ends = [form.get(key) for key in ("min", "max")]
    default = "int_uniform" if all(type(end) is int for end in ends) and not quantised else "uniform"
    given = form.get("distribution", default)
    kind = given[2:] if isinstance(given, str) and given.startswith("q_") else given
    Text(choices=(*_RANGES, *_NORMALS)).convert(kind, f"{name}: distribution")
    if kind != given and not quantised:
        raise UserError(f"{name}: {given} needs a step q")
    parameter = _range(name, kind, form) if kind in _RANGES else _normal(name, kind, form)
    try:
        parameter.samples()
    except OverflowError:
        raise UserError(f"{name}: its values, or their multiples of q, are too large for numbers") from None
    return parameter


def _range(name: str, kind: str, form: Dict[str, Any]) -> Parameter:
    _check_keys(name, form, ("distribution", "min", "max", "q"))
    low, high, q = _number(name, form, "min"), _number(name, form, "max"), _step(name, form)
    if low > high or (kind == "log_uniform_values" and low <= 0):
        raise UserError(f"{name}: min {low:g} and max {high:g} make no range")
    whole = kind == "int_uniform"
    if whole and (low != int(low) or high != int(high)):
        raise UserError(f"{name}: int_uniform needs whole numbers")
    return Parameter(
        name, low=low, high=high, log=kind == "log_uniform_values", whole=whole, exp=kind == "log_uniform", q=q
    )


def _normal(name: str, kind: str, form: Dict[str, Any]) -> Parameter:
    _check_keys(name, form, ("distribution", "mu", "sigma", "q"))
    mu, sigma, q = _number(name, form, "mu", 0.0), _number(name, form, "sigma", 1.0, above=0.0), _step(name, form)
    return Parameter(name, low=_TAIL, high=1 - _TAIL, normal=NormalDist(mu, sigma), exp=kind == "log_normal", q=q)


def _step(name: str, form: Dict[str, Any]) -> float:
    """The step of a quantised distribution; 0 without."""
    return _number(name, form, "q", above=0.0) if "q" in form else 0.0


def _number(name: str, form: Dict[str, Any], key: str, default: Optional[float] = None, **bounds: Any) -> float:
    value = form.get(key, default)
    Number(**bounds).convert(value, f"{name}: {key}")
    return value  # type: ignore[return-value]


def _early_terminate(form: Any) -> Optional[Dict[str, Any]]:
    if form is None:
        return None
    if not isinstance(form, dict):
        raise UserError('early_terminate: expected {"type": "hyperband", "min_iter": ..}')
    _check_keys("early_terminate", form, ("type", "min_iter", "max_iter", "s", "eta", "strict"))
    Text(choices=("hyperband",)).convert(form.get("type"), "early_terminate.type")
    for key, least in (("min_iter", 1), ("max_iter", 1), ("s", 1), ("eta", 2)):
        if key in form:
            _number("early_terminate", form, key, low=least)
    if "min_iter" not in form and not ("max_iter" in form and "s" in form):
        raise UserError("early_terminate: hyperband needs min_iter, or max_iter and s")
    return form


def _check_keys(what: str, form: Dict[str, Any], known: Tuple[str, ...]) -> None:
    for key in form:
        if key not in known:
            raise UserError(f"{what}: unknown key {key!r}; {near_matches(key, known)}")
