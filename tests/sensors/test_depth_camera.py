"""When frames are taken and when they are seen, by hand; what is drawn at a reset; resuming."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.sensors.depth_camera import DepthCamera
from tests.sensors.depth_cfg import depth_cfg

DT = 0.02


class CountingSim:
    """Every ray of a cast says at which step it was cast, in hundredths of a metre."""

    def __init__(self, num_envs: int) -> None:
        self.device = torch.device("cpu")
        self.root_states = torch.zeros(num_envs, 13)
        self.root_states[:, 6] = 1.0
        self.step = 0
        self.casts = []
        self.rays = None

    def cast_rays(self, origins, directions, env_ids, robot, max_distance):
        self.casts += [(self.step, env) for env in env_ids.tolist()]
        self.rays = origins, directions, max_distance
        return torch.full(directions.shape[:2], 0.01 * self.step)


def make(num_envs: int = 1, seed: int = 0, **settings):
    sim = CountingSim(num_envs)
    # 10 m are 1000 steps of the counter
    cfg = depth_cfg(**{"far": 10.0, **settings})
    return sim, DepthCamera(cfg, sim, num_envs, DT, torch.Generator().manual_seed(seed))


def run(sim, camera, steps: int) -> torch.Tensor:
    """(steps, N): the step at which the frame was taken that is seen at each step."""
    seen = []
    for _ in range(steps):
        sim.step += 1
        camera.update(sim.root_states)
        seen.append((camera.images[:, 0, 0, 0] + 0.5) * 1000.0)
    return torch.stack(seen).round().long()


def cast_steps(sim, env: int):
    return torch.tensor([step for step, who in sim.casts if who == env])


def test_cameras_are_on_the_body_that_is_asked_for():
    """0.3 m above and 0.1 m before a body that is 1 m ahead of the base and turned by 90 degrees to the left."""
    states = torch.zeros(1, 1, 13)
    states[0, 0, [0, 5, 6]] = torch.tensor([1.0, math.sqrt(0.5), math.sqrt(0.5)])
    sim = CountingSim(1)
    sim.body_names, sim.states_of = ["base", "head"], lambda bodies: {1: states}[int(bodies)]
    settings = {"far": 10.0, "position": [0.1, 0.0, 0.3], "position_jitter": 0.0, "pitch_jitter": 0.0}
    camera = DepthCamera(depth_cfg(body="head", **settings), sim, 1, DT, torch.Generator().manual_seed(0))
    camera.reset(torch.arange(1))
    origins, directions, _ = sim.rays
    torch.testing.assert_close(origins[0, 0], torch.tensor([1.0, 0.1, 0.3]))
    assert directions[0, :, 1].tolist() == pytest.approx([1.0] * directions.shape[1])
    with pytest.raises(UserError, match=r"depth_camera.body is hed, and env.asset.body_names has none.*head"):
        DepthCamera(depth_cfg(body="hed"), sim, 1, DT, torch.Generator())


def test_period_and_latency_by_hand():
    """A frame each 5 steps, seen 2 steps later; the first one after the reset at any of these 5 steps."""
    sim, camera = make(num_envs=6)
    camera.reset(torch.arange(6))
    seen = run(sim, camera, 40)
    first = set()
    for env in range(6):
        casts = cast_steps(sim, env)
        assert casts[0] == 0 and 1 <= casts[1] <= 5
        assert torch.all(casts[1:].diff() == 5)
        expected = [max(cast for cast in casts.tolist() if cast == 0 or cast + 2 <= step) for step in range(1, 41)]
        assert seen[:, env].tolist() == expected
        first.add(int(casts[1]))
    assert len(first) > 1, "robots that start together spread over the period"


def test_two_frames_are_the_last_that_have_arrived():
    """Seen two steps later, oldest first; the frame of the reset is in both places until the second has arrived."""
    sim, camera = make(num_envs=3, frames=2)
    assert camera.shape[0] == 2
    camera.reset(torch.arange(3))
    newest = run(sim, camera, 1)  # nothing can have arrived
    assert torch.equal(camera.images[:, 0], camera.images[:, 1]) and not newest.any()
    for _ in range(20):
        run(sim, camera, 1)
        for env in range(3):
            arrived = [0, 0] + [cast for cast in cast_steps(sim, env).tolist() if cast and cast + 2 <= sim.step]
            seen = ((camera.images[env, :, 0, 0] + 0.5) * 1000.0).round().long()
            assert seen.tolist() == arrived[-2:]
    assert arrived[-1] > 10
    assert camera.view(0)[0, 0] == round(255 * (float(camera.images[0, 1, 0, 0]) + 0.5))


def test_only_robots_whose_frame_is_due_are_cast():
    sim, camera = make(num_envs=50)
    camera.reset(torch.arange(50))
    run(sim, camera, 50)
    # the reset, and ten frames in a second
    assert len(sim.casts) == 50 + 50 * 10


def test_periods_and_latencies_vary_between_their_bounds():
    sim, camera = make(num_envs=40, period_jitter=0.02, latency_jitter=0.02)
    camera.reset(torch.arange(40))
    seen = run(sim, camera, 400)
    between, delays = [], []
    for env in range(40):
        casts = cast_steps(sim, env)[1:]
        between.append(casts.diff())
        for cast in casts.tolist():
            shown = (seen[:, env] == cast).nonzero()
            if len(shown):
                delays.append(int(shown[0]) + 1 - cast)
    between = torch.cat(between)
    # 80 to 120 ms between the times when frames are due; each is taken up to a step later
    assert set(between.tolist()) == {4, 5, 6}
    assert between.float().mean().item() == pytest.approx(5.0, abs=0.02)
    # 20 to 60 ms, rounded up to whole steps
    assert set(delays) == {1, 2, 3}


def test_jitters_narrow_with_the_share_that_is_in_use():
    """With half of +-20 ms frames are 90 to 110 ms apart, seen 30 to 50 ms later; with none every 100, 40 ms later."""
    jitters = dict(period=0.1, period_jitter=0.02, latency=0.04, latency_jitter=0.02, position_jitter=0.1)
    sim, camera = make(num_envs=200, **jitters)
    camera.share = 0.5
    camera.reset(torch.arange(200))
    assert 0.04 < camera.state_dict()["shift"].abs().max() <= 0.05
    seen = run(sim, camera, 100)
    for env in range(200):
        casts = cast_steps(sim, env)[1:]
        # four periods take 0.36 to 0.44 s, and each end is rounded up to a step; with all of the jitter 0.32 to 0.48 s
        four = DT * (casts[4:] - casts[:-4])
        assert four.min() > 0.36 - DT - 1e-6 and four.max() < 0.44 + DT + 1e-6
        for cast in casts[:-1].tolist():
            assert int((seen[:, env] == cast).nonzero()[0]) + 1 - cast in (2, 3)

    sim, camera = make(num_envs=20, **jitters)
    camera.share = 0.0
    camera.reset(torch.arange(20))
    assert camera.state_dict()["shift"].abs().max() == 0.0
    run(sim, camera, 40)
    for env in range(20):
        assert set(cast_steps(sim, env)[1:].diff().tolist()) == {5}


def test_a_long_latency_keeps_the_order_of_frames():
    sim, camera = make(num_envs=20, latency=0.3, latency_jitter=0.2, period=0.06, period_jitter=0.03)
    camera.reset(torch.arange(20))
    seen = run(sim, camera, 300)
    assert torch.all(seen.diff(dim=0) >= 0)
    for env in range(20):
        shown = set(seen[:, env].tolist())
        assert shown <= set(cast_steps(sim, env).tolist())
        age = torch.arange(1, 301)[40:] - seen[40:, env]
        # at least 0.1 s; at most 0.5 s and a period and a step
        assert age.min() >= 5 and age.max() <= 25 + 5 + 1


def test_without_latency_a_frame_is_seen_at_once():
    sim, camera = make(latency=0.0)
    camera.reset(torch.arange(1))
    seen = run(sim, camera, 20)[:, 0]
    for step in cast_steps(sim, 0)[1:].tolist():
        assert seen[step - 1] == step


def test_a_period_of_one_step():
    sim, camera = make(period=DT, latency=0.0)
    camera.reset(torch.arange(1))
    assert run(sim, camera, 10)[:, 0].tolist() == list(range(1, 11))


def test_reset_shows_a_fresh_frame_and_forgets_what_is_under_way():
    sim, camera = make(num_envs=3, latency=0.08)
    camera.reset(torch.arange(3))
    before = run(sim, camera, 33)[-1]
    camera.reset(torch.tensor([1]))
    assert sim.casts[-1] == (33, 1)
    now = ((camera.images[:, 0, 0, 0] + 0.5) * 1000.0).round().long()
    assert now.tolist() == [before[0], 33, before[2]]
    after = run(sim, camera, 4)
    assert torch.all(after[:, 1] == 33)


def test_mounting_differs_between_robots_and_episodes():
    settings = {"position_jitter": 0.02, "pitch_jitter": 5.0, "pitch": 10.0}
    sim, camera = make(num_envs=200, **settings)
    camera.reset(torch.arange(200))
    origins, directions, far = sim.rays
    assert far == 10.0
    off = origins[:, 0] - torch.tensor([0.2, 0.05, 0.1])
    assert off.abs().max() <= 0.02 and off.abs().amax(0).min() > 0.018
    # from the lowest to the highest ray of a column is straight up, in the camera's frame
    up = directions.view(200, 14, 18, 3)[:, 0, 0] - directions.view(200, 14, 18, 3)[:, -1, 0]
    pitch = torch.rad2deg(torch.atan2(up[:, 0], up[:, 2]))
    assert pitch.min() >= 5.0 - 1e-3 and pitch.max() <= 15.0 + 1e-3
    assert pitch.std().item() == pytest.approx(10.0 / math.sqrt(12.0), rel=0.15)
    run(sim, camera, 12)
    same = camera.state_dict()["shift"]
    camera.reset(torch.tensor([7]))
    changed = (camera.state_dict()["shift"] != same).any(1).nonzero().flatten()
    assert changed.tolist() == [7]


def test_resuming_is_exact():
    settings = {"period_jitter": 0.02, "latency_jitter": 0.02, "position_jitter": 0.02, "pitch_jitter": 5.0}
    faults = {"noise__enabled": True, "noise__gaussian_noise": 0.02, "noise__hole_pixels": 0.1}
    sim, camera = make(num_envs=5, **settings, **faults)
    camera.reset(torch.arange(5))
    run(sim, camera, 23)
    state, step = camera.state_dict(), sim.step
    random = camera._generator.get_state()
    expected = [run(sim, camera, 1).clone() for _ in range(30)] + [camera.images.clone()]
    other_sim, other = make(num_envs=5, seed=9, **settings, **faults)
    other_sim.step = step
    other.load_state_dict(state)
    other._generator.set_state(random)
    found = [run(other_sim, other, 1).clone() for _ in range(30)] + [other.images.clone()]
    assert all(torch.equal(a, b) for a, b in zip(expected, found))


def test_state_of_another_camera():
    _, camera = make(num_envs=2)
    _, other = make(num_envs=3)
    with pytest.raises(UserError, match="num_envs"):
        other.load_state_dict(camera.state_dict())


def test_view_is_black_near_and_white_far():
    _, camera = make()
    camera.images[0, 0] = torch.linspace(-0.5, 0.5, camera.images[0].numel()).view(camera.shape[1:])
    view = camera.view(0)
    assert view.shape == (14, 18) and view.dtype.name == "uint8"
    assert view[0, 0] == 0 and view[-1, -1] == 255


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"near": 2.0, "far": 2.0}, "near"),
        ({"period_jitter": 0.1}, "period"),
        ({"latency_jitter": 0.05}, "latency"),
    ],
)
def test_settings_that_cannot_be(setting, message):
    with pytest.raises(UserError, match=message):
        make(**setting)
