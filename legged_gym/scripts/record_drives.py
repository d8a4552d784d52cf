"""Record simulated drives, as data to fit an actuator network to.

    python legged_gym/scripts/record_drives.py --policy=a1_flat \
        --motor=resources/actuator_nets/a1_motor.json --output=logs/a1_drives.npz

Robots walk under the policy, with noise on its actions, and as many move their legs in the air. Their joints are driven
by the motor of the file (legged_gym/actuators/motor_model.py says what its numbers are). The recording has target,
position, velocity and torque of every joint at every physics step; fit_actuator_net.py reads it.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.reading import path_of
from legged_gym.utils.cli import make_parser, number
from legged_gym.utils.files import check_writable, whole_file
from legged_gym.utils.options import CommandLine


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Record as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    parser = make_parser(__doc__ or "")
    add_policy_flag(parser)
    parser.add_argument("--motor", type=path_of, metavar="FILE", required=True, help="JSON file of a motor's numbers")
    parser.add_argument("--output", metavar="FILE", required=True, help="the .npz file to write")
    parser.add_argument("--duration", type=number("s", low=0.1, high=3600), default=20.0, help="seconds (20)")
    parser.set_defaults(num_envs=12, seed=1)
    args = parser.parse(argv)
    if not args.output.endswith(".npz"):
        raise UserError(f"--output={args.output}: the recording is a .npz file")
    source = find_policy(CommandLine.read(args))
    # Imported here: mistakes found above are answered without waiting for torch and MuJoCo.
    import numpy as np

    from legged_gym.actuators.motor_model import MotorParameters
    from legged_gym.sysid.drive_recording import record_drives

    MotorParameters.read(args.motor)
    check_writable(args.output, "--output")
    columns: Any = record_drives(source.changed(lambda cfg: _drive(cfg, args.motor)), args.duration)
    with whole_file(args.output) as file:
        np.savez_compressed(file, **columns)
    samples, joints = columns["target"].shape
    print(f"{args.output}: {samples} samples of {joints} joints, {os.path.getsize(args.output) / 1e6:.1f} MB")


def _drive(cfg: LeggedRobotCfg, motor: str) -> None:
    cfg.control.control_type, cfg.control.actuator_net_file = "actuator_net", motor


if __name__ == "__main__":
    run_script(main)
