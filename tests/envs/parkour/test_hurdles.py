"""Courses of hurdles: where the bars are, what stages set up, what counts as passed, and the goals on the way."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym.envs.a1.a1_config import A1FlatCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parkour.hurdles import CourseCommands, Hurdles, stage_heights
from legged_gym.envs.parkour.hurdles_config import HurdlesCfg, hurdle_obstacles
from legged_gym.errors import UserError


class CourseCfg(A1FlatCfg):
    class obstacles:
        pass

    class hurdles(HurdlesCfg):
        pass


for _name, _entry in hurdle_obstacles(4).items():
    setattr(CourseCfg.obstacles, _name, _entry)


class CourseRobot(LeggedRobot):
    command_part = CourseCommands
    velocity_commands: CourseCommands
    hurdles: Hurdles

    def _make_parts(self) -> None:
        super()._make_parts()
        cfg: Any = self.cfg
        self.hurdles = self.use_part("obstacles", Hurdles(self, cfg.hurdles, self.velocity_commands))
        self.velocity_commands.follow(self.hurdles)


def make_env(num_envs: int = 2, **hurdles: Any) -> CourseRobot:
    cfg = CourseCfg()
    cfg.update({"env": {"num_envs": num_envs}, "hurdles": hurdles, "domain_rand": {"push_robots": False}})
    cfg.update({"commands": {"heading_command": True, "standing_fraction": 0.0, "pure_fraction": 0.0, "ramps": {}}})
    cfg.sim.num_threads = 1
    env = CourseRobot(cfg, sim="mujoco", seed=3)
    env.reset()
    return env


def everyone(env: LeggedRobot) -> torch.Tensor:
    return torch.arange(env.num_envs)


def walk_to(env: CourseRobot, x: float, y: float = 0.0) -> None:
    """Put all robots at a place of their course, and look."""
    states = env.root_states.clone()
    states[:, :2] = env.env_origins[:, :2] + torch.tensor([x, y])
    env.sim.set_root_states(everyone(env), states)
    env._update_parts()


def test_the_competition_course():
    env = make_env(layout="competition")
    assert env.hurdles.heights.tolist() == [pytest.approx([0.2, 0.3, 0.4, 0.5])] * 2
    assert env.hurdles.crawls().tolist() == [[False, False, True, True]] * 2
    # undersides and tops of bars over the lane, and the tops of posts
    for place, underside in zip((4.0, 6.0, 8.0, 10.0), (0.24, 0.34, 0.44, 0.54)):
        points = env.env_origins[:, :2] + torch.tensor([place, 0.0])
        up = torch.tensor([0.0, 0.0, 1.0]).expand(2, 1, 3)
        origins = torch.nn.functional.pad(points, (0, 1), value=0.05)[:, None].contiguous()
        distance = env.sim.cast_rays(origins, up.contiguous(), ground=False)
        torch.testing.assert_close(distance + 0.05, torch.full((2, 1), underside), rtol=0, atol=1e-4)
        sides = torch.tensor([[0.0, 0.0], [0.0, 0.75], [0.0, -0.75], [0.0, 0.95], [0.08, 0.0], [0.1, 0.0]])
        tops = env.height_scan.sample(points[:, None] + sides)
        expected = torch.tensor([underside + 0.07] * 3 + [0.0, 0.04, 0.0]).repeat(2, 1)
        torch.testing.assert_close(tops, expected, rtol=0, atol=1e-4)


def test_stages_of_the_mixed_course():
    """With heights in whole sizes, of which 15 cm is halfway: the higher."""
    sizes = torch.tensor([0.05, 0.10, 0.20, 0.30, 0.40, 0.50])
    heights = stage_heights("mixed", torch.arange(10), 4)
    shown = heights > 0
    nearest = sizes.flip(0)[((heights[..., None] - sizes.flip(0)).abs() - 1e-5 * torch.arange(6).flip(0)).argmin(-1)]
    rows = [[round(100 * h) for h, s in zip(row.tolist(), there.tolist()) if s] for row, there in zip(nearest, shown)]
    assert rows[0] == rows[1] == [10] and rows[2] == [10, 20] and rows[3] == [20, 20]
    assert rows[4] == [20, 20, 30] and rows[5] == [20, 30, 30]
    assert rows[8] == rows[9] == [20, 30, 40, 50]


@pytest.mark.parametrize(("mode", "low", "high"), [("jump", 0.05, 0.30), ("crawl", 0.40, 0.60)])
def test_courses_of_one_kind(mode, low, high):
    env = make_env(64, mode=mode)
    for stage in (0, 4, 20):
        env.hurdles.stages[:] = stage
        env.reset()
        heights = env.hurdles.heights[env.hurdles.there()]
        assert heights.min() >= low and heights.max() <= high
        assert (env.hurdles.crawls() == (env.hurdles.there() & (mode == "crawl"))).all()


def test_heights_are_drawn_anew_for_each_episode_within_their_spread():
    env = make_env(64, recall=0.0, early_crawl=0.0, height_spread=0.03)
    first = env.hurdles.heights.clone()
    assert (first[:, 1:] == 0).all() and len(first[:, 0].unique()) > 32
    assert ((first[:, 0] - 0.12).abs() <= 0.03).all()
    env.reset_idx(torch.arange(32))
    assert (env.hurdles.heights[:32, 0] != first[:32, 0]).all() and torch.equal(env.hurdles.heights[32:], first[32:])


def test_bars_to_jump_over_begin_lower():
    """0.06 m lower at stage 0, half that at stage 4; bars to crawl under are as they were."""
    env = make_env(4, recall=0.0, early_crawl=0.0, height_spread=0.0, ease=0.06)
    for stage, expected in ((0, [0.06, 0, 0, 0]), (4, [0.13, 0.21, 0.30, 0]), (8, [0.2, 0.3, 0.4, 0.5])):
        env.hurdles.stages[:] = stage
        env.reset()
        torch.testing.assert_close(env.hurdles.heights[0], torch.tensor(expected).float(), rtol=0, atol=1e-5)


def test_a_high_bar_comes_early_and_easy_stages_come_back():
    env = make_env(512, recall=0.25, early_crawl=0.2)
    env.hurdles.stages[:] = 4
    env.reset()
    early = env.hurdles.crawls()[:, 0]
    assert 0.13 < early.float().mean() < 0.27
    assert ((env.hurdles.heights[early, 0] - 0.45).abs() <= 0.05).all()
    assert 0.18 < (env.hurdles.there().sum(1) == 2).float().mean() < 0.32, "of stage 3"


def test_goals_along_the_course():
    """Before the course, half a metre before each hurdle, and 1.5 m behind the last."""
    env = make_env(layout="competition")
    env.hurdles.put_up(torch.tensor([1]), torch.tensor([[0.1, 0.1, 0.0, 0.0]]))
    assert env.velocity_commands.num_goals().tolist() == [6, 4]
    local = [env.velocity_commands.goal(torch.full((2,), k)) - env.env_origins for k in range(8)]
    assert [float(goal[0, 0]) for goal in local] == [3.0, 3.5, 5.5, 7.5, 9.5, 11.5, 11.5, 11.5]
    assert [float(goal[1, 0]) for goal in local] == [3.0, 3.5, 5.5, 7.5, 7.5, 7.5, 7.5, 7.5]
    assert all((goal[:, 1:] == 0).all() for goal in local)


def test_a_goal_is_reached_by_who_stays_there():
    env = make_env()
    commands = env.velocity_commands
    commands.dwell = 5
    for _ in range(5):
        walk_to(env, 3.1)
    walk_to(env, 2.7)  # left: the time begins anew
    assert commands.goals_reached.tolist() == [0, 0]
    for k in range(6):
        assert commands.goals_reached.tolist() == [0, 0], f"after {k} steps"
        walk_to(env, 3.0, 0.19)
    assert commands.goals_reached.tolist() == [1, 1]
    walk_to(env, 3.0, -0.5)
    assert commands.target_yaw().tolist() == pytest.approx([math.atan2(0.5, 0.5)] * 2, abs=1e-5)
    assert env.commands[:, 3].tolist() == pytest.approx([math.pi / 4] * 2, abs=1e-5)
    behind = [math.atan2(0.5, float(goal)) for goal in (commands.goals(1) - env.root_states[:, :3])[:, 0]]
    assert commands.target_yaw(1).tolist() == pytest.approx(behind, abs=1e-5)


def test_a_goal_can_count_by_coming_past_it():
    env = make_env()
    env.velocity_commands.gate, env.velocity_commands.dwell = 0.45, 5
    walk_to(env, 3.01, 0.5)
    assert env.velocity_commands.goals_reached.tolist() == [0, 0]
    walk_to(env, 3.01, 0.4)
    assert env.velocity_commands.goals_reached.tolist() == [1, 1]


def through(env: CourseRobot, y: float = 0.0) -> None:
    """All along the course to its last goal; past the first hurdle at `y`."""
    env.reset()
    env.velocity_commands.gate = 2.0
    for step in range(1, 116):
        walk_to(env, 0.1 * step, y if 39 <= step <= 41 else 0.0)
    walk_to(env, 11.6)


def test_success_needs_each_hurdle_passed_between_its_posts():
    env = make_env(layout="competition")
    through(env)
    assert env.velocity_commands.finished().all() and env.hurdles.success().all()
    assert env.hurdles.passed.all() and not env.hurdles.bypassed.any()
    env.velocity_commands.goals_reached -= 1  # the last goal is behind the last hurdle
    assert not env.hurdles.success().any()
    through(env, y=1.0)
    assert env.velocity_commands.finished().all() and not env.hurdles.success().any()
    assert env.hurdles.bypassed.tolist() == [[True, False, False, False]] * 2
    assert env.hurdles.passed.tolist() == [[False, True, True, True]] * 2


def test_stages_go_up_with_successes_and_down_without(monkeypatch):
    env = make_env(3, window=8)
    env.hurdles.stages[:] = 2
    # of eight episodes: six, four and two successes
    results = torch.tensor([[True] * 6 + [False] * 2, [True] * 4 + [False] * 4, [True] * 2 + [False] * 6])
    for k in range(8):
        assert env.hurdles.stages.tolist() == [2, 2, 2]
        monkeypatch.setattr(env.hurdles, "success", lambda k=k: results[:, k])
        env.reset_idx(everyone(env))
    assert env.hurdles.stages.tolist() == [3, 2, 1]
    monkeypatch.setattr(env.hurdles, "success", lambda: results[:, 7])
    for _ in range(7):
        env.reset_idx(everyone(env))
    assert env.hurdles.stages.tolist() == [3, 2, 1], "the windows began anew"
    for _ in range(20):
        env.reset_idx(everyone(env))
    assert env.hurdles.stages[2] == 0, "no stage below the first"


def test_courses_survive_a_resume():
    env, other = make_env(recall=0.5), make_env(recall=0.5)
    env.hurdles.stages[:] = torch.tensor([5, 9])
    env.reset()
    walk_to(env, 4.1)
    other.load_state_dict(env.state_dict())
    for name in ("heights", "stages", "passed", "_last_x"):
        assert torch.equal(getattr(other.hurdles, name), getattr(env.hurdles, name)), name
    point = (env.env_origins[:, :2] + torch.tensor([4.0, 0.0]))[:, None]
    assert torch.equal(other.height_scan.sample(point), env.height_scan.sample(point))


def test_more_hurdles_than_there_are():
    with pytest.raises(UserError, match=r"hurdles.competition has 5 hurdles, and the table obstacles 4"):
        make_env(layout="competition", competition=[0.2, 0.3, 0.4, 0.5, 0.2])


def test_stages_that_contradict_themselves_and_a_mode_without_stages(capsys):
    with pytest.raises(UserError, match=r"hurdles.up is 0.3, expected more than hurdles.down, which is 0.3"):
        make_env(up=0.3)
    make_env(layout="competition", mode="jump")
    assert "note: hurdles.mode=jump is of the stages" in capsys.readouterr().out
