"""Runs an exported policy on a robot: packets of sensors come in, joint targets go out; numpy and onnxruntime alone.

    python runner.py policy.onnx --port=9000 --command=0.5,0,0 --log=run.csv
    python runner.py policy.onnx --check                 repeat the golden vectors beside the policy

docs/deploy.md has the packets, the modes and the limits. cpp/main.cpp is the same program.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import struct
from typing import Any, Dict, List, Mapping, Optional, Sequence, TextIO, Tuple

import numpy as np
import onnxruntime

RAMP, POLICY, DAMPING = range(3)
HEADER = struct.Struct("<4sId")  # what it is, number, s of the robot's clock
NAME = 32  # bytes, of a term from outside
READINGS = {"quat": 4, "gyro": 3, "lin_vel": 3, "height": 1, "q": None, "dq": None, "tau": None}
"""In the order of a packet of sensors; None: one for each joint."""
KNOWN = (
    "base_lin_vel", "base_ang_vel", "projected_gravity", "base_height", "roll_pitch", "dof_pos", "dof_vel", "actions",
    "dof_pos_history", "commands", "height_command", "jump_command", "jump_counter", "phase",
)  # fmt: skip
"""Terms that are put together here; all others come from outside."""
RANGE_MARGIN, TORQUE_FACTOR, LEAST_UPRIGHT = 0.1, 1.5, 0.5  # rad, of torque_limit, cosine of the tilt
COMMAND_AGE, VALUE_AGE = 1.0, 0.5  # s, after which a command is zero, a value from outside stale
OBSERVATION_TOLERANCE = 2e-3  # golden inputs are rounded to float16
ROUNDING = 1e-6

Readings = Dict[str, np.ndarray]
Targets = Tuple[int, np.ndarray, np.ndarray, np.ndarray]


class Policy:
    """The network with its memory, and its description."""

    def __init__(self, path: str) -> None:
        """Open a file that export.py wrote."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.description: Dict[str, Any] = json.loads(self.session.get_modelmeta().custom_metadata_map["metadata"])
        self.outputs = [entry["name"] for entry in self.description["outputs"]]
        self.reset()

    def reset(self) -> None:
        """An episode begins."""
        entries = self.description["memory"]
        shapes = {entry["input"]: [1 if size == "batch" else size for size in entry["shape"]] for entry in entries}
        self.memory = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """One step, from inputs by name to the output."""
        feed = {name: np.asarray(value, np.float32)[None] for name, value in inputs.items()}
        found = dict(zip(self.outputs, self.session.run(self.outputs, {**feed, **self.memory})))
        self.memory = {entry["input"]: found[entry["output"]] for entry in self.description["memory"]}
        return found[self.outputs[0]][0]


class Observer:
    """Puts the observations of a step together, from readings, commands and what the policy did before."""

    def __init__(self, description: Dict[str, Any]) -> None:
        """Of a policy."""
        self.description = description
        self.values: Dict[str, Tuple[float, np.ndarray]] = {}  # s, numbers of terms from outside
        self.start_phase = 0.0  # rad, of a clock
        self.default = np.array([joint["default_pos"] for joint in description["joints"]])
        self.reset()

    def reset(self) -> None:
        """The policy begins."""
        self.steps, self.actions, self.frames = 0, [np.zeros(len(self.default))], {}

    def act(self, action: np.ndarray) -> None:
        """What the policy did, within its clip."""
        self.actions, self.steps = [*self.actions[-32:], action], self.steps + 1

    def missing(self) -> List[str]:
        """Terms that have to come from outside and have not."""
        names = [term["name"] for group in self.description["observations"].values() for term in group["terms"]]
        return [name for name in names if name not in KNOWN and name not in self.values]

    def __call__(self, readings: Readings, command: Mapping[str, float]) -> Dict[str, np.ndarray]:
        """Observations by group."""
        found = {}
        for name, group in self.description["observations"].items():
            parts = []
            for term in group["terms"]:
                value = np.asarray(self._compute(term, readings, command), float).ravel()
                if term["clip"] is not None:
                    value = np.clip(value, *term["clip"])
                scale = np.array(term["scale"])
                value = np.clip(np.where(scale == 0.0, 0.0, value * scale), -group["clip"], group["clip"])
                parts.append(self._seen(f"{name}.{term['name']}", value, term) if "history" in term else value)
            found[name] = np.concatenate(parts).reshape(group["shape"])
        return found

    def _seen(self, key: str, value: np.ndarray, term: Mapping[str, Any]) -> np.ndarray:
        """The frames of a term that remembers."""
        frames = self.frames.setdefault(key, [value] * term["history"])
        if self.steps and self.steps % term["hold"] == term["offset"]:
            frames[:] = [*frames[1:], value]
        return np.concatenate(frames[::-1] if term["newest_first"] else frames)

    def _compute(self, term: Mapping[str, Any], readings: Readings, command: Mapping[str, float]) -> Any:
        name, about = term["name"], self.description
        if name in self.values:
            return self.values[name][1]
        if name == "commands":
            return [command[key] for key in term["names"]]
        if name == "height_command":
            return command.get("height", np.mean(about["commands"]["ranges"]["height"]))
        if name == "phase":
            angle = self.start_phase + 2.0 * math.pi * term["frequency"] * self.steps * about["control_dt"]
            return [math.sin(angle), math.cos(angle)]
        if name == "dof_pos_history":
            past = [*self.actions[::-1], *[np.zeros(len(self.default))] * term["length"]]
            return about["actions"]["scale"] * np.concatenate(past[: term["length"]])
        x, y, z, w = readings["quat"]
        gravity = np.array([2 * (w * y - x * z), -2 * (w * x + y * z), 2 * (x * x + y * y) - 1])
        return {
            "base_lin_vel": readings["lin_vel"],
            "base_ang_vel": readings["gyro"],
            "projected_gravity": gravity,
            "base_height": readings["height"],
            "roll_pitch": [math.atan2(-gravity[1], -gravity[2]), math.asin(max(-1.0, min(gravity[0], 1.0)))],
            "dof_pos": readings["q"] - self.default,
            "dof_vel": readings["dq"],
            "actions": self.actions[-1],
            "jump_command": 0.0,
            "jump_counter": 0.0,
        }[name]


class Runner:
    """Stands up, lets the policy drive, and lets go when something is wrong."""

    def __init__(
        self, policy: Policy, ramp: float, stale: float, command: Sequence[float], log: Optional[TextIO]
    ) -> None:
        """Wait for sensors.

        Args:
            policy: what drives.
            ramp: s, from where the joints are to the default pose.
            stale: s without sensors after which the robot lets go.
            command: m/s, m/s, rad/s, until a packet says otherwise.
            log: where to write a row for each step.
        """
        self.policy, self.about, self.observer = policy, policy.description, Observer(policy.description)
        self.ramp, self.stale, self.log, self.told = ramp, stale, log, (math.inf, list(command))
        joints, none = self.about["joints"], 1e9
        if self.about["actions"]["control_type"] not in ("P", "actuator_net"):
            raise SystemExit("error: this policy gives no joint targets")
        self.names = [joint["name"] for joint in joints]
        self.kp, self.kd = (np.array([joint[key] for joint in joints]) for key in ("stiffness", "damping"))
        self.torque_limit = np.array([joint["torque_limit"] or none for joint in joints])
        ends = [[none if end is None else end for end in joint["pos_limits"]] for joint in joints]
        self.low, self.high = np.array([[-none if low == none else low, high] for low, high in ends]).T
        self.mode, self.begin, self.last, self.due = RAMP, None, math.inf, -math.inf
        self.first, self.offset = self.observer.default, np.zeros(len(joints))

    def step(self, time: float, readings: Readings) -> Optional[Targets]:
        """What to tell the motors: mode, rad, N m/rad, N m s/rad; None between the steps of the policy."""
        why, self.last = self._fault(readings, time), time
        if why or self.mode == DAMPING:
            return self._logged(time, readings, self.damp(why or ""))
        if time + ROUNDING < self.due:
            return None
        dt = self.about["control_dt"]
        self.due = self.due + dt if self.due + dt > time else time + dt
        if self.begin is None:
            self.begin, self.first = time, readings["q"]
        if self.mode == RAMP and time - self.begin + ROUNDING >= self.ramp and not self.observer.missing():
            self.mode = POLICY
            self.policy.reset()
            self.observer.reset()
            print("the policy drives", flush=True)
        target, told, observations, action = self.observer.default, self._command(time), None, None
        if self.mode == RAMP:
            target = self.first + (target - self.first) * min((time - self.begin) / max(self.ramp, dt), 1.0)
        else:
            observations = self.observer(readings, told)
            if not all(np.isfinite(value).all() for value in observations.values()):
                return self._logged(time, readings, self.damp("an observation is no number"))
            action = self._act(observations)
            target = target + self.offset
        low, high = (
            (self.kd * readings["dq"] + s * self.torque_limit) / np.maximum(self.kp, ROUNDING) for s in (-1, 1)
        )
        target = np.clip(target, readings["q"] + low, readings["q"] + high)  # no motor is asked for more than its limit
        return self._logged(time, readings, (self.mode, target, self.kp, self.kd), observations, action)

    def damp(self, why: str) -> Targets:
        """Let go, for good."""
        if self.mode != DAMPING:
            print(f"damping: {why}", flush=True)
        self.mode = DAMPING
        return DAMPING, np.zeros(len(self.kp)), np.zeros(len(self.kp)), self.kd

    def _act(self, observations: Mapping[str, np.ndarray]) -> np.ndarray:
        rule, share = self.about["actions"], self.about["actions"]["target_filter"]
        action = np.clip(self.policy(observations), -rule["clip"], rule["clip"])
        kept = 0.0 if share is None else (1.0 - share) ** self.about["decimation"]
        self.offset = kept * self.offset + (1.0 - kept) * rule["scale"] * action
        self.observer.act(action)
        return action

    def _command(self, time: float) -> Dict[str, float]:
        """As told, within what training had; nothing where that was long ago."""
        (when, told), about = self.told, self.about["commands"]
        found = dict.fromkeys(("lin_vel_x", "lin_vel_y", "ang_vel_yaw"), 0.0)
        if time - when <= COMMAND_AGE:
            found.update(zip((*found, "height"), told))
        for name, (low, high) in about["ranges"].items():
            if found.get(name):
                found[name] = min(max(found[name], low), high)
        if math.hypot(found["lin_vel_x"], found["lin_vel_y"]) <= about.get("min_norm", 0.0):
            found["lin_vel_x"] = found["lin_vel_y"] = 0.0
        return found

    def _fault(self, readings: Readings, time: float) -> Optional[str]:
        """What is wrong, in words; None if nothing is."""
        x, y, _, _ = readings["quat"]
        if not all(np.isfinite(readings[key]).all() for key in ("quat", "gyro", "q", "dq")):
            return "a reading is no number"
        if time - self.last > self.stale:
            return f"no sensors for {time - self.last:.3f} s"
        if 1.0 - 2.0 * (x * x + y * y) < LEAST_UPRIGHT:
            return "tilted too far"
        outside = np.maximum(self.low - readings["q"], readings["q"] - self.high)
        if outside.max() > RANGE_MARGIN:
            return f"{self.names[outside.argmax()]} is out of its range"
        share = np.abs(np.nan_to_num(readings["tau"])) / self.torque_limit
        if share.max() > TORQUE_FACTOR:
            return f"{self.names[share.argmax()]} has too much torque"
        old = [name for name, (when, _) in self.observer.values.items() if time - when > VALUE_AGE]
        return f"{old[0]} is stale" if old and self.mode == POLICY else None

    def _logged(
        self,
        time: float,
        readings: Readings,
        targets: Targets,
        observations: Optional[Mapping[str, np.ndarray]] = None,
        action: Optional[np.ndarray] = None,
    ) -> Targets:
        """Write a row; cells of what was not computed are empty."""
        if self.log is None:
            return targets
        row: Dict[str, Any] = {"time": time, "mode": targets[0], **readings, "height": readings["height"][0]}
        row.update({"target": targets[1], **{f"command.{name}": x for name, x in sorted(self._command(time).items())}})
        row["action"] = [None] * len(self.kp) if action is None else action
        for name, group in self.about["observations"].items():
            for term in group["terms"] if len(group["shape"]) == 1 else ():
                part = slice(term["start"], term["start"] + term["size"])
                row[f"{name}.{term['name']}"] = observations[name][part] if observations else [None] * term["size"]
        columns: List[Tuple[str, Any]] = []
        for name, cells in row.items():
            columns += [(f"{name}[{i}]", cell) for i, cell in enumerate(cells)] if np.ndim(cells) else [(name, cells)]
        if not self.log.tell():
            self.log.write(",".join(head for head, _ in columns) + "\n")
        self.log.write(",".join("" if cell is None else f"{cell:.9g}" for _, cell in columns) + "\n")
        return targets


def unpack(content: bytes, joints: int) -> Readings:
    """Readings by name, of a packet of sensors."""
    numbers, found = _floats(content, HEADER.size), {}
    for name, size in READINGS.items():
        found[name], numbers = numbers[: size or joints], numbers[size or joints :]
    return found


def packed(number: int, time: float, targets: Targets) -> bytes:
    """A packet of targets."""
    mode, *rows = targets
    return HEADER.pack(b"TARG", number, time) + struct.pack("<i", mode) + np.concatenate(rows).astype("<f4").tobytes()


def _floats(content: bytes, start: int) -> np.ndarray:
    return np.frombuffer(content, "<f4", offset=start).astype(float)


def serve(runner: Runner, host: str, port: int, lockstep: bool) -> None:
    """Answer packets until one says STOP."""
    joints, robot, last = len(runner.kp), None, -1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((host, port))
        except OSError as error:
            raise SystemExit(f"error: cannot listen on {host}, port {port}: {error}") from None
        server.settimeout(None if lockstep else runner.stale)
        print(f"listening on port {server.getsockname()[1]}", flush=True)
        while True:
            try:
                content, sender = server.recvfrom(65536)
            except (socket.timeout, KeyboardInterrupt) as error:
                stopped = isinstance(error, KeyboardInterrupt)
                if robot:
                    why = "stopped" if stopped else f"no sensors for {runner.stale:g} s"
                    server.sendto(packed(last, 0.0, runner.damp(why)), robot)
                if stopped:
                    return
                continue
            if len(content) < HEADER.size or len(content) % 4:
                continue  # of somebody else
            kind, number, time = HEADER.unpack_from(content)
            if kind == b"STOP":
                return
            if kind == b"COMD":
                runner.told = time, _floats(content, HEADER.size).tolist()
            elif kind == b"TERM" and len(content) >= HEADER.size + NAME:
                name = content[HEADER.size : HEADER.size + NAME].rstrip(b"\0").decode(errors="replace")
                runner.observer.values[name] = time, _floats(content, HEADER.size + NAME)
            elif kind == b"SENS" and number > last and len(content) == HEADER.size + 4 * (11 + 3 * joints):
                robot, last = sender, number
                try:
                    targets = runner.step(time, unpack(content, joints))
                except Exception as error:  # whatever it is, the motors must not be left with their last targets
                    targets = runner.damp(str(error))
                if targets is not None:
                    server.sendto(packed(number, time, targets), sender)


def check(policy: Policy, folder: str) -> Tuple[float, float]:
    """Largest differences from golden vectors: of actions, and of observations made of the readings."""
    with np.load(os.path.join(folder, policy.description["golden"]["file"])) as file:
        golden = {name: file[name].astype(np.float32) for name in file.files}
    for name in [name for name in golden if name.endswith(".frame")]:
        golden[name[: -len(".frame")]] = golden[name[: -len(".frame")]][golden.pop(name).astype(int)]
    groups, observer, off, seen = policy.description["observations"], Observer(policy.description), 0.0, 0.0
    for name, group in groups.items():
        for term in group["terms"]:
            if term["name"] == "phase":  # which begins anywhere
                observer.start_phase = math.atan2(*golden[name][0][term["start"] : term["start"] + 2])
    scale, clip = max(1.0, float(np.abs(golden["actions"]).max())), policy.description["actions"]["clip"]
    for step, expected in enumerate(golden["actions"]):
        row = {name: column[step].astype(float) for name, column in golden.items()}
        off = np.maximum(off, np.abs(policy({name: row[name] for name in groups}) - expected).max() / scale)
        if not observer.missing():
            command = {name[len("command.") :]: float(row[name]) for name in row if name.startswith("command.")}
            for name, made in observer({**row, "height": row["height"][None]}, command).items():
                seen = np.maximum(seen, (np.abs(made - row[name]) / np.maximum(1.0, np.abs(made))).max())
            observer.act(np.clip(expected, -clip, clip))
    return float(off), float(seen)


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
        off, seen = check(policy, os.path.dirname(os.path.abspath(args.policy)))
        print(f"actions off by {off:.2g}, observations by {seen:.2g}")
        raise SystemExit(not (off <= policy.description["golden"]["tolerance"] and seen <= OBSERVATION_TOLERANCE))
    command = [float(word) for word in args.command.split(",")]
    with open(args.log or os.devnull, "w", encoding="utf-8") as log:
        runner = Runner(policy, args.ramp, args.stale, command, log if args.log else None)
        serve(runner, args.host, args.port, args.lockstep)


if __name__ == "__main__":
    main()
