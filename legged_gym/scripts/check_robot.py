"""Say what is understood of a robot file, stand the robot up for two seconds, and take a picture.

    python legged_gym/scripts/check_robot.py my_robot.urdf
    python legged_gym/scripts/check_robot.py my_robot.xml --foot_name=toe --picture=standing.png
    python legged_gym/scripts/check_robot.py --task=go2_rough

Notes tell what of the file is left out, made up or has no limit. Then come bodies with masses, joints with limits, feet
and where they are, and which joints are left and right of each other. With a task pose, gains and names are those of
its config, and so is the robot file if none is given; else they are guessed: angles of 0 or in the middle of the range
with the feet under the body, gains by the weight.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.programs import run_script
from legged_gym.utils.cli import ArgumentParser, number
from legged_gym.utils.files import check_writable, whole_file
from legged_gym.utils.task_registry import task_registry


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Check a robot as the command line says.

    Raises:
        UserError: for a mistake in it or in the robot file.
    """
    parser = ArgumentParser(__doc__)
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help="URDF or MJCF")
    parser.add_argument("--task", help="take pose, gains and names from the config of this task")
    parser.add_argument("--foot_name", default="", metavar="PART", help="part of the names of feet")
    parser.add_argument("--seconds", type=number("s", above=0, high=60), default=2.0, help="how long it stands (2)")
    parser.add_argument("--picture", default="", metavar="FILE", help="PNG to write (<robot>.png, here)")
    args = parser.parse_args(argv)
    if not (args.file or args.task):
        raise UserError("give a robot file, or --task")
    env = make_env(args.file, args.task, args.foot_name)
    name = os.path.splitext(os.path.basename(env.cfg.asset.file))[0]
    path = args.picture or f"{name}.png"
    check_writable(path, "--picture")
    # Imported here: mistakes found above are answered without waiting for torch and MuJoCo.
    import imageio.v2 as imageio

    from legged_gym.inspection import robot_check

    print()
    print(robot_check.describe(env))
    print()
    print(robot_check.stand(env, args.seconds))
    with whole_file(path) as file:
        imageio.imwrite(file, robot_check.picture(env), format="png")
    print(f"picture: {path}")
    env.close()


def make_env(file: str, task: Optional[str], foot_name: str) -> Any:
    """One robot on a plane, with the config of a task or a guessed one."""
    from legged_gym.inspection import robot_guess

    if task is None:
        from legged_gym.envs.base.legged_robot import LeggedRobot

        return LeggedRobot(robot_guess.guess_config(file, foot_name), sim="mujoco", seed=1)
    cfg, _ = task_registry.get_cfgs(task)
    robot_guess.quiet_config(cfg, file)
    cfg.asset.foot_name = foot_name or cfg.asset.foot_name
    return task_registry.get_task_class(task)(cfg, sim="mujoco", seed=1)


if __name__ == "__main__":
    run_script(main)
