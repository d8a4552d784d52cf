"""What play, evaluation and others change in a config, and ids of variants that load what their task learned."""

from __future__ import annotations

import pytest

from legged_gym.envs import registry
from legged_gym.envs.a1.a1_config import A1FlatCfg, A1FlatCfgPPO, A1RoughCfg
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.envs.variants import (
    for_evaluation,
    for_play,
    for_pure_commands,
    has_velocity_commands,
    walks_lanes,
)
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import find_policy, load_policy
from tests.policies.tiny_run import flags, make_env, make_run


def test_settings_of_play():
    cfg = A1RoughCfg()
    for_play(cfg)
    assert cfg.env.num_envs == 50
    assert (cfg.terrain.num_rows, cfg.terrain.num_cols, cfg.terrain.curriculum) == (5, 5, False)
    assert not cfg.depth_camera.noise.enabled
    assert not (cfg.noise.add_noise or cfg.domain_rand.randomize_friction or cfg.domain_rand.push_robots)
    cfg.env.num_envs = 2
    for_play(cfg)
    assert cfg.env.num_envs == 2


def test_curricula_are_off_for_evaluation():
    cfg = A1RoughCfg()
    cfg.commands.curriculum, cfg.commands.pure_fraction, cfg.commands.standing_fraction = True, 0.25, 0.1
    cfg.terrain.curriculum, cfg.domain_rand.widen_over = False, [5, 10]
    for_evaluation(cfg)
    # robots differ as much as at the end of training
    assert cfg.domain_rand.widen_over is None
    # whatever part of the commands was simpler in training
    assert cfg.commands.pure_fraction == cfg.commands.standing_fraction == 0.0
    # a map with levels by row and types by column; robots are then placed by the schedule
    assert (cfg.commands.curriculum, cfg.terrain.curriculum) == (False, True)


def test_a_task_has_the_last_word():
    cfg = Go2Cfg()
    cfg.commands.jump_fraction = 0.5
    for_evaluation(cfg)
    assert cfg.commands.initial_height is None and cfg.commands.jump_fraction == 0.5
    for_pure_commands(cfg, nominal=False, episode_length_s=20.0)
    assert cfg.commands.initial_height is None and cfg.commands.jump_fraction == 0.0
    for_pure_commands(cfg, nominal=True, episode_length_s=20.0)
    assert cfg.commands.initial_height == pytest.approx(0.3)  # the middle of 0.2 and 0.4


@pytest.mark.parametrize(("trained", "nominal"), [([0, 0], 0), ([1, 1], 1), ([0, 1], 0), ([0, 2], 1), ([1, 3], 2)])
def test_a_nominal_delay_is_the_middle(trained, nominal):
    cfg = Go2Cfg()
    cfg.control.action_delay = trained
    for_pure_commands(cfg, nominal=True, episode_length_s=20.0)
    assert cfg.control.action_delay == [nominal, nominal]


def test_a_task_without_velocity_commands_is_recognised():
    cfg = A1FlatCfg()
    assert has_velocity_commands(cfg)
    cfg.observations.policy.commands = None
    assert not has_velocity_commands(cfg)


def test_lanes_are_recognised():
    cfg = A1RoughCfg()
    assert not walks_lanes(cfg)
    cfg.terrain.tile_types = ["stairs_up", "lane_gaps"]
    assert walks_lanes(cfg)
    cfg.terrain.selected, cfg.terrain.terrain_kwargs = True, {"type": "stairs_up"}
    assert not walks_lanes(cfg)
    cfg.terrain.terrain_kwargs = {"type": "lane_stairs", "difficulty": 0.5}
    assert walks_lanes(cfg)
    cfg.terrain.mesh_type = "plane"
    assert not walks_lanes(cfg)


class PlayCfg(A1FlatCfg):
    class env(A1FlatCfg.env):
        num_envs = 7

    class noise(A1FlatCfg.noise):
        add_noise = False

    class terminations(A1FlatCfg.terminations):
        base_contact = None


@pytest.fixture
def play_id(monkeypatch):
    monkeypatch.setattr(registry, "TASKS", dict(registry.TASKS))
    registry.register("A1-Flat-Play", registry.find("a1_flat").env_class, PlayCfg, A1FlatCfgPPO, variant_of="a1_flat")
    return registry.find("A1-Flat-Play")


def test_a_variant_names_what_it_has_of_its_own(play_id):
    own = {"env": {"num_envs": 7}, "terminations": {"base_contact": None}, "noise": {"add_noise": False}}
    assert play_id.own_settings() == own
    assert registry.find("a1_flat").own_settings() == {}
    assert registry.family("A1-Flat-Play") == ("A1-Flat-Play", "a1_flat") and registry.family("a1_flat") == ("a1_flat",)


def test_a_variant_loads_the_policies_of_its_task(play_id, tmp_path):
    """With the settings saved there, but for its own, over which the command line wins."""
    run = make_run(tmp_path, "a1_flat", "--env.control.action_scale=0.125")
    for argv in (["--task=A1-Flat-Play", f"--load_run={run}"], ["--task=A1-Flat-Play", f"--policy={run}"]):
        source = find_policy(flags(*argv, "--seed=5"))
        cfg = source.env_cfg
        assert (source.task, cfg.env.num_envs, cfg.noise.add_noise) == ("A1-Flat-Play", 7, False)
        assert (cfg.control.action_scale, cfg.terminations.base_contact, cfg.seed) == (0.125, None, 5)
    assert find_policy(flags("--task=A1-Flat-Play", f"--policy={run}", "--num_envs=3")).env_cfg.env.num_envs == 3
    env = make_env(find_policy(flags("--task=A1-Flat-Play", f"--policy={run}")))
    load_policy(source, env)(env.reset())
    env.close()
    with pytest.raises(UserError, match="is a policy of task 'a1_flat', not 'a1'"):
        find_policy(flags("--task=a1", f"--policy={run}"))


def test_a_task_may_have_more_names_and_an_id_of_its_play():
    train = registry.find("Isaac-Go2-Parkour-Teacher-v0")
    assert train.name == "go2_parkour" and flags("--task=Isaac-Go2-Parkour-Teacher-v0").task == "go2_parkour"
    play = registry.find("Isaac-Extreme-Parkour-Teacher-Unitree-Go2-Play-v0")
    assert registry.family(play.name) == ("Isaac-Go2-Parkour-Teacher-Play-v0", "go2_parkour")
    own = play.own_settings()
    assert own["env"] == {"num_envs": 50, "episode_length_s": 60.0} and own["domain_rand"]["push_robots"] is False
    for name, task in (("a1", "go2"), ("Isaac-Go2-Parkour-Teacher-v0", "go2"), ("x", "a1_flot")):
        with pytest.raises(ValueError, match="it is taken, or there is no such task"):
            registry.alias(name, task)
    with pytest.raises(UserError, match=r"unknown task 'Isaac-Go2-Parkour-Teacher'; did you mean .*Teacher-v0"):
        registry.find("Isaac-Go2-Parkour-Teacher")


def test_a_variant_of_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "TASKS", dict(registry.TASKS))
    with pytest.raises(ValueError, match="'x' is a variant of 'a1_flot', which is not registered"):
        registry.register("x", "module:Class", PlayCfg, A1FlatCfgPPO, variant_of="a1_flot")
