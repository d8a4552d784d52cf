"""Watch a policy: in a window, in a browser, or as a video where there is no display.

    python legged_gym/scripts/play.py --task=a1_flat                          the newest run
    python legged_gym/scripts/play.py --policy=a1_flat                        the policy that comes along
    python legged_gym/scripts/play.py --policy=a1_flat --viewer=web           a page at http://127.0.0.1:8080
    python legged_gym/scripts/play.py --task=a1_flat --video                  a video, into the run folder
    python legged_gym/scripts/play.py --task=a1_flat --video=walk.mp4 --command 0.5 0 0.2 --duration=10

In a window the robots are driven by keys: W/S forward, A/D sideways, Q/E turn, R reset, [ ] look at another robot,
space pause, Esc quit. In a video they go on a tour: forward, sideways, turn, curve, stop; on lanes of obstacles they
keep to the commands of training, which lead along the lanes. With --headless alone nothing is shown, and the commands
are drawn as in training.

--viewer=web prints the address of a page (--host, --port) on which robots are watched and steered until Ctrl-C is
pressed; with --follow it takes over newer checkpoints of a run as they appear.

A video also shows what the policy sees of the ground: scandots as dots, depth images beside the picture.

There is no noise, no push, average friction, and ground of 5 x 5 tiles without curriculum; settings by path win:
--env.terrain.num_rows=1. Curves of the robot in the video go to a PNG file, mean rewards to the terminal, and the
policy of a run is exported into its folder (see export.py), if it can be written to.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs import variants
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.utils import run_folder
from legged_gym.utils.cli import add_viewer_flags, make_parser, number, page_address, wanted_viewer
from legged_gym.utils.files import check_writable
from legged_gym.utils.options import CommandLine
from legged_gym.utils.reports import has_display, short_path
from legged_gym.utils.training import make_env

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.playing.driving import Command
    from legged_gym.playing.player import Driver, Player
    from legged_gym.viewing.session import Visit

# Only one robot is seen in a video; the others are there for the mean rewards.
_ROBOTS_IN_VIDEO = 16


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Play as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    args = _parse(argv)
    show = _how_to_show(args.viewer, args.video, args.headless)
    address = page_address(args.viewer, args.host, args.port)
    if address is not None:
        from legged_gym.viewing.session import Visit

        visit = Visit(*address, seconds=args.duration or variants.NEVER, follow=args.follow)
        _play_in_browser(CommandLine.read(args), visit, args.command, args.num_steps)
        return
    if args.follow:
        raise UserError("--follow is for the page in a browser: give --viewer=web too")
    robots = _ROBOTS_IN_VIDEO if show == "video" else variants.MOST_ROBOTS
    source = find_policy(CommandLine.read(args), lambda cfg: variants.for_play(cfg, robots))
    if show == "video" and args.video is None and args.viewer is None:
        print("no display here: a video is written instead (--headless for neither)")
    # Imported here: mistakes found above are answered without waiting for torch.
    from legged_gym.playing import driving
    from legged_gym.playing.player import Player, robot_to_watch
    from legged_gym.policies.policy_io import load_policy

    command = driving.parse_command(args.command)
    stem = _output_stem(source, args.video)
    check_writable(f"{stem}.mp4" if show == "video" else f"{stem}.png", "--video")
    driven = _is_driven(source, show, command)
    if driven:
        source = source.changed(variants.with_given_commands)
    source = source.settled()
    with contextlib.closing(make_env(source)) as env:
        policy = load_policy(source, env, source.options.rl_device)
        _export(source, env)
        driver = _make_driver(env, show, command) if driven else None
        player = Player(env, policy, driver, robot_to_watch(env))
        num_steps = args.num_steps or _num_steps(args.duration, env, show, driver)
        print(f"task       {source.task}, {env.num_envs} robots\npolicy     {source.name}", flush=True)
        if show == "window":
            _play_in_window(player, driver, num_steps)
        elif show == "video":
            _play_into_video(player, source, policy.groups, stem + ".mp4", num_steps)
        else:
            for _ in range(num_steps):
                player.step()
        _report(player, source, stem + ".png", show == "window")


def _play_in_browser(line: CommandLine, visit: Visit, words: Optional[Sequence[str]], num_steps: Optional[int]) -> None:
    """Play on a page; `words` of ``--command``, `num_steps` in the place of the seconds of the visit."""
    from legged_gym.playing import driving
    from legged_gym.viewing.server import check_server
    from legged_gym.viewing.session import for_page, play_in_browser

    check_server(visit.host, visit.port)
    command = driving.parse_command(words)
    source = find_policy(line, for_page)
    if visit.follow and not source.is_run:
        raise UserError(f"--follow: {source.name} is of no run on this machine, so no newer checkpoints will appear")
    if command is not None:
        if not variants.has_velocity_commands(source.env_cfg):
            raise UserError(f"--command: the robots of task {source.task} do not follow velocity commands")
        visit = replace(visit, first=dict(zip(variants.RANGES, command[:3])))
    if num_steps is not None:
        visit = replace(visit, seconds=num_steps * source.env_cfg.control.decimation * source.env_cfg.sim.dt)
    play_in_browser(line, source, visit)


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = make_parser(__doc__ or "")
    add_policy_flag(parser)
    add = parser.add_argument
    add("--video", "--record", nargs="?", const="", metavar="FILE", help="write an mp4 file, without FILE into the run")
    add("--command", nargs="+", metavar="V", help="fixed command: m/s forward, m/s left, rad/s: --command 0.5 0 0.2")
    add_viewer_flags(parser, ("window", "web", "video", "none"))
    add("--follow", action="store_true", help="with --viewer=web, take over newer checkpoints of the run")
    length = parser.add_mutually_exclusive_group()
    steps, seconds = number(whole=True, low=1, high=variants.NEVER), number("s", above=0, high=variants.NEVER)
    length.add_argument("--num_steps", "--video_length", type=steps, help="policy steps to play")
    length.add_argument("--duration", type=seconds, help="seconds to play")
    args = parser.parse(argv)
    args.viewer = wanted_viewer(args.viewer, args.env_settings)
    if args.video and (os.path.isdir(args.video) or os.path.basename(args.video).strip(".") == ""):
        raise UserError(f"--video={args.video}: this is a folder; give the name of an .mp4 file")
    if args.video and os.path.splitext(args.video)[1] not in ("", ".mp4"):
        raise UserError(f"--video={args.video}: videos are .mp4 files")
    return args


def _how_to_show(viewer: Optional[str], video: Optional[str], headless: bool) -> str:
    """'window', 'web', 'video' or 'nothing', by the flags of those names."""
    if viewer is not None:
        if video is not None and viewer != "video":
            raise UserError(f"--video writes a video, and --viewer={viewer} none; leave one of them out")
        if viewer == "window" and not has_display():
            raise UserError("--viewer=window: there is no display here; use --viewer=web or --viewer=video")
        return "nothing" if viewer == "none" else viewer
    if video is not None:
        return "video"
    if headless:
        return "nothing"
    return "window" if has_display() else "video"


def _output_stem(source: PolicySource, video: Optional[str]) -> str:
    """Path of video and plots without their ending."""
    if video:
        return os.path.splitext(video)[0]
    file = os.path.splitext(os.path.basename(source.path))[0]
    if source.run_dir is not None and source.is_run and os.access(source.run_dir, os.W_OK):
        return os.path.join(source.run_dir, f"play_{file}")
    return os.path.join(run_folder.logs_folder(), f"play_{source.task}_{file}")


def _is_driven(source: PolicySource, show: str, command: Optional[Command]) -> bool:
    """Whether commands come from outside of the environment."""
    if variants.has_velocity_commands(source.env_cfg):
        # a tour would lead off a lane: sideways, in circles
        return show == "window" or command is not None or (show == "video" and not variants.walks_lanes(source.env_cfg))
    if command is not None:
        raise UserError(f"--command: the robots of task {source.task} do not follow velocity commands")
    return False


def _make_driver(env: LeggedRobot, show: str, command: Optional[Command]) -> Driver:
    from legged_gym.playing.driving import Keyboard, Script, make_tour

    ranges = variants.trained_ranges(env.cfg)
    if show == "window":
        return Keyboard(ranges, env.num_envs, command)
    return make_tour(ranges) if command is None else Script([(env.cfg.env.episode_length_s, command)])


def _num_steps(seconds: Optional[float], env: LeggedRobot, show: str, driver: Optional[Driver]) -> int:
    """Steps to play: so many seconds, else without end in a window, the script in a video, or one episode."""
    if seconds is None:
        if show == "window":
            return sys.maxsize
        # One step more than the limit of an episode, which then ends and is counted.
        seconds = getattr(driver, "duration", (env.longest_episode + 1) * env.dt)
    return max(1, round(seconds / env.dt))


def _export(source: PolicySource, env: LeggedRobot) -> None:
    """Export the policy of a run into its folder, as legged_gym does; shipped policies come exported."""
    if source.kind == "checkpoint" and source.is_run and os.access(str(source.run_dir), os.W_OK):
        from legged_gym.policies.export import export_checkpoint

        paths = export_checkpoint(source, env)
        print(f"exported   {short_path(os.path.dirname(paths[0]))}")


def _play_in_window(player: Player, driver: Optional[Driver], num_steps: int) -> None:
    from legged_gym.playing.driving import KEYS_HELP, Keyboard
    from legged_gym.sim.simulator import Camera

    env = player.env
    view = env.cfg.viewer
    camera = Camera(distance=view.distance, azimuth=view.azimuth, elevation=view.elevation)
    keyboard = driver if isinstance(driver, Keyboard) else Keyboard([], env.num_envs)
    print(KEYS_HELP, flush=True)
    with env.sim.open_window(camera, keyboard.press) as viewer:
        while viewer.is_open and not keyboard.quit and player.steps < num_steps:
            if keyboard.take_reset():
                player.reset()
            if not keyboard.paused:
                player.step()
            text = "paused" if keyboard.paused else f"{player.time:.1f} s"
            if driver is not None:
                text += "  command {:.2f} m/s  {:.2f} m/s  {:.2f} rad/s".format(*keyboard(player.time)[:3])
            viewer.show(keyboard.robot, text)
            viewer.wait(env.dt)


def _play_into_video(player: Player, source: PolicySource, observed: Sequence[str], path: str, num_steps: int) -> None:
    from legged_gym.playing.video import Film

    with Film(player, path, f"{source.task}   {source.name}", player.robot, observed) as film:
        while player.steps < num_steps:
            player.step()
            film.look()
            if sys.stdout.isatty():
                print(f"\rvideo      {100 * player.steps // num_steps:3d} %", end="", flush=True)
    print(f"{chr(13) if sys.stdout.isatty() else ''}video      {short_path(path)}")


def _report(player: Player, source: PolicySource, path: str, has_window: bool) -> None:
    """Say how it went, and write the curves of the robot that was watched."""
    from legged_gym.playing.plots import save_plots, show_plots

    title = f"{source.task}   {source.name}   robot {player.robot}"
    if player.steps:
        save_plots(player.log, player.env, path, title)
        print(f"plots      {short_path(path)}")
    print(f"played     {player.time:.1f} s; {player.episodes} episodes ended, {player.falls} of them by a fall")
    print("mean rewards per second:")
    for name, value in player.mean_rewards().items():
        print(f"  {name:<24}{value:10.4f}")
    if has_window and player.steps:
        show_plots(player.log, player.env, title)


if __name__ == "__main__":
    run_script(main)
