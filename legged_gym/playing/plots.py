"""Curves of one playing robot: how it follows commands, and what one of its joints and its feet do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Dict

import numpy as np

from legged_gym.envs.parts.control import POSITION_TYPES
from legged_gym.utils.files import saved_figure

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

# Steps that are kept, the last ones: 40 s at 50 Hz.
_MOST_STEPS = 2000
_INCHES = (16, 10)


class StateLog:
    """What one robot did, step by step."""

    def __init__(self, env: LeggedRobot, robot: int = 0) -> None:
        """Log a robot of an environment, by its index."""
        self._env, self._robot = env, robot
        self._steps = 0
        self._rows: Deque[Dict[str, np.ndarray]] = deque(maxlen=_MOST_STEPS)

    def record(self, actions: Any) -> None:
        """Take down the state after a step.

        Args:
            actions: (N, D), as given to that step. Where the step ended the episode, the state is that of the next
                one, and nothing but a gap is noted.
        """
        env, robot = self._env, self._robot
        self._steps += 1
        limit = env.cfg.normalization.clip_actions
        target = actions[robot].to(env.device).clamp(-limit, limit) * env.cfg.control.action_scale
        row = {
            "time": env.root_states.new_tensor([self._steps * env.dt]),
            "command": env.commands[robot, :3],
            "lin_vel": env.base_lin_vel[robot],
            "ang_vel": env.base_ang_vel[robot],
            "dof_pos": env.dof_pos[robot],
            "dof_vel": env.dof_vel[robot],
            "torque": env.torques[robot],
            "target": target + env.default_dof_pos[0],
            "force": env.feet_forces[robot, :, 2],
        }
        arrays = {name: np.array(value.cpu().numpy(), dtype=np.float64) for name, value in row.items()}
        if bool(env.reset_buf[robot]):
            arrays = {name: value if name == "time" else np.full_like(value, np.nan) for name, value in arrays.items()}
        self._rows.append(arrays)

    def arrays(self) -> Dict[str, np.ndarray]:
        """Name -> (T, ...), T steps."""
        return {name: np.stack([row[name] for row in self._rows]) for name in self._rows[0]}


def save_plots(log: StateLog, env: LeggedRobot, path: str, title: str) -> None:
    """Write the nine plots of a log to a PNG file.

    Args:
        log: at least one step.
        env: its environment, for names and limits.
        path: of the file.
        title: above the plots.

    Raises:
        UserError: the disk refuses.
    """
    with saved_figure(path, _INCHES) as figure:
        draw_plots(figure, log, env, title)


def show_plots(log: StateLog, env: LeggedRobot, title: str) -> None:
    """Open a window with the nine plots, where matplotlib has windows; returns when it is closed."""
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() != "agg":
        draw_plots(plt.figure(figsize=_INCHES), log, env, title)
        plt.tight_layout()
        plt.show()


def draw_plots(figure: Any, log: StateLog, env: LeggedRobot, title: str, joint: int = 1) -> None:
    """Draw the nine plots of a log on an empty matplotlib figure; arguments as of `save_plots`."""
    data = log.arrays()
    time = data["time"][:, 0]
    axes = figure.subplots(3, 3)
    figure.suptitle(title)
    _draw_base(axes[0], time, data)
    _draw_joint(axes[1], time, data, env, joint)
    axes[1, 2].plot(time, data["lin_vel"][:, 2])
    axes[1, 2].set(title="base velocity z", ylabel="m/s")
    _draw_forces(axes[2], time, data, env, joint)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        if axis is not axes[2, 1]:
            axis.set(xlabel="time [s]", xlim=(time[0], max(time[-1], time[0] + env.dt)))
        if len(axis.get_lines()) > 1:
            axis.legend(fontsize="small", loc="upper right")


def _draw_base(axes: Any, time: np.ndarray, data: Dict[str, np.ndarray]) -> None:
    measured = np.column_stack((data["lin_vel"][:, :2], data["ang_vel"][:, 2]))
    for index, (axis, name, unit) in enumerate(
        zip(axes, ("velocity x", "velocity y", "yaw rate"), ("m/s", "m/s", "rad/s"))
    ):
        axis.plot(time, measured[:, index], label="measured")
        axis.plot(time, data["command"][:, index], "--", label="command")
        axis.set(title=f"base {name}", ylabel=unit)


def _draw_joint(axes: Any, time: np.ndarray, data: Dict[str, np.ndarray], env: LeggedRobot, joint: int) -> None:
    name = env.dof_names[joint]
    axes[0].plot(time, data["dof_pos"][:, joint], label="measured")
    if env.cfg.control.control_type in POSITION_TYPES:
        axes[0].plot(time, data["target"][:, joint], "--", label="target")
    axes[0].set(title=f"{name}: position", ylabel="rad")
    axes[1].plot(time, data["dof_vel"][:, joint])
    axes[1].set(title=f"{name}: velocity", ylabel="rad/s")


def _draw_forces(axes: Any, time: np.ndarray, data: Dict[str, np.ndarray], env: LeggedRobot, joint: int) -> None:
    name = env.dof_names[joint]
    for index, foot in enumerate(env.feet_indices.tolist()):
        axes[0].plot(time, data["force"][:, index], label=env.body_names[foot], linewidth=1.0)
    axes[0].set(title="vertical contact forces", ylabel="N")
    axes[1].plot(data["dof_vel"][:, joint], data["torque"][:, joint], ".", markersize=3)
    axes[1].set(title=f"{name}: torque over velocity", xlabel="rad/s", ylabel="N m")
    axes[2].plot(time, data["torque"][:, joint])
    axes[2].set(title=f"{name}: torque", ylabel="N m")
