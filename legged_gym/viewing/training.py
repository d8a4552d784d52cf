"""A page beside a running training: it looks, and changes nothing."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Dict, Iterator

from legged_gym.envs.parts.part import Part
from legged_gym.viewing.page import Page
from legged_gym.viewing.server import open_server, say_address

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

_ROBOTS = 4
# of the training's time, what drawing may take at most: panels and overlays of large tasks then come less often
_SHARE = 0.03


class TrainingPage(Part):
    """Draws between two policy steps, when somebody looks; a page that fails does not take the training along.

    Attributes:
        page: what is drawn.
    """

    def __init__(self, env: LeggedRobot, page: Page) -> None:
        """Add a summary to a page of the environment, and its panels."""
        super().__init__(env)
        self.page, self._fails = page, False
        page.status.content = "the first iteration is under way"
        page.add_panels()

    def update(self) -> None:
        """See `Part.update`."""
        if self._fails:
            return
        try:
            self.page.serve()
            self.page.draw()
        except Exception as error:  # of a task's own panel, maybe
            self._fails = True
            print(f"warning: the page fails, and the training goes on without it: {error!r}", file=sys.stderr)

    def report(self, runner: Any, iteration: int, metrics: Dict[str, float]) -> None:
        """Say how the training goes; a callback of runners."""
        lines = [f"iteration **{iteration}**, {metrics['Perf/total_fps']:,.0f} steps/s", ""]
        if "Train/mean_reward" in metrics:
            lines.append(f"- mean reward {metrics['Train/mean_reward']:.2f}")
            lines.append(f"- mean length of episodes {metrics['Train/mean_episode_length']:.0f} steps")
        self.page.status.content = "\n".join(lines)


@contextlib.contextmanager
def watched(env: LeggedRobot, host: str, port: int) -> Iterator[TrainingPage]:
    """Serve a page of an environment that is about to be trained in.

    Raises:
        UserError: the address is taken, or viser is missing.
    """
    server = open_server(host, port, "watch")
    try:
        page = TrainingPage(env, Page(server, env, robots=_ROBOTS, share=_SHARE))
        say_address(server)
        yield env.use_part("page", page)
    finally:
        server.stop()
