"""Control types: who computes the torque, from which target, and what is remembered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from legged_gym.actuators.files import METADATA_FILE, save_network
from legged_gym.actuators.networks import NetworkSpec, build_network
from legged_gym.envs import A1FlatActuatorNetCfg, A1FlatActuatorNetCfgPPO, A1FlatCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.errors import UserError
from rsl_rl.runners import OnPolicyRunner

KP, KD = 20.0, 0.5
QUIET = {
    "noise": {"add_noise": False},
    "domain_rand": {"push_robots": False, "randomize_friction": False, "randomize_base_mass": False},
    "init_state": {"max_random_vel": 0.0, "dof_pos_factor": [0.9, 1.1]},
}


def make_env(cfg: Any = None, num_envs: int = 3, seed: int = 3, **control: Any) -> LeggedRobot:
    cfg = cfg or A1FlatCfg()
    cfg.update(QUIET)
    cfg.env.num_envs = num_envs
    cfg.update({"control": {"action_delay": [0, 0], **control}})
    env = LeggedRobot(cfg, sim="mujoco", seed=seed)
    env.reset()
    return env


def actions_of(env: LeggedRobot, seed: int) -> torch.Tensor:
    return torch.randn(env.num_envs, env.num_actions, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def pd_file(tmp_path_factory):
    """A network that is a PD controller: one linear layer."""
    spec = NetworkSpec("mlp", error_scale=0.1, velocity_scale=2.0, torque_scale=5.0)
    network = build_network(spec)
    network.layers[0].weight.data = torch.tensor([[KP * 0.1 / 5.0, -KD * 2.0 / 5.0]])
    network.layers[0].bias.data.zero_()
    path = str(tmp_path_factory.mktemp("net") / "pd.pt")
    save_network(path, network, spec)
    return path


@pytest.fixture
def net_file(tmp_path):
    """A network with a past: PD on the present sample, and a little of what was three sub-steps ago."""
    spec = NetworkSpec("mlp", history=2, sample_interval=0.015)
    network = build_network(spec)
    network.layers[0].weight.data = torch.tensor([[KP, 2.0, -KD, -0.05]])
    network.layers[0].bias.data.zero_()
    save_network(str(tmp_path / "net.pt"), network, spec)
    return str(tmp_path / "net.pt")


@pytest.mark.parametrize("target_filter", [None, 0.4])
def test_a_network_that_is_a_pd_controller_moves_robots_as_the_engines_does(pd_file, target_filter):
    engine = make_env(target_filter=target_filter)
    network = make_env(control_type="actuator_net", actuator_net_file=pd_file, target_filter=target_filter)
    for k in range(20):
        for env in (engine, network):
            env.step(actions_of(env, k))
    assert not engine.reset_buf.any()
    # the engine computes in float64; contacts let differences grow, so these are small and not zero
    assert torch.allclose(engine.dof_pos, network.dof_pos, atol=2e-3)
    assert torch.allclose(engine.root_states[:, :7], network.root_states[:, :7], atol=2e-3)
    assert torch.allclose(engine.torques, network.torques, atol=0.1)


@pytest.mark.parametrize("control_type", ["P", "actuator_net"])
def test_the_target_filter_is_an_exponential_average_of_every_sub_step(pd_file, control_type):
    share = 0.3
    env = make_env(control_type=control_type, actuator_net_file=pd_file, target_filter=share, decimation=3)
    torques = []
    step, step_torques = env.sim.step, env.sim.step_torques

    def noting(advance):
        def note(*args):
            before = (env.dof_pos.double().clone(), env.dof_vel.double().clone())
            advance(*args)
            torques.append((*before, env.torques.double().clone()))

        return note

    env.sim.step, env.sim.step_torques = noting(step), noting(step_torques)
    first, second = actions_of(env, 0), actions_of(env, 1)
    env.step(first)
    env.reset_idx(torch.tensor([2]))
    env.step(second)
    assert len(torques) == 6
    offset = np.zeros((3, 12))
    for k, (position, velocity, torque) in enumerate(torques):
        if k == 3:
            offset[2] = 0.0  # an episode starts at the default pose
        wanted = (first if k < 3 else second).numpy() * env.cfg.control.action_scale
        offset = share * wanted + (1 - share) * offset
        target = offset + env.default_dof_pos.numpy()
        expected = np.clip(KP * (target - position.numpy()) - KD * velocity.numpy(), -33.5, 33.5)
        np.testing.assert_allclose(torque.numpy(), expected, atol=2e-4)


def test_a_reset_clears_the_drives_of_that_robot_alone(net_file):
    env = make_env(control_type="actuator_net", actuator_net_file=net_file)
    for k in range(3):
        env.step(actions_of(env, k))
    before = env.control.actuator.memory["inputs"].clone()
    env.reset_idx(torch.tensor([1]))
    after = env.control.actuator.memory["inputs"]
    assert before[:, 1].any() and not after[:, 1].any()
    assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])


def test_saved_drives_and_filters_go_on_with_the_same_bits(net_file):
    control = dict(control_type="actuator_net", actuator_net_file=net_file, target_filter=0.5)
    env = make_env(**control)
    for k in range(5):
        env.step(actions_of(env, k))
    fresh = make_env(seed=9, **control)
    fresh.load_state_dict(env.state_dict())
    for k in range(5, 15):
        for one in (env, fresh):
            one.step(actions_of(one, k))
        assert torch.equal(env.root_states, fresh.root_states) and torch.equal(env.torques, fresh.torques)


def test_a_state_from_before_there_were_drives_goes_on():
    env = make_env()
    for step in range(3):
        env.step(actions_of(env, step))
    old = env.state_dict()
    del old["control"]
    fresh = make_env(seed=4)
    fresh.load_state_dict(old)
    env.step(actions_of(env, 9))
    fresh.step(actions_of(env, 9))
    assert torch.equal(fresh.root_states, env.root_states)


def test_a_state_of_other_drives_is_refused(net_file, pd_file):
    other = dict(control_type="actuator_net", actuator_net_file=pd_file)
    for saved in (make_env(), make_env(**other)):
        env = make_env(control_type="actuator_net", actuator_net_file=net_file)
        with pytest.raises(UserError, match="of other drives"):
            env.load_state_dict(saved.state_dict())


def make_runner(net_file: str) -> OnPolicyRunner:
    env_cfg, train_cfg = A1FlatActuatorNetCfg(), A1FlatActuatorNetCfgPPO()
    env_cfg.update({"env": {"num_envs": 8, "episode_length_s": 0.4}})
    env_cfg.update({"control": {"actuator_net_file": net_file, "target_filter": 0.6}})
    train_cfg.update({"policy": {"actor_hidden_dims": [16], "critic_hidden_dims": [16]}, "runner": {"logger": "none"}})
    env = LeggedRobot(env_cfg, sim="mujoco", seed=1)
    env.reset()
    return OnPolicyRunner(env, train_cfg.to_dict(), None, "cpu")


def test_a_resumed_run_with_drives_is_the_run_that_was_never_stopped(net_file, tmp_path):
    whole = make_runner(net_file)
    whole.learn(4)
    first = make_runner(net_file)
    first.learn(2)
    first.save(str(tmp_path / "model_2.pt"))
    second = make_runner(net_file)
    second.load(str(tmp_path / "model_2.pt"))
    second.learn(2)
    for one, other in zip(second.policy.parameters(), whole.policy.parameters()):
        assert torch.equal(one, other)
    assert torch.equal(second.env.control.actuator.memory["inputs"], whole.env.control.actuator.memory["inputs"])


def test_motor_strength_and_torque_limits_apply_to_what_the_network_says(pd_file):
    cfg = A1FlatCfg()
    control = dict(control_type="actuator_net", actuator_net_file=pd_file, decimation=1, action_scale=1.0)
    env = make_env(cfg, **control)
    strengths = torch.rand(3, 12, generator=torch.Generator().manual_seed(0)) + 0.5
    env.sim.set_motor_strength(torch.arange(3), strengths)
    actions = 3.0 * actions_of(env, 0)
    commanded = KP * (actions + env.default_dof_pos - env.dof_pos) - KD * env.dof_vel
    env.step(actions)
    assert torch.allclose(env.torques, (strengths * commanded).clamp(-33.5, 33.5), atol=1e-3)
    assert (env.torques.abs() == 33.5).any()


class BreaksFar(nn.Module):
    """A PD controller that gives no number for errors of half a radian and more."""

    def forward(self, x: Tensor) -> Tensor:
        return 20.0 * x[:, :1] - 0.5 * x[:, 1:] + 0.0 * torch.sqrt(0.5 - x[:, :1].abs())


def test_a_network_that_gives_no_number_ends_that_robots_episode_alone(tmp_path):
    path = str(tmp_path / "breaks.pt")
    torch.jit.save(torch.jit.script(BreaksFar()), path, _extra_files={METADATA_FILE: '{"type": "mlp"}'})
    env = make_env(control_type="actuator_net", actuator_net_file=path, action_scale=1.0)
    actions = torch.zeros(3, 12)
    actions[1, 4] = 2.0
    _, rewards, dones, _ = env.step(actions)
    assert dones.tolist() == [False, True, False] and env.num_failures == 1
    assert torch.isfinite(rewards).all() and torch.isfinite(env.obs_buf["policy"]).all()
    _, _, dones, _ = env.step(torch.zeros(3, 12))
    assert not dones.any()


def test_configs_of_legged_gym_may_say_use_actuator_network(pd_file):
    class Ported(A1FlatCfg):
        class control(A1FlatCfg.control):
            use_actuator_network = True
            actuator_net_file = pd_file

    env = make_env(Ported())
    assert env.cfg.control.control_type == "actuator_net" and env.control.actuator is not None


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ({"control_type": "actuator_net"}, "needs control.actuator_net_file"),
        ({"control_type": "actuator_net", "actuator_net_file": "/nowhere/net.pt"}, "no actuator file at '/nowhere"),
        ({"control_type": "T", "target_filter": 0.5}, "target_filter needs control.control_type P or actuator_net"),
        ({"target_filter": 0.0}, r"control\.target_filter: expected a number above 0 up to 1, got 0\.0"),
        ({"target_filter": 1.5}, r"control\.target_filter: expected a number above 0 up to 1, got 1\.5"),
    ],
)
def test_control_that_cannot_be_is_refused_in_one_line(control, message):
    with pytest.raises(UserError, match=message) as error:
        make_env(num_envs=1, **control)
    assert "\n" not in str(error.value)
