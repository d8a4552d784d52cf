"""A page and the policies that visitors choose on it, one environment after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, Optional

from legged_gym.envs import variants
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, find_policy
from legged_gym.utils.options import CommandLine
from legged_gym.utils.training import make_env
from legged_gym.viewing.server import open_server, tell
from rsl_rl.utils.errors import RslRlError

if TYPE_CHECKING:
    from viser import ViserServer

ROBOTS = 16
"""Robots on a page, unless the command line says how many."""


@dataclass(frozen=True)
class Visit:
    """How robots are shown on a page.

    Attributes:
        host: address to serve at.
        port: likewise; 0 takes a free one.
        first: commands by name at the beginning.
        seconds: how long robots play, s.
        follow: take over newer checkpoints of the run as they appear.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    first: Optional[Dict[str, float]] = None
    seconds: float = variants.NEVER
    follow: bool = False


def for_page(cfg: LeggedRobotCfg) -> None:
    """The changes for play, for few robots whose commands visitors give."""
    variants.for_play(cfg, ROBOTS)
    if variants.has_velocity_commands(cfg):
        variants.with_given_commands(cfg)


def play_in_browser(command: CommandLine, source: PolicySource, visit: Visit) -> None:
    """Serve a page until the time is over or Ctrl-C is pressed.

    Args:
        command: how other runs are found.
        source: the first policy, found with `for_page`.
        visit: how it is shown.

    Raises:
        UserError: the address is taken, or viser is missing.
    """
    server = open_server(visit.host, visit.port)
    try:
        wanted = _play(server, source, visit)
        while wanted is not None:
            chosen = replace(command, policy=None, task=source.task).with_flags(load_run=wanted, checkpoint=-1)
            try:
                found = find_policy(chosen, for_page)
                wanted, source = _play(server, found, visit), found
            except (UserError, RslRlError) as error:  # back to the one before
                print(f"note: {error}", flush=True)
                tell(server, "Not possible", str(error))
                wanted = _play(server, source, visit)
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finally:
        server.stop()


def _play(server: ViserServer, source: PolicySource, visit: Visit) -> Optional[str]:
    """Play one policy; returns the folder of the run that is wanted next."""
    from legged_gym.playing.player import Player, robot_to_watch
    from legged_gym.policies.policy_io import load_policy
    from legged_gym.viewing.play import play_on_page

    settled = source.settled()
    env = make_env(settled)
    try:
        policy = load_policy(settled, env, settled.options.rl_device)
        player = Player(env, policy, None, robot_to_watch(env))
        print(f"task       {source.task}, {env.num_envs} robots\npolicy     {source.name}", flush=True)
        num_steps = max(1, round(visit.seconds / env.dt))
        return play_on_page(server, player, settled, num_steps, visit.first, visit.follow)
    finally:
        env.close()
