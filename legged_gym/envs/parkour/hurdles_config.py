"""Settings of a course of hurdles, of what a robot is told of them, and the obstacles that it is made of."""

from __future__ import annotations

import copy
from typing import Dict

from legged_gym.envs.base.table_entries import Obstacle
from legged_gym.settings import number, numbers, span, text

PLATE = (0.18, 1.80, 0.04)
"""m along x, y and z, of the plate that lies on the ground; heights are from its top to the underside of the bar."""
BAR = (0.06, 1.60, 0.07)
POST_RADIUS, POST_Y = 0.05, 0.75
PARTS = ("plate", "bar", "left_post", "right_post")


class HurdlesCfg:
    """Bars in a row along +x from where the robot starts: low ones to jump over, high ones to crawl under."""

    # `stages`: a curriculum of each robot; `competition`: all hurdles, of the heights `competition`
    layout = text("stages", ("stages", "competition"))
    mode = text("mixed", ("mixed", "jump", "crawl"))  # of the stages: to both kinds of bars, or to one
    first = number(4.0, "m", above=0, high=100)  # from the start to the first hurdle
    spacing = number(2.0, "m", low=1.0, high=100)  # from one to the next
    crawl_above = number(0.35, "m", above=0, high=2)  # higher bars are crawled under, others jumped over
    height_spread = number(0.03, "m", low=0, high=0.2)  # heights are drawn within +- this
    ease = number(0.0, "m", low=0, high=0.5)  # so much lower are bars to jump over at stage 0, from stage 8 on not
    competition = numbers([0.2, 0.3, 0.4, 0.5], "m", length=(1, None), low=0.05, high=1.0)
    early_crawl = number(0.15, low=0, high=1)  # probability of a high first bar in the early stages of `mixed`
    recall = number(0.15, low=0, high=1)  # probability that an episode is of the stage before
    start_stages = span([0, 0], low=0, high=100)  # of the robots, drawn evenly
    window = number(8, "episodes", low=1, high=1000)  # after so many a stage is judged
    up = number(0.7, low=0, high=1)  # fraction of successes from which a robot goes up a stage
    down = number(0.3, low=0, high=1)  # and down to which it goes down


class GuidanceCfg:
    """Where hurdles count, seen from the base in its yaw frame."""

    detection_range = number(1.4, "m", above=0, high=10)  # nearer than this a hurdle decides what to do
    lane_half_width = number(0.45, "m", above=0, high=10)  # of hurdles that are further aside nothing is asked
    back_sense = number(0.65, "m", low=0, high=10)  # hurdles count until they are this far behind
    trunk_middle = numbers([-0.0005, 0.0, 0.0115], "m", length=3)  # of the box of the trunk, from the base
    trunk_half = numbers([0.4455, 0.165, 0.1145], "m", length=3, above=0)  # half its edges


def hurdle_obstacles(count: int) -> Dict[str, Obstacle]:
    """Entries for the table `obstacles`: the parts of so many hurdles, which the part `Hurdles` sizes and places."""
    post = Obstacle("cylinder", [POST_RADIUS, 0.5])
    shapes = {
        "plate": Obstacle(size=list(PLATE)),
        "bar": Obstacle(size=list(BAR)),
        "left_post": post,
        "right_post": post,
    }
    return {f"hurdle_{k}_{name}": copy.copy(shapes[name]) for k in range(count) for name in PARTS}
