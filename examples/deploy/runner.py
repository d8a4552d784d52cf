"""Runs an exported policy on a robot: packets of sensors come in, joint targets go out; numpy and onnxruntime alone.

    python runner.py policy.onnx --port=9000 --command=0.5,0,0 --log=run.csv
    python runner.py policy.onnx --check                 repeat the golden vectors beside the policy

docs/deploy.md has the packets, the modes and the limits. cpp/main.cpp is the same program.
It reads best from its end: main, serve, Runner, Policy, TERMS.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
from time import monotonic
from typing import Any, TextIO

import numpy as np
import onnxruntime

RAMP, POLICY, DAMPING = range(3)
HEADER, NAME = struct.Struct("<4sId"), 32  # what it is, number, s of the robot's clock; bytes of a term's name
READINGS = ("quat", "gyro", "lin_vel", "height", "q", "dq", "tau")  # x, y, z, w; rad/s; m/s; m; rad, rad/s, N m
RANGE_MARGIN, TORQUE_FACTOR, LEAST_UPRIGHT = 0.1, 1.5, 0.5  # rad, of torque_limit, cosine of the tilt
COMMAND_AGE, TERM_AGE = 1.0, 0.5  # s, after which a command is zero, a term from outside stale
LONGEST_WAIT = 3600.0  # s, for a packet, before it is waited for again
OBSERVATION_TOLERANCE, ROUNDING = 2e-3, 1e-6  # golden inputs are float16; s, of clocks


def gravity(now: dict[str, Any]) -> np.ndarray:
    """Where down is, in the base."""
    x, y, z, w = now["quat"]
    return np.array([2 * (w * y - x * z), -2 * (w * x + y * z), 2 * (x * x + y * y) - 1])


def roll_pitch(now: dict[str, Any]) -> list[float]:
    """Of the base, rad."""
    x, y, z = gravity(now)
    return [np.arctan2(-y, -z), np.arcsin(np.clip(x, -1, 1))]


def phase(policy: Policy, frequency: float) -> list[float]:
    """Sine and cosine of a clock that starts with the policy."""
    angle = policy.first_phase + 2 * np.pi * frequency * policy.steps * policy.about["control_dt"]
    return [np.sin(angle), np.cos(angle)]


TERMS = {
    "base_lin_vel": lambda policy, now, term: now["lin_vel"],
    "base_ang_vel": lambda policy, now, term: now["gyro"],
    "projected_gravity": lambda policy, now, term: gravity(now),
    "base_height": lambda policy, now, term: now["height"],
    "roll_pitch": lambda policy, now, term: roll_pitch(now),
    "dof_pos": lambda policy, now, term: now["q"] - policy.default,
    "dof_vel": lambda policy, now, term: now["dq"],
    "actions": lambda policy, now, term: policy.actions[0],
    "dof_pos_history": lambda policy, now, term: policy.scale * np.ravel(policy.actions[: term["length"]]),
    "commands": lambda policy, now, term: [now["command"][name] for name in term["names"]],
    "height_command": lambda policy, now, term: now["command"]["height"],
    "jump_command": lambda policy, now, term: 0.0,
    "jump_counter": lambda policy, now, term: 0.0,
    "phase": lambda policy, now, term: phase(policy, term["frequency"]),
}
"""From the policy, the readings and the command of now, and the term's description; other terms come from outside."""


class Policy:
    """The network with its memory, and the observations that it is given."""

    def __init__(self, path: str) -> None:
        """Open a file that export.py wrote."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.about = json.loads(self.session.get_modelmeta().custom_metadata_map["metadata"])
        shapes = {entry["input"]: entry["shape"] for entry in self.about["memory"]}
        self.memory = {name: np.zeros([1 if n == "batch" else n for n in shapes[name]], np.float32) for name in shapes}
        self.default = np.array([joint["default_pos"] for joint in self.about["joints"]])
        self.scale, self.clip = self.about["actions"]["scale"], self.about["actions"]["clip"]
        self.steps, self.first_phase, self.actions = 0, 0.0, [np.zeros(len(self.default))] * 33  # the newest first
        self.frames: dict[tuple[str, str], list[np.ndarray]] = {}  # of terms that remember
        self.outside: dict[str, tuple[float, np.ndarray]] = {}  # s, numbers of terms that were sent
        terms = [term["name"] for group in self.about["observations"].values() for term in group["terms"]]
        self.needed = {name for name in terms if name not in TERMS}

    def observe(self, now: dict[str, Any]) -> dict[str, np.ndarray]:
        """Observations by group."""
        found = {}
        for group_name, group in self.about["observations"].items():
            parts = []
            for term in group["terms"]:
                name, scale, (low, high) = term["name"], np.array(term["scale"]), term["clip"] or (-np.inf, np.inf)
                value = self.outside[name][1] if name in self.outside else TERMS[name](self, now, term)
                value = np.where(scale == 0, 0, scale * np.clip(np.ravel(value), low, high))  # 0 also of no number
                value = np.clip(value, -group["clip"], group["clip"])
                if "history" in term:
                    frames = self.frames.setdefault((group_name, name), [value] * term["history"])
                    if self.steps % term["hold"] == term["offset"]:
                        frames[:] = [*frames[1:], value]
                    value = np.concatenate(frames[::-1] if term["newest_first"] else frames)
                parts.append(value)
            found[group_name] = np.concatenate(parts).reshape(group["shape"])
        return found

    def act(self, observations: dict[str, np.ndarray]) -> np.ndarray:
        """One step of the network, from observations to the action."""
        names = [entry["name"] for entry in self.about["outputs"]]
        feed = {name: np.asarray(value, np.float32)[None] for name, value in observations.items()}
        outputs = dict(zip(names, self.session.run(names, {**feed, **self.memory})))
        self.memory = {entry["input"]: outputs[entry["output"]] for entry in self.about["memory"]}
        action = outputs[names[0]][0]
        self.actions, self.steps = [np.clip(action, -self.clip, self.clip), *self.actions[:-1]], self.steps + 1
        return action


class Runner:
    """Stands up, lets the policy drive, and lets go when something is wrong.

    What the motors are told: `mode`; `target` rad, `kp` N m/rad and `kd` N m s/rad of each joint.
    """

    def __init__(self, policy: Policy, ramp: float, stale: float, command: list[float], log: TextIO | None) -> None:
        """Wait for sensors.

        Args:
            policy: what drives.
            ramp: s, from where the joints are to the default pose.
            stale: s without sensors after which the robot lets go.
            command: m/s, m/s, rad/s, until a packet says otherwise.
            log: where to write a row for each step.
        """
        self.policy, self.about, self.ramp, self.stale, self.log = policy, policy.about, ramp, stale, log
        if self.about["actions"]["control_type"] not in ("P", "actuator_net"):
            raise SystemExit("error: this policy gives no joint targets")
        joints, keys = self.about["joints"], ("stiffness", "damping", "torque_limit")
        self.kp, self.kd, limit = np.array([[joint[key] for joint in joints] for key in keys], float)
        self.limit = np.where(np.isnan(limit), np.inf, limit)
        self.low, self.high = np.array([joint["pos_limits"] for joint in joints], float).T  # NaN where there is none
        self.mode, self.start, self.last, self.due = RAMP, None, np.inf, -np.inf  # s of the robot's clock
        self.target, self.offset, self.told = policy.default, np.zeros(len(joints)), (np.inf, command)

    def step(self, time: float, now: dict[str, Any]) -> bool:
        """Take readings; whether the motors are told anything, which is once in a step of the policy."""
        policy, dt = self.policy, self.about["control_dt"]
        self.watch(time, now)
        if self.mode != DAMPING and time + ROUNDING < self.due:
            return False
        self.due = (self.due if self.due + dt > time else time) + dt
        if self.start is None:
            self.start, self.first = time, now["q"]
        command = self.command(time)
        seen = {name: np.full(group["shape"], np.nan) for name, group in self.about["observations"].items()}
        action = np.full(len(self.kp), np.nan)
        up = time - self.start + ROUNDING >= self.ramp
        if self.mode == RAMP and up and policy.needed <= policy.outside.keys():
            self.mode = POLICY
            print("the policy drives", flush=True)
        if self.mode == RAMP:
            share = min((time - self.start) / max(self.ramp, dt), 1.0)
            self.target = self.first + share * (policy.default - self.first)
        if self.mode == POLICY:
            found = policy.observe({**now, "command": command})
            if not all(np.isfinite(values).all() for values in found.values()):
                self.damp("an observation is no number")
        if self.mode == POLICY and not np.isfinite(policy.act(found)).all():
            self.damp("an action is no number")
        if self.mode == POLICY:
            seen, action, rule = found, policy.actions[0], self.about["actions"]
            kept = (1.0 - (rule["target_filter"] or 1.0)) ** self.about["decimation"]
            self.offset = kept * self.offset + (1.0 - kept) * rule["scale"] * action
            self.target = policy.default + self.offset
        if self.mode != DAMPING:  # no motor is asked for more than its limit
            kp = np.maximum(self.kp, ROUNDING)
            rest, reach = now["q"] + self.kd * now["dq"] / kp, self.limit / kp
            self.target = np.clip(self.target, rest - reach, rest + reach)
        if self.log:
            told = {f"command.{name}": value for name, value in sorted(command.items())}
            read = {"time": time, "mode": self.mode, **now, "height": now["height"][0]}
            self.write({**read, "target": self.target, **told, "action": action}, seen)
        return True

    def watch(self, time: float, now: dict[str, Any]) -> None:
        """Let go if something is wrong."""
        names = [joint["name"] for joint in self.about["joints"]]
        outside = (now["q"] < self.low - RANGE_MARGIN) | (now["q"] > self.high + RANGE_MARGIN)
        torn = np.abs(now["tau"]) > TORQUE_FACTOR * self.limit
        old = [name for name, (when, _) in self.policy.outside.items() if time - when > TERM_AGE]
        faults = {
            "a reading is no number": not np.isfinite([*now["quat"], *now["gyro"], *now["q"], *now["dq"]]).all(),
            f"no sensors for {time - self.last:.3f} s": time - self.last > self.stale,
            "tilted too far": -gravity(now)[2] < LEAST_UPRIGHT,
            f"{names[outside.argmax()]} is out of its range": outside.any(),
            f"{names[torn.argmax()]} has too much torque": torn.any(),
            f"{', '.join(old)} is stale": old and self.mode == POLICY,
        }
        self.last = time
        for why, wrong in faults.items():
            if wrong:
                self.damp(why)

    def damp(self, why: str) -> bool:
        """Let go, for good; the motors are told so."""
        if self.mode != DAMPING:
            print(f"damping: {why}", flush=True)
        self.mode, self.target, self.kp = DAMPING, 0 * self.kp, 0 * self.kp
        return True

    def command(self, time: float) -> dict[str, float]:
        """As told, within what training had; nothing where that was long ago."""
        (when, told), rule = self.told, self.about["commands"]
        found = {"lin_vel_x": 0.0, "lin_vel_y": 0.0, "ang_vel_yaw": 0.0}
        if "height" in rule["ranges"]:
            found["height"] = np.mean(rule["ranges"]["height"])
        found.update(zip(tuple(found), told if time - when <= COMMAND_AGE else ()))
        for name, (low, high) in rule["ranges"].items():
            if found.get(name):  # zero is to stand, whatever the range
                found[name] = np.clip(found[name], low, high)
        if np.hypot(found["lin_vel_x"], found["lin_vel_y"]) <= rule.get("min_norm", 0.0):
            found["lin_vel_x"] = found["lin_vel_y"] = 0.0
        return found

    def write(self, row: dict[str, Any], seen: dict[str, np.ndarray]) -> None:
        """Write a row of the log; cells without a number are empty, images are left out."""
        for name, group in self.about["observations"].items():
            for term in group["terms"] if len(group["shape"]) == 1 else ():
                row[f"{name}.{term['name']}"] = seen[name][term["start"] : term["start"] + term["size"]]
        cells = {}
        for name, values in row.items():
            for i, value in enumerate(np.ravel(values)):
                cells[f"{name}[{i}]" if np.ndim(values) else name] = value
        if not self.log.tell():
            self.log.write(",".join(cells) + "\n")
        told = ["" if np.isnan(cell) else f"{cell:.9g}" for cell in cells.values()]
        self.log.write(",".join([f"{row['time']:.6f}", *told[1:]]) + "\n")  # some clocks count from 1970 on


def floats(content: bytes) -> np.ndarray:
    """Numbers of a packet."""
    return np.frombuffer(content, "<f4").astype(float)


def serve(runner: Runner, host: str, port: int, lockstep: bool) -> None:
    """Answer packets until one says STOP."""
    kind, last, robot, heard, sizes = b"", -1, None, np.inf, [4, 3, 3, 1, *[len(runner.kp)] * 3]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((host, port))
        except OSError as error:
            raise SystemExit(f"error: cannot listen on {host}, port {port}: {error}") from None
        print(f"listening on port {server.getsockname()[1]}", flush=True)
        while kind != b"STOP":
            told = False
            try:
                left = heard + runner.stale - monotonic()  # whatever else comes, it is sensors that must not be silent
                if left <= 0:
                    raise socket.timeout
                server.settimeout(min(left, LONGEST_WAIT))
                content, sender = server.recvfrom(65536)
                if len(content) < HEADER.size or len(content) % 4:
                    continue  # of somebody else
                (kind, number, time), body = HEADER.unpack_from(content), content[HEADER.size :]
                if kind == b"COMD":
                    runner.told = time, floats(body)
                elif kind == b"TERM" and len(body) >= NAME:
                    name = body[:NAME].rstrip(b"\0").decode(errors="replace")
                    runner.policy.outside[name] = time, floats(body[NAME:])
                elif kind == b"SENS" and number > last and len(body) == 4 * sum(sizes):
                    robot, last = sender, number
                    heard = np.inf if lockstep else monotonic()  # from now on silence counts
                    told = runner.step(time, dict(zip(READINGS, np.split(floats(body), np.cumsum(sizes)))))
            except KeyboardInterrupt:
                kind, told = b"STOP", runner.damp("stopped")
            except socket.timeout:
                if monotonic() >= heard + runner.stale:
                    heard, told = monotonic(), runner.damp(f"no sensors for {runner.stale:g} s")
            except Exception as error:  # whatever it is, the motors must not be left with their last targets
                told = runner.damp(str(error))
            if told and robot:
                numbers = np.concatenate([runner.target, runner.kp, runner.kd]).astype("<f4").tobytes()
                server.sendto(HEADER.pack(b"TARG", last, runner.last) + struct.pack("<i", runner.mode) + numbers, robot)


def check(policy: Policy, folder: str) -> tuple[float, float]:
    """Largest differences from golden vectors: of actions, and of observations made of the readings."""
    with np.load(os.path.join(folder, policy.about["golden"]["file"])) as file:
        golden = {name: file[name] for name in file.files}
    groups, off, seen = policy.about["observations"], [0.0], [0.0]
    largest = max(1.0, np.abs(golden["actions"]).max())
    for name, group in groups.items():
        for term in group["terms"]:
            if term["name"] == "phase":  # begins anywhere
                policy.first_phase = np.arctan2(*golden[name][0][term["start"] : term["start"] + 2].astype(float))
    for step, expected in enumerate(golden["actions"]):
        at = {name: golden[f"{name}.frame"][step] if f"{name}.frame" in golden else step for name in golden}
        now = {name: golden[name][at[name]].astype(float) for name in golden}
        now["command"] = {name[len("command.") :]: now[name] for name in now if name.startswith("command.")}
        for name, made in ({} if policy.needed else policy.observe(now)).items():
            seen.append((np.abs(made - now[name]) / np.maximum(1.0, np.abs(made))).max())
        off.append(np.abs(policy.act({name: now[name] for name in groups}) - expected).max() / largest)
    return np.max(off), np.max(seen)


def main() -> None:
    """Run or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; all who reach it steer the robot")
    parser.add_argument("--port", type=int, default=9000, help="UDP port to listen on, 0 for any")
    parser.add_argument("--command", default="0,0,0", help="m/s, m/s, rad/s until a packet says otherwise")
    parser.add_argument("--ramp", type=float, default=2.0, help="s from where the joints are to the default pose")
    parser.add_argument("--stale", type=float, default=0.1, help="s without sensors after which the robot lets go")
    parser.add_argument("--lockstep", action="store_true", help="the robot's clock counts alone, as of a simulation")
    parser.add_argument("--log", help="CSV to write, a row for each control step")
    parser.add_argument("--check", action="store_true", help="repeat the golden vectors beside the policy")
    args = parser.parse_args()
    policy = Policy(args.policy)
    if args.check:
        off, seen = check(policy, os.path.dirname(args.policy))
        print(f"actions off by {off:.2g}, observations by {seen:.2g}")
        raise SystemExit(not (off <= policy.about["golden"]["tolerance"] and seen <= OBSERVATION_TOLERANCE))
    command = [float(word) for word in args.command.split(",")]
    with open(args.log or os.devnull, "w", encoding="utf-8") as log:
        runner = Runner(policy, args.ramp, args.stale, command, log if args.log else None)
        serve(runner, args.host, args.port, args.lockstep)


if __name__ == "__main__":
    main()
