"""What the settings of robots can be: said once, for classes, files, command lines and assignments alike."""

from __future__ import annotations

import functools
import glob
import math

import pytest
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.envs.a1.a1_config import A1FlatCfg, A1FlatCfgPPO
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO
from legged_gym.errors import UserError

ENV = [
    ("env.num_envs", [0, 2_000_000_000, 99999999999999999999, 1.5, True]),
    ("env.episode_length_s", [0, -1, math.inf, 1e30, math.nan, "9" * 310]),
    ("terrain.mesh_type", ["plain", "trimash", 5]),
    ("terrain.edge_refinement", [0, 1.5]),
    ("terrain.slope_treshold", [-1.0]),
    ("terrain.horizontal_scale", [0.0]),
    ("terrain.vertical_scale", [-0.005]),
    ("terrain.terrain_width", [math.nan]),
    ("terrain.num_rows", [0]),
    ("terrain.num_cols", [2.5]),
    ("terrain.border_size", [-1.0]),
    ("terrain.terrain_proportions", [[0.5, -0.1], [], [0.1] * 8]),
    ("terrain.difficulty_range", [0.5, [0.5, 0.2], [0.0, 1.1], [0.0, math.nan], [0.0, "one"]]),
    ("terrain.roughness", [[0.02], [0.02, -0.04], [True, 0.04]]),
    ("depth_camera.crop", [[-1, 0, 0, 0]]),
    ("depth_camera.horizontal_fov", [180.0]),
    ("depth_camera.image_shape", [[0, 5]]),
    ("depth_camera.far", [math.inf]),
    ("depth_camera.position", [[0.0, 0.1]]),
    ("depth_camera.position_jitter", [-0.1]),
    ("depth_camera.pitch_jitter", [-1.0]),
    ("terrain.max_init_terrain_level", [-1]),
    ("terrain.terrain_length", [1e9, 0]),
    ("terrain.static_friction", [-1]),
    ("terrain.tile_types", [5, [5]]),
    ("terrain.terrain_kwargs", [5, [1]]),
    ("commands.resampling_time", [0, -1]),
    ("commands.standing_fraction", [2, -1]),
    ("commands.ranges.lin_vel_x", [0.5, [1], [], [1, 2, 3], [1, -1], [-1e30, 1e30], None]),
    ("init_state.pos", [[1, 2], [1, 2, math.inf]]),
    ("init_state.rot", [[0, 0, 0, 0], [1], [0, 0, 0, 2]]),
    ("init_state.lin_vel", [[1]]),
    ("init_state.ang_vel", [[1]]),
    ("init_state.max_random_pos", [[1], [-1, 0]]),
    ("init_state.dof_pos_factor", [[1], [2, 1]]),
    ("init_state.default_joint_angles", [{"FL_hip_joint": math.inf}, {"FL_hip_joint": 1e30}, [1]]),
    ("control.control_type", ["X", 5]),
    ("control.stiffness", [{"joint": -20}, {"joint": math.inf}]),
    ("control.damping", [{"joint": -1}, {1: 1}, 5]),
    ("control.target_filter", [0, 2, [1, 2]]),
    ("control.action_delay", [2, [1], [-1, 0], [2, 1], [0.5, 1]]),
    ("asset.armature", [math.nan, 1e30, -1, [1], "ü", {"hip": -1}]),
    ("asset.dof_names", [5, [1]]),
    ("asset.body_names", [5, []]),
    ("asset.left_right", [[["a"]], ["a", "b"]]),
    ("asset.penalize_contacts_on", [5, [5]]),
    ("domain_rand.friction_range", [[1], [-1, -0.5]]),
    ("domain_rand.motor_strength_range", [[-2, -1]]),
    ("domain_rand.stiffness_factor_range", [[-5, -4]]),
    ("domain_rand.damping_factor_range", [[-5, -4]]),
    ("domain_rand.push_interval_s", [-1]),
    ("domain_rand.widen_over", [[1], [10, 10], [-1, 10], 5]),
    ("observations.policy.dof_pos", [5, {"noise": -1}, {"clip": []}, {"clip": [1]}, {"clip": [2, 1]}]),
    ("terminations.time_out", [5, {"time_out": 1.0}]),
    ("rewards.scales.torques", [math.inf, "much"]),
    ("rewards.ramps", [{"torques": [1]}, {"torques": [10, 10]}, {"torques": [-1, 10]}]),
    ("rewards.tracking_sigma", [0, -1]),
    ("normalization.clip_actions", [-1]),
    ("normalization.clip_observations", [-1]),
    ("noise.noise_level", [math.inf, -1]),
    ("sim.dt", [10, 0, math.inf, 1e-30]),
    ("sim.gravity", [[1], [0, 0, math.nan]]),
    ("sim.mujoco.iterations", [-1]),
    ("sim.mujoco.impratio", [0]),
    ("sim.mujoco.tolerance", [-1]),
]  # fmt: skip
TRAIN = [
    ("seed", [-7, 99999999999]),
    ("policy.actor_hidden_dims", [[0], [-1], [1.5]]),
    ("policy.actor_obs_groups", [[], [5]]),
    ("policy.critic_obs_groups", [[]]),
    ("algorithm.gamma", [2, -1, math.inf]),
    ("algorithm.lam", [5]),
    ("algorithm.clip_param", [-1, 0]),
    ("algorithm.max_grad_norm", [-1, 0]),
    ("algorithm.learning_rate", [0, -1, math.inf]),
    ("algorithm.weight_decay", [math.inf]),
    ("algorithm.entropy_coef", [math.inf]),
    ("algorithm.value_loss_coef", [math.inf]),
    ("algorithm.desired_kl", [-1]),
    ("runner.log_interval", [0]),
    ("runner.max_wall_time_s", ["abc", 0]),
    ("runner.max_iterations", [0]),
]
CASES = [(cfg, path, value) for cfg, rows in ((LeggedRobotCfg, ENV), (LeggedRobotCfgPPO, TRAIN))
         for path, values in rows for value in values]  # fmt: skip


def derived(base, path, value):
    """A config class that writes the value at the path, in plain classes that inherit from nothing."""
    *sections, name = path.split(".")
    cls = {name: value}
    for section in reversed(sections):
        cls = {section: type(section, (), cls)}
    return type("Derived", (base,), cls)


@pytest.mark.parametrize(("cfg", "path", "value"), CASES, ids=lambda value: str(value)[:40])
def test_what_a_setting_cannot_be_is_one_line_wherever_it_is_written(cfg, path, value):
    *sections, name = path.split(".")
    where = ("env." if cfg is LeggedRobotCfg else "train.") + path
    by_path, by_file, by_hand = cfg(), cfg(), cfg()
    setattr(functools.reduce(getattr, sections, by_hand), name, value)
    nested = functools.reduce(lambda inner, section: {section: inner}, reversed(sections), {name: value})
    for attempt in (
        lambda: by_path.set(path, value if isinstance(value, str) else yaml.safe_dump(value), where[: -len(path)]),
        lambda: by_file.update(nested, where[: -len(path)]),
        lambda: derived(cfg, path, value)(),
        by_hand.check,
    ):
        with pytest.raises(UserError) as caught:
            attempt()
        assert str(caught.value).startswith(where) and "\n" not in str(caught.value)


def test_the_line_for_a_list_of_the_wrong_length():
    with pytest.raises(UserError, match=r"^env\.commands\.ranges\.lin_vel_x: expected 2 numbers, got \[1\]$"):
        LeggedRobotCfg().set("commands.ranges.lin_vel_x", "[1]", "env.")


@pytest.mark.parametrize("cls", [LeggedRobotCfg, LeggedRobotCfgPPO, LeggedRobotCfgDagger])
def test_defaults_are_what_their_settings_can_be(cls):
    cfg = cls()
    before = cfg.to_dict()
    cfg.check()
    assert cfg.to_dict() == before


@pytest.mark.parametrize("name", list(registry.TASKS))
def test_the_settings_of_every_task_hold_and_fit_together(name):
    for cfg in registry.find(name).new_cfgs():
        cfg.check()


@pytest.mark.parametrize("path", sorted(glob.glob(f"{LEGGED_GYM_ROOT_DIR}/resources/policies/*/config.yaml")))
def test_the_configs_of_shipped_policies_are_what_settings_can_be(path):
    with open(path, encoding="utf-8") as file:
        content = yaml.safe_load(file)
    env_cfg, train_cfg = registry.find(content["task"]).new_cfgs()
    problems = env_cfg.restore(content["env"], "env.") + train_cfg.restore(content["train"], "train.")
    assert not [problem for problem in problems if "expected" in problem]


def test_a_plain_class_of_a_user_keeps_the_declarations_and_has_to_have_every_setting():
    class Mine(LeggedRobotCfg):
        class viewer:
            distance = 2
            azimuth = 90
            elevation = 0
            panels = []

    assert Mine().viewer.distance == 2.0 and isinstance(Mine().viewer.distance, float)

    class Short(LeggedRobotCfg):
        class commands:
            heading_command = False

    expected = r"^env\.commands\.curriculum is missing: write class commands\(LeggedRobotCfg\.commands\)"
    with pytest.raises(UserError, match=expected):
        Short()


def test_a_reward_of_a_users_own_table_is_a_number():
    class Mine(A1FlatCfg):
        class rewards(A1FlatCfg.rewards):
            class scales:
                speed = "-1e-5"

    with pytest.raises(UserError, match=r"^env\.rewards\.scales\.speed: expected a number, got '-1e-5'$"):
        Mine()


def test_text_is_the_list_of_it():
    cfg = LeggedRobotCfg()
    cfg.asset.terminate_after_contacts_on = "base"
    cfg.check()
    assert cfg.asset.terminate_after_contacts_on == ["base"]


def test_never_is_infinite():
    cfg = LeggedRobotCfg()
    cfg.commands.resampling_time = cfg.domain_rand.push_interval_s = math.inf
    cfg.check()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domain_rand.push_interval_s": 0.0}, r"^env\.domain_rand\.push_interval_s is 0: set push_robots"),
        ({"domain_rand.widen_over": [0, 100]}, r"^env\.domain_rand\.widen_over needs domain_rand\.every_episode"),
        ({"terrain.terrain_length": 1000.0, "terrain.horizontal_scale": 0.01}, r"^env\.terrain: the map would have"),
    ],
)
def test_settings_that_do_not_fit_together(settings, message):
    cfg = LeggedRobotCfg()
    for path, value in settings.items():
        cfg.set(path, value)
    with pytest.raises(UserError, match=message):
        cfg.check()


def test_pushes_that_are_off_need_no_interval():
    cfg = LeggedRobotCfg()
    cfg.domain_rand.push_robots, cfg.domain_rand.push_interval_s = False, 0.0
    cfg.check()


def test_bounds_of_the_learning_rate():
    cfg = A1FlatCfgPPO()
    cfg.algorithm.min_learning_rate, cfg.algorithm.max_learning_rate = 1.0, 0.1
    with pytest.raises(UserError, match="min_learning_rate is above max_learning_rate"):
        cfg.check()


class Left(A1FlatCfg):
    class sim(A1FlatCfg.sim):
        dt = 0.002

    class observations(A1FlatCfg.observations):
        class critic:
            base_lin_vel = ObsTerm()


class Right(A1FlatCfg):
    class sim(A1FlatCfg.sim):
        num_threads = 1

    class rewards(A1FlatCfg.rewards):
        tracking_sigma = 0.1


def test_a_section_of_two_bases_is_refused_with_the_line_that_joins_it():
    class Both(Left, Right):
        pass

    with pytest.raises(UserError, match=r"write class sim\(Left\.sim, Right\.sim\): pass in it"):
        Both()


def test_joined_sections_keep_what_both_bases_say():
    class Both(Left, Right):
        class sim(Left.sim, Right.sim):
            pass

    cfg = Both()
    assert (cfg.sim.dt, cfg.sim.num_threads, cfg.rewards.tracking_sigma) == (0.002, 1, 0.1)
    assert cfg.observations.critic.base_lin_vel == ObsTerm()


def test_encoders_are_dicts_or_none():
    cfg = registry.find("a1_vision").new_cfgs()[1]
    cfg.set("policy.encoders.commands", "None")
    cfg.check()
    assert cfg.policy.encoders["commands"] is None
    with pytest.raises(UserError, match=r"policy\.encoders\.commands: expected a dict"):
        cfg.set("policy.encoders.commands", "5")
