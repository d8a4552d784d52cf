"""A robot in plain MuJoCo behind a UDP socket, for the runners in this folder: it sends sensors and obeys targets.

    python examples/deploy/runner.py resources/policies/a1_flat/policy.onnx --port=9000 --lockstep &
    python examples/deploy/simulated_robot.py resources/policies/a1_flat/policy.onnx --port=9000 --command 0.5 0 0

It waits for the answer to every packet, so time is that of the simulation, however fast both programs are. What the
runner cannot compute, images and maps, is computed here and sent as a term.
"""

from __future__ import annotations

import argparse
import os
import socket
import struct
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

import mujoco
import numpy as np

from legged_gym.reading import path_of
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.network import open_policy
from legged_gym.sim2sim.robot import Robot, World
from legged_gym.sim2sim.terms import TERMS

HEADER = struct.Struct("<4sId")
FROM_OUTSIDE = ("camera", "map", "feet", None)
"""Sources of terms that a runner has to be sent."""


class SimulatedRobot:
    """A robot and its socket.

    Attributes:
        robot: in plain MuJoCo.
        mode: of the last targets: 0 stands up, 1 the policy drives, 2 damping.
    """

    def __init__(self, policy_file: str, port: int, patience: float = 60.0) -> None:
        """Build the robot, in its default pose above a plane.

        Args:
            policy_file: whose description tells about the robot.
            port: of the runner, on this machine.
            patience: s to wait for an answer.
        """
        policy = open_policy(policy_file)
        robot_file = path_of(policy.description["robot_file"]["file"])
        self.robot = Robot(policy, World(robot_file, Ground()), TERMS)
        self.description, self.mode, self.number, self.patience = policy.description, 0, 0, patience
        self.joints = len(self.description["joints"])
        self.tau = np.zeros(self.joints)
        self._address = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(patience)
        terms = [term for group in self.description["observations"].values() for term in group["terms"]]
        self._sent_terms = [term for term in terms if term.get("source") in FROM_OUTSIDE]

    @property
    def time(self) -> float:
        """Of the robot, s."""
        return float(self.robot.time)

    def readings(self) -> Dict[str, np.ndarray]:
        """What its sensors and a perfect estimator say."""
        robot = self.robot
        return {
            "quat": robot.data.qpos[[4, 5, 6, 3]],
            "gyro": robot.angular_velocity,
            "lin_vel": robot.velocity,
            "height": robot.position[2:3],
            "q": robot.joint_angles,
            "dq": robot.joint_velocities,
            "tau": self.tau,
        }

    def send(self, kind: bytes, content: bytes = b"", time: Optional[float] = None) -> None:
        """Send a packet."""
        self.number += 1
        header = HEADER.pack(kind, self.number, self.time if time is None else time)
        self._socket.sendto(header + content, self._address)

    def ask(self, readings: Mapping[str, Any], time: Optional[float] = None) -> Tuple[int, np.ndarray]:
        """Send sensors and wait for targets: the mode, and (3, J) rad, N m/rad, N m s/rad."""
        self.send(b"SENS", _floats(np.concatenate(list(readings.values()))), time)
        return self.receive()

    def receive(self) -> Tuple[int, np.ndarray]:
        """Wait for targets."""
        content = self._socket.recv(65536)
        (mode,) = struct.unpack_from("<i", content, HEADER.size)
        return mode, np.frombuffer(content, "<f4", offset=HEADER.size + 4).reshape(3, self.joints).astype(float)

    def command(self, values: Sequence[float]) -> None:
        """Say where to go: m/s forward, m/s to the left, rad/s, and m of height where the policy takes one."""
        self.send(b"COMD", _floats(values))

    def step(self) -> None:
        """One control step: sense, ask, and move under the motors' controllers."""
        for term in self._sent_terms:
            value = np.asarray(TERMS[term["name"]](self.robot, term), float).ravel()
            self.send(b"TERM", term["name"].encode().ljust(32, b"\0") + _floats(value))
        self.mode, (target, stiffness, damping) = self.ask(self.readings())
        robot, model = self.robot, self.robot.model
        model.actuator_gainprm[:, 0], model.actuator_biasprm[:, 1] = stiffness, -stiffness
        model.actuator_biasprm[:, 2] = -damping
        robot.data.ctrl[:] = target
        for _ in range(self.description["decimation"]):
            mujoco.mj_step(model, robot.data)
        mujoco.mj_forward(model, robot.data)
        self.tau = robot.data.actuator_force.copy()
        robot.steps += 1

    def walk(self, seconds: float, command: Sequence[float]) -> List[np.ndarray]:
        """Follow a command; returns the velocity of the base in its own frame, m/s, of every step."""
        velocities = []
        for _ in range(round(seconds / self.description["control_dt"])):
            self.command(command)
            self.step()
            velocities.append(self.robot.velocity.copy())
        return velocities

    def stop(self) -> None:
        """End the runner."""
        self.send(b"STOP")
        self._socket.close()


def _floats(values: Any) -> bytes:
    return np.asarray(values, "<f4").tobytes()


def main() -> None:
    """Walk, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--command", type=float, nargs="+", default=[0.5, 0.0, 0.0])
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    robot = SimulatedRobot(args.policy, args.port)
    velocities = robot.walk(args.seconds, args.command)
    robot.stop()
    mean = np.mean(velocities[len(velocities) // 2 :], axis=0).round(2).tolist()
    print(f"velocity of the second half {mean} m/s, mode {robot.mode}, fell: {robot.robot.fell()}")


if __name__ == "__main__":
    main()
