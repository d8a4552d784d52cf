"""The panels that every robot has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, List, Sequence

import torch

from legged_gym.viewing.panels import Panel, Plot

if TYPE_CHECKING:
    from viser import GuiApi

    from legged_gym.envs.base.legged_robot import LeggedRobot


def _now(env: LeggedRobot) -> float:
    return float(env.common_step_counter * env.dt)


class Velocities(Panel):
    """Commands against measured speeds."""

    title = "Commands and speeds"
    starts_open = True

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        self._names = ["forward, m/s", "left, m/s", "turn, rad/s"]
        self._lines = [self.plot(gui, name, ["command", "measured"]) for name in self._names]

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        wanted = env.commands[self.robot, :3].tolist()
        measured = [*env.base_lin_vel[self.robot, :2].tolist(), float(env.base_ang_vel[self.robot, 2])]
        for line, pair in zip(self._lines, zip(wanted, measured)):
            line.add(_now(env), pair)


class Tracking(Panel):
    """How far a robot that follows a clip is from it, as its evaluation measures."""

    title = "Tracking"
    starts_open = True

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        self._places = self.plot(gui, "off by, m", ["bodies"])
        self._angles = self.plot(gui, "off by, rad", ["joints", "torso"])

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        bodies, joints, torso = (
            float(getattr(env, f"_metric_{name}_error")()[self.robot]) for name in ("body_pos", "joint", "torso_angle")
        )
        self._places.add(_now(env), [bodies])
        self._angles.add(_now(env), [joints, torso])


class RewardTerms(Panel):
    """What each term has earned in the present episode, a second on average since the last sample."""

    title = "Reward terms"

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        self._line = self.plot(gui, "weighted, per second", self.env.reward_sum.names)
        self._table = gui.add_markdown("")
        self.forget()

    def forget(self) -> None:
        """See `Panel`; the next sample has none before it."""
        super().forget()
        self._last = (math.inf, torch.zeros(0))

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        now, sums = _now(env), env.reward_sum.episode_sums[:, self.robot].cpu().clone()
        (before, earlier), self._last = self._last, (now, sums)
        age = float(env.episode_length_buf[self.robot]) * env.dt
        if before < now <= before + age:
            rates = ((sums - earlier) / (now - before)).tolist()
            self._line.add(now, rates)
            if self.shown:
                rows = [f"| {name} | {rate:.3f} |" for name, rate in zip(env.reward_sum.names, rates)]
                self._table.content = "\n".join(["| term | per second |", "|---|---:|", *rows])


class Joints(Panel):
    """Positions, velocities and torques of a group of joints: over time, and now between their limits."""

    title = "Joints"

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        env = self.env
        self._leg = gui.add_dropdown("Joints", ["all", *sorted({name[:2] for name in env.dof_names})])
        self._titles = ["position, rad", "velocity, rad/s", "torque, N m"]
        highest = [float(limit.max()) for limit in (env.dof_vel_limits, env.torque_limits)]
        limits: List[List[float]] = [[], *([-high, high] for high in highest)]
        self._bars = gui.add_html("")
        self._lines = [self.plot(gui, title, env.dof_names, at) for title, at in zip(self._titles, limits)]

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        chosen = self._leg.value
        hidden = [chosen != "all" and not name.startswith(chosen) for name in env.dof_names]
        for line, values in zip(self._lines, (env.dof_pos, env.dof_vel, env.torques)):
            shown = [float("nan") if hide else value for hide, value in zip(hidden, values[self.robot].tolist())]
            line.add(_now(env), shown)
        if self.shown:
            self._bars.content = self._between_limits(env, hidden)

    def _between_limits(self, env: LeggedRobot, hidden: Sequence[bool]) -> str:
        """A table with a bar for each number: where it lies between its limits, red in the last twentieth."""
        highest = torch.stack((env.dof_vel_limits, env.torque_limits))
        lows = torch.stack((env.dof_pos_limits[:, 0], *-highest))
        highs = torch.stack((env.dof_pos_limits[:, 1], *highest))
        values = torch.stack([values[self.robot] for values in (env.dof_pos, env.dof_vel, env.torques)])
        shares = ((values - lows) / (highs - lows)).clamp(0.0, 1.0).t().tolist()
        rows = ["<tr><th></th>" + "".join(f"<th>{title}</th>" for title in self._titles) + "</tr>"]
        for name, hide, numbers, share in zip(env.dof_names, hidden, values.t().tolist(), shares):
            cells = (_bar(number, part) for number, part in zip(numbers, share))
            if not hide:
                rows.append(f"<tr><td>{name}</td>{''.join(cells)}</tr>")
        return f"<table style='width:100%;font-size:0.75em'>{''.join(rows)}</table>"


class Actions(Panel):
    """What the policy asks for."""

    title = "Actions"

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        self._line = self.plot(gui, "actions", self.env.dof_names)

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        self._line.add(_now(env), env.actions[self.robot].tolist())


class Gait(Panel):
    """When which foot is down: its line is up then."""

    title = "Gait"
    starts_open = True

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        names = [self.env.body_names[foot] for foot in self.env.feet_indices.tolist()]
        self._line: Plot = self.plot(gui, "feet on the ground", names)

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        down = env.feet_down[self.robot].tolist()
        self._line.add(_now(env), [foot + 0.7 * is_down for foot, is_down in enumerate(down)])


class Observations(Panel):
    """Every term that the policy sees, as it sees it and as it was before its scale."""

    title = "Observation"

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        vectors = [name for name, group in self.env.observation_groups.items() if len(group.shape) == 1]
        self._group = gui.add_dropdown("Group", vectors)
        self._table = gui.add_markdown("")

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        if not self.shown:
            return
        rows, at = ["| term | raw | seen |", "|---|---|---|"], 0
        seen = env.obs_buf[self._group.value][self.robot].cpu()
        for term in env.observation_groups[self._group.value].layout():
            part = seen[at : at + term["size"]]
            at += term["size"]
            scale = torch.as_tensor(term["scale"], dtype=torch.float32)
            scale = scale.flatten().repeat(len(part) // scale.numel())  # once for each frame
            raw = torch.where(scale == 0, part, part / scale)
            rows.append(f"| {term['name']} | {_listed(raw)} | {_listed(part)} |")
        self._table.content = "\n".join(rows)


class Episodes(Panel):
    """How episodes of the robot have gone."""

    title = "Episodes"

    def build(self, gui: GuiApi) -> None:
        """See `Panel`."""
        self._text = gui.add_markdown("")
        self.forget()

    def forget(self) -> None:
        """See `Panel`."""
        super().forget()
        self._last, self._count = 0, 0

    def update(self, env: LeggedRobot) -> None:
        """See `Panel`."""
        age = int(env.episode_length_buf[self.robot])
        self._count += age < self._last
        self._last = age
        if self.shown:
            earned = float(env.reward_sum.episode_sums[:, self.robot].sum())
            log = {name: float(value) for name, value in env.extras.get("log", {}).items()}
            lines = [f"episode {self._count + 1}, {age * env.dt:.1f} s, reward so far {earned:.2f}", ""]
            self._text.content = "\n".join([*lines, *(f"- {name} {value:.3f}" for name, value in log.items())])


def _bar(number: float, share: float) -> str:
    """A cell with a number, and a mark where it lies: 0 at the left end, 1 at the right one."""
    color = "#d0455f" if abs(share - 0.5) > 0.45 else "#2f6fdb"
    mark = f"position:absolute;left:calc({100 * share:.0f}% - 2px);width:4px;height:100%;background:{color}"
    track = "position:relative;height:0.6em;background:#8883;border-radius:2px"
    return f"<td>{number:.2f}<div style='{track}'><div style='{mark}'></div></div></td>"


def _listed(values: torch.Tensor) -> str:
    shown = " ".join(f"{value:.2f}" for value in values[:12].tolist())
    return shown + (" ..." if len(values) > 12 else "")
