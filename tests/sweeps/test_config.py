"""Sweep files: what they may say, what their distributions mean, and how they meet the configs of a task."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.sweeps import config as sweep_config
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.task_registry import task_registry
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg

SIZE, RATE = "env_cfg.env.size", "train_cfg.algorithm.learning_rate"


@pytest.fixture(autouse=True)
def fake_task(monkeypatch):
    monkeypatch.setattr(registry, "TASKS", dict(registry.TASKS))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)


def command(argv):
    return CommandLine.read(get_args(argv))


def sweep(method="random", **parameters):
    forms = {name.replace("__", "."): form for name, form in parameters.items()}
    return sweep_config.parse({"method": method, "parameters": forms or {SIZE: {"value": 2}}})


def parameter(**form):
    return sweep_config.parse({"method": "random", "parameters": {RATE: form}}).parameters[RATE]


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return sweep_config.read_file(str(path))


def test_a_file_may_be_yaml_as_wandb_writes_them(tmp_path):
    text = "method: random\nmetric: {name: Train/mean_reward, goal: maximize}\nrun_cap: 1\nproject: legs\nentity: me\n"
    found = written(tmp_path, "sweep.yaml", text + f"parameters:\n  {RATE}: {{min: 1e-4, max: 1e-2}}")
    assert found.run_cap == 1 and found.content["project"] == "legs"
    assert (found.parameters[RATE].low, found.parameters[RATE].high) == (1e-4, 1e-2)


def test_nested_parameters_are_the_paths_that_they_mean():
    form = {"min": 1e-4, "max": 1e-3}
    nested = {"train_cfg": {"parameters": {"algorithm": {"parameters": {"learning_rate": form}}}}, SIZE: {"value": 2}}
    found = sweep_config.parse({"method": "random", "parameters": nested})
    assert list(found.parameters) == [RATE, SIZE]
    assert found.content["parameters"] == {RATE: form, SIZE: {"value": 2}}
    with pytest.raises(UserError, match=r"^train_cfg: unknown key 'value'"):
        sweep_config.parse({"method": "random", "parameters": {"train_cfg": {"parameters": {}, "value": 1}}})


def test_null_among_the_values_of_a_parameter_that_the_command_line_sets(capsys):
    name = "train_cfg.runner.max_wall_time_s"
    line = command(["--task=fake", "--train.runner.max_wall_time_s=0.5"])
    checked = sweep_config.check(
        sweep_config.parse({"method": "grid", "parameters": {name: {"values": [None, 3]}}}), line
    )
    assert checked.parameters[name].values == (0.5,)
    assert f"warning: the command line wins over the sweep: {name} is 0.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    "form",
    [
        {"distribution": "log_uniform", "min": 0, "max": 1e9},
        {"distribution": "log_normal", "mu": 800},
        {"min": 0.1, "max": 1, "distribution": "q_uniform", "q": 1e-320},
    ],
)
def test_distributions_beyond_all_numbers_are_refused(form):
    with pytest.raises(UserError, match=f"{RATE}: its values, or their multiples of q, are too large"):
        parameter(**form)


def test_a_file_is_found_by_path_by_name_and_by_default(monkeypatch, tmp_path):
    folder = tmp_path / "sweep_configs"
    folder.mkdir()
    monkeypatch.setattr(sweep_config, "CONFIG_DIR", str(folder))
    (folder / "sweep_config_example.json").write_text("{}")
    assert sweep_config.find_file(None) == str(folder / "sweep_config_example.json")
    (folder / "sweep_config.json").write_text("{}")
    assert sweep_config.find_file(None) == str(folder / "sweep_config.json")
    for name in ("sweep_config", "sweep_config.json"):
        assert sweep_config.find_file(name) == str(folder / "sweep_config.json")
    (tmp_path / "mine.json").write_text("{}")
    assert sweep_config.find_file(str(tmp_path / "mine.json")) == str(tmp_path / "mine.json")
    with pytest.raises(UserError, match=r"no file sweep_confg, .* among sweep_config.json, sweep_config_example.json"):
        sweep_config.find_file("sweep_confg")


def test_the_example_fits_its_task():
    example = sweep_config.read_file(sweep_config.find_file("sweep_config_example"))
    assert sweep_config.check(example, CommandLine(task="a1_flat")).parameters == example.parameters


def test_whole_ends_make_whole_numbers_and_others_do_not():
    assert parameter(min=2, max=5).whole and not parameter(min=2, max=5.0).whole
    assert not parameter(distribution="uniform", min=2, max=5).whole
    assert parameter(distribution="int_uniform", min=2.0, max=5.0).whole


def test_normal_distributions_are_quantiles():
    normal, log_normal = parameter(distribution="normal", mu=3, sigma=0.5), parameter(distribution="log_normal")
    for probability in (0.01, 0.3, 0.9):
        # the distribution function written with erf is the inverse of what is tested
        at = (normal.value(probability) - 3) / 0.5
        assert 0.5 * (1 + math.erf(at / math.sqrt(2))) == pytest.approx(probability, abs=1e-9)
        assert math.log(log_normal.value(probability)) == pytest.approx(at)


def test_logarithmic_ranges_by_their_ends_and_by_logarithms():
    values = parameter(distribution="log_uniform_values", min=1e-4, max=1e-2)
    assert values.log and (values.low, values.high) == (1e-4, 1e-2)
    logarithms = parameter(distribution="log_uniform", min=-2, max=1)
    assert not logarithms.log and logarithms.value(-2) == pytest.approx(math.exp(-2))


def test_quantised_values_are_multiples():
    quantised = parameter(distribution="q_uniform", min=0, max=1, q=0.1)
    assert [quantised.value(x) for x in (0.0, 0.04, 0.26, 0.33, 1.0)] == [0.0, 0.0, 0.3, 0.3, 1.0]
    assert parameter(min=0, max=10, q=5).value(7.6) == 10
    assert parameter(distribution="q_normal", mu=10, sigma=3, q=2).value(0.5) == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "an object with"),
        ({"method": "random"}, "an object with"),
        ({"method": "genetic"}, "method: expected grid, random or bayes, got 'genetic'"),
        ({"method": "random", "runcap": 3}, "unknown key 'runcap'; did you mean run_cap"),
        ({"method": "random", "run_cap": 0}, "run_cap: expected a whole number of at least 1, got 0"),
        (
            {"method": "random", "metric": {"name": "x", "goal": "max"}},
            "metric.goal: expected maximize or minimize",
        ),
        ({"method": "grid", "parameters": {SIZE: {"min": 1, "max": 2}}}, f"{SIZE}: a grid has"),
        ({"method": "random", "parameters": {"env.size": {"value": 1}}}, "names begin with env_cfg"),
        ({"method": "random", "parameters": {SIZE: 3}}, f"{SIZE}: expected"),
        ({"method": "random", "parameters": {SIZE: {"values": []}}}, "list of 'values'"),
        ({"method": "random", "parameters": {SIZE: {"value": 1, "values": [2]}}}, "either 'value' or"),
        ({"method": "random", "parameters": {SIZE: {"min": 3, "max": 1}}}, "min 3 and max 1 make no range"),
        ({"method": "random", "parameters": {SIZE: {"min": 3}}}, "max: needs a value"),
        ({"method": "random", "parameters": {SIZE: {"min": 1, "mx": 3}}}, "unknown key 'mx'; did you mean max"),
        ({"method": "random", "parameters": {SIZE: {"distribution": "beta"}}}, "distribution: expected uniform, "),
        (
            {"method": "random", "parameters": {SIZE: {"distribution": "log_uniform_values", "min": 0, "max": 1}}},
            "make no range",
        ),
        (
            {"method": "random", "parameters": {SIZE: {"distribution": "normal", "sigma": 0}}},
            "sigma: expected a number above 0",
        ),
        ({"method": "random", "parameters": {SIZE: {"distribution": "q_normal"}}}, "q_normal needs a step q"),
        ({"method": "random", "parameters": {"train_cfg.runner.resume": {"value": 1}}}, "not for a sweep to choose"),
        (
            {"method": "random", "early_terminate": {"type": "median"}},
            "type: expected hyperband, got 'median'",
        ),
        ({"method": "random", "early_terminate": {"type": "hyperband"}}, "hyperband needs min_iter"),
        (
            {"method": "random", "early_terminate": {"type": "hyperband", "min_iter": 0}},
            "min_iter: expected a number of at least 1",
        ),
    ],
)
def test_mistakes_in_a_file(tmp_path, content, message):
    if isinstance(content, dict) and len(content) > 0 and message != "an object with":
        content = {"parameters": {SIZE: {"value": 2}}, **content}
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        sweep_config.read_file(str(path))
    assert message in str(error.value) and str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "form", "message"),
    [
        ("env_cfg.env.sise", {"value": 1}, "unknown setting env_cfg.env.sise; did you mean env_cfg.env.size"),
        ("train_cfg.size", {"value": 1}, "unknown setting train_cfg.size"),
        (SIZE, {"min": 1.0, "max": 3.0}, f"{SIZE}: expected a whole number"),
        (SIZE, {"values": [1, "many"]}, f"{SIZE}: expected a whole number, got 'many'"),
    ],
)
def test_a_parameter_must_be_a_setting_that_takes_its_values(name, form, message):
    with pytest.raises(UserError, match=message):
        sweep_config.check(
            sweep_config.parse({"method": "random", "parameters": {name: form}}), CommandLine(task="fake")
        )


def test_weights_of_old_files_are_pointed_to_their_place():
    old = sweep_config.parse(
        {"method": "random", "parameters": {"train_cfg.policy.reward.weights.torque": {"value": 1}}}
    )
    message = r"unknown setting train_cfg.policy.reward.weights.torque.*; .* are env_cfg.rewards.scales.torques"
    with pytest.raises(UserError, match=message):
        sweep_config.check(old, CommandLine(task="a1_flat"))


def test_flags_and_settings_win_over_the_sweep_which_wins_over_files(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("{env: {env: {size: 7, num_envs: 7}}, train: {seed: 7}}")
    wanted = {SIZE: 9, "env_cfg.env.num_envs": 8, RATE: 0.5, "env_cfg.seed": 6}
    line = command(
        ["--task=fake", f"--cfg={tmp_path}/mine.yaml", "--num_envs=16", "--train.algorithm.learning_rate=0.25"]
    )
    env_cfg, train_cfg, effective = sweep_config.resolve(line, wanted)
    assert effective == {SIZE: 9, "env_cfg.env.num_envs": 16, RATE: 0.25, "env_cfg.seed": 6}
    assert (env_cfg.seed, train_cfg.seed) == (6, 6)
    assert sweep_config.overridden(wanted, effective) == {"env_cfg.env.num_envs": 16, RATE: 0.25}
    assert capsys.readouterr().out.count("warning: the command line wins over the sweep: ") == 2
    # train.py, given the file of the run, comes to the same
    (tmp_path / "run.yaml").write_text(sweep_config.settings_file(wanted))
    cfgs = task_registry.get_cfgs("fake")
    replace(line, files=(*line.files, str(tmp_path / "run.yaml"))).apply(*cfgs)
    assert [cfg.to_dict() for cfg in cfgs] == [env_cfg.to_dict(), train_cfg.to_dict()]


def test_a_parameter_that_the_command_line_sets_is_no_choice_any_more():
    forms = {SIZE: {"values": [2, 3, 4]}, RATE: {"min": 0.1, "max": 0.2}}
    fixed = sweep_config.check(
        sweep_config.parse({"method": "random", "run_cap": 5, "parameters": forms}),
        command(["--task=fake", "--env.env.size=3"]),
    )
    assert fixed.content == {"method": "random", "run_cap": 5, "parameters": {**forms, SIZE: {"value": 3}}}
    assert fixed.parameters[SIZE].values == (3,)
