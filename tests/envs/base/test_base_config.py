"""Configs: instances from nested classes, typed settings by path, round trips through files."""

from __future__ import annotations

import pickle
from typing import Any, Optional

import pytest
import yaml

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import BaseConfig, ObsTerm, Termination, table
from legged_gym.envs.base.table_entries import Entry
from legged_gym.errors import UserError
from legged_gym.settings import setting


class Cfg(BaseConfig):
    class env:
        num_envs = 4096
        episode_length_s = 20.0
        send_timeouts = True
        num_privileged_obs = None
        name: Optional[str] = "robot"
        load_run: Any = -1

        def steps(self):
            return self.num_envs

    class terrain:
        mesh_type = "plane"
        num_rows = 10
        proportions = [0.1, 0.9]
        shape = (3, 4)

    class control:
        stiffness = {"hip": 20.0, "knee": 30.0}

    class observations:
        class policy:
            base_lin_vel = ObsTerm(scale=2.0, noise=0.2)
            base_ang_vel = ObsTerm(scale=0.25, noise=0.05)
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])

    class terminations:
        contact = Termination(threshold=1.0)
        time_out = Termination(time_out=True)


class DerivedCfg(Cfg):
    class terrain(Cfg.terrain):
        proportions = [0, 1]
        num_cols = 20

    class observations(Cfg.observations):
        class policy(Cfg.observations.policy):
            base_lin_vel = None
            actions = ObsTerm()
            base_ang_vel = ObsTerm(scale=0.5)


def test_nested_classes_become_instances_that_share_nothing():
    first, second = Cfg(), Cfg()
    first.env.num_envs = 3
    first.terrain.proportions.append(0.5)
    first.control.stiffness["hip"] = 1.0
    first.observations.policy.base_lin_vel.noise = 9.0
    for other in (second, Cfg()):
        assert other.env.num_envs == 4096
        assert other.terrain.proportions == [0.1, 0.9]
        assert other.control.stiffness == {"hip": 20.0, "knee": 30.0}
        assert other.observations.policy.base_lin_vel.noise == 0.2
    assert Cfg.env.num_envs == 4096


def test_methods_are_no_settings_but_stay_methods():
    cfg = Cfg()
    assert cfg.env.steps() == 4096
    assert "steps" not in cfg.to_dict()["env"]


def test_order_is_base_first_and_an_override_keeps_its_place():
    policy = DerivedCfg().observations.policy
    assert list(vars(policy)) == ["base_lin_vel", "base_ang_vel", "commands", "actions"]
    assert list(table(policy)) == ["base_ang_vel", "commands", "actions"]  # None takes an entry out
    assert policy.base_ang_vel == ObsTerm(scale=0.5)
    assert list(DerivedCfg().to_dict()["terrain"])[-1] == "num_cols"


def test_two_bases_follow_the_method_resolution_order():
    class Left(Cfg):
        class env(Cfg.env):
            num_envs = 1

    class Right(Cfg):
        class env(Cfg.env):
            num_envs = 2
            episode_length_s = 5.0

    class Both(Left, Right):
        class env(Left.env, Right.env):
            pass

    assert (Both().env.num_envs, Both().env.episode_length_s) == (1, 5.0)


def test_to_dict_is_plain_and_update_takes_it_back():
    cfg = DerivedCfg()
    cfg.set("env.num_envs", 7)
    cfg.set("observations.policy.commands.scale", [1, 2, 3])
    text = yaml.safe_dump(cfg.to_dict(), sort_keys=False)
    other = DerivedCfg()
    other.update(yaml.safe_load(text))
    assert other.to_dict() == cfg.to_dict()
    assert other.terrain.shape == (3, 4)  # a tuple stays one, though YAML has lists only
    assert other.observations.policy.base_lin_vel is None
    assert other.terminations.time_out == Termination(time_out=True)


def test_config_instances_can_be_pickled():
    assert pickle.loads(pickle.dumps(Cfg())).to_dict() == Cfg().to_dict()


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("terrain.num_rows", "6", 6),
        ("terrain.num_rows", "1e2", 100),
        ("env.episode_length_s", 5, 5.0),
        ("env.episode_length_s", "3e-4", 3e-4),
        ("env.episode_length_s", "inf", float("inf")),
        ("env.send_timeouts", "false", False),
        ("env.send_timeouts", "True", True),
        ("env.num_privileged_obs", "12", 12),
        ("env.num_privileged_obs", "{a: [1e-3, x]}", {"a": [1e-3, "x"]}),
        ("env.num_privileged_obs", "None", None),
        ("env.name", "None", None),
        ("env.name", "007", "007"),
        ("env.load_run", "20260101_000000_x", "20260101_000000_x"),
        ("env.load_run", "-1", -1),
        ("terrain.mesh_type", "none", "none"),
        ("terrain.proportions", "[1, 5e-1]", [1.0, 0.5]),
        ("terrain.proportions", [1], [1.0]),
        ("terrain.shape", [5, 6], (5, 6)),
        ("control.stiffness.hip", "40", 40.0),
        ("control.stiffness", "{joint: 25}", {"joint": 25.0}),
        ("observations.policy.base_ang_vel.noise", "0.3", 0.3),
        ("observations.policy.base_ang_vel.clip", "[-1, 1]", [-1.0, 1.0]),
        ("observations.policy.base_ang_vel", "null", None),
        ("observations.policy.base_ang_vel", "{noise: 1e-3}", ObsTerm(scale=0.25, noise=1e-3)),
        ("terminations.contact.time_out", "true", True),
        ("terminations.contact.threshold", None, None),
    ],
)
def test_set_converts_to_the_type_of_the_setting(path, value, expected):
    cfg = Cfg()
    cfg.set(path, value)
    found = cfg.get(path)
    assert found == expected
    assert type(found) is type(expected)


def test_a_list_is_of_floats_if_any_class_writes_floats():
    cfg = DerivedCfg()
    assert cfg.terrain.proportions == [0, 1]
    cfg.set("terrain.proportions", "[0.5, 0.5]")
    assert cfg.terrain.proportions == [0.5, 0.5]


def test_an_entry_that_a_subclass_took_out_can_be_put_back_by_its_fields():
    cfg = DerivedCfg()
    cfg.set("observations.policy.base_lin_vel", "{noise: 0.5}")
    assert cfg.observations.policy.base_lin_vel == ObsTerm(scale=2.0, noise=0.5)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("terrain.num_row", 1, "unknown setting env.terrain.num_row; did you mean env.terrain.num_rows?"),
        ("num_rows", 1, "unknown setting env.num_rows; did you mean env.terrain.num_rows?"),
        ("terain.num_rows", 1, "did you mean env.terrain?"),
        ("observations.policy.base_lin_vel.nois", 1, "did you mean env.observations.policy.base_lin_vel.noise?"),
        ("control.stiffness.ankle", 1, "unknown setting env.control.stiffness.ankle; known here: hip, knee"),
        ("terrain.num_rows.x", 1, "env.terrain.num_rows is a single value, it has no 'x'"),
        ("terrain.num_rows", "6.5", "env.terrain.num_rows: expected a whole number, got '6.5'"),
        ("terrain.num_rows", True, "expected a whole number, got True"),
        ("terrain.num_rows", None, "needs a value, it cannot be None"),
        ("terrain.mesh_type", 5, "expected text, got 5; put it in quotes"),
        ("env.episode_length_s", "long", "expected a number, got 'long'"),
        ("env.episode_length_s", "nan", "expected a number, got 'nan'"),
        ("env.send_timeouts", 1, "expected true or false, got 1"),
        ("terrain.proportions", "0.5", "expected a list like [a, b], got 0.5"),
        ("terrain.proportions", "[a]", "env.terrain.proportions[0]: expected a number, got 'a'"),
        ("terrain.proportions", "[1", "env.terrain.proportions: cannot read '[1' as a value"),
        ("control.stiffness", [1], "expected a dict"),
        ("control.stiffness.hip", "stiff", "env.control.stiffness.hip: expected a number"),
        ("terrain", 5, "env.terrain: expected a group of settings, got 5"),
        (
            "observations.policy.base_ang_vel",
            5,
            "expected fields (scale, noise, clip, gaussian, history, newest_first, hold, offset) or None, got 5",
        ),
        ("terminations.contact.time_out", 1.0, "expected true or false"),
        ("observations.policy.base_ang_vel.noise", None, "noise: needs a value, it cannot be None"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting(path, value, message):
    cfg = Cfg()
    with pytest.raises(UserError) as caught:
        cfg.set(path, value, prefix="env.")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert cfg.to_dict() == Cfg().to_dict()


def test_update_of_a_file_reads_numbers_that_yaml_takes_for_text():
    cfg = Cfg()
    text = "{env: {episode_length_s: 3e-4, num_privileged_obs: 1e3}, terrain: {proportions: [1e-1]}}"
    cfg.update(yaml.safe_load(text))
    assert cfg.env.episode_length_s == 3e-4
    assert cfg.env.num_privileged_obs == 1000.0
    assert cfg.terrain.proportions == [0.1]


def test_update_names_the_wrong_key_or_collects_all_problems():
    values = {"terrain": {"num_row": 1, "num_rows": "many", "num_cols": 5}, "env": {"num_envs": 2}}
    with pytest.raises(UserError, match=r"unknown setting env\.terrain\.num_row; did you mean"):
        Cfg().update(values, prefix="env.")
    cfg, problems = DerivedCfg(), []
    cfg.update(values, prefix="env.", problems=problems)
    assert (cfg.terrain.num_cols, cfg.env.num_envs) == (5, 2)
    assert len(problems) == 2
    assert "num_row;" in problems[0] and "num_rows: expected a whole number" in problems[1]


def test_a_section_of_weights_takes_new_names_and_others_do_not():
    cfg = A1FlatCfg()
    cfg.set("rewards.scales.progress", "2")
    cfg.update({"rewards": {"scales": {"turning": 1}}})
    assert (cfg.get("rewards.scales.progress"), cfg.get("rewards.scales.turning")) == (2.0, 1.0)
    assert A1FlatCfg().difference(cfg) == {} and cfg.difference(A1FlatCfg()) == {
        "rewards": {"scales": {"progress": 2.0, "turning": 1.0}}
    }
    again = A1FlatCfg()
    assert again.restore(cfg.to_dict()) == [] and again.to_dict() == cfg.to_dict()
    with pytest.raises(UserError, match=r"unknown setting rewards\.scales\.progres; did you mean .*\.progress"):
        cfg.get("rewards.scales.progres")
    with pytest.raises(UserError, match=r"rewards\.scales\.turning: expected a number, got 'much'"):
        cfg.set("rewards.scales.turning", "much")
    with pytest.raises(UserError, match=r"scales\.lift is a single value, it has no 'up'"):
        cfg.set("rewards.scales.lift.up", "1")


def test_restore_gives_tables_the_saved_entries_in_the_saved_order():
    saved = DerivedCfg().to_dict()  # base_lin_vel None, base_ang_vel, commands, actions
    policy = saved["observations"]["policy"]
    saved["observations"]["policy"] = {name: policy[name] for name in ("actions", "base_ang_vel", "base_lin_vel")}
    del saved["terrain"]["num_rows"]
    saved["env"]["old_setting"] = 1
    cfg = DerivedCfg()
    problems = cfg.restore(saved, "env.")
    assert list(table(cfg.observations.policy)) == ["actions", "base_ang_vel"]
    assert cfg.observations.policy.commands is None  # newer than the saved run: not part of its vectors
    assert cfg.terrain.num_rows == 10
    assert len(problems) == 2
    assert "unknown setting env.env.old_setting" in problems[0]
    assert "not in the saved config, left as they are: env.terrain.num_rows" in problems[1]


def test_restoring_an_own_config_changes_nothing_and_reports_nothing():
    cfg = DerivedCfg()
    assert cfg.restore(yaml.safe_load(yaml.safe_dump(DerivedCfg().to_dict()))) == []
    assert sorted(cfg.to_dict()) == sorted(DerivedCfg().to_dict())


def test_a_value_that_no_file_can_hold_is_refused_at_construction():
    class Bad(BaseConfig):
        class env:
            limits = [1.0, object()]

    with pytest.raises(UserError, match=r"env\.limits: .* not object"):
        Bad()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ObsTerm(scale="big"), "term.scale: expected a number, got 'big'"),
        (ObsTerm(noise=-1.0), "term.noise: expected a number of at least 0, got -1.0"),
        (ObsTerm(noise=[0.1, -1.0]), "term.noise[1]: expected a number of at least 0, got -1.0"),
        (ObsTerm(clip=[]), "term.clip: expected 2 numbers, got []"),
        (ObsTerm(clip=[1.0]), "term.clip: expected 2 numbers, got [1.0]"),
        (ObsTerm(clip=[2.0, 1.0]), "term.clip: expected [low, high] with low <= high, got [2.0, 1.0]"),
        (Termination(time_out=3), "term.time_out: expected true or false, got 3"),
        (
            0.05,
            "term: expected fields (scale, noise, clip, gaussian, history, newest_first, hold, offset) or None,"
            " got 0.05",
        ),
    ],
)
def test_the_fields_of_entries_are_checked_when_a_config_is_made(entry, message):
    class Terms(BaseConfig):
        class table:
            _each = setting(ObsTerm(), Entry(True, ObsTerm() if not isinstance(entry, Termination) else entry))
            term = entry

    with pytest.raises(UserError) as caught:
        Terms()
    assert str(caught.value) == f"table.{message}"


def test_whole_numbers_of_an_entry_become_floats():
    class Terms(BaseConfig):
        class table:
            term = ObsTerm(scale=(1, 2), clip=3)

    assert Terms().table.term == ObsTerm(scale=[1.0, 2.0], clip=3.0)
