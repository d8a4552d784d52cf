"""Fit an actuator network to recordings of drives.

    python legged_gym/scripts/fit_actuator_net.py --data logs/a1_drives.npz --output=logs/a1_drives/net.pt
    python legged_gym/scripts/fit_actuator_net.py --data log1.csv log2.csv --dt=0.005 --type=lstm --output=net.pt

A recording (.npz or .csv) has time, target, position, velocity and torque of one or several joints; the formats are
told in legged_gym/sysid/recordings.py. The last part of each is held out, and the errors of the network and of the
best PD controller on it are reported. Beside the network go <output>.json, the numbers, and <output>.png, a plot.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.programs import run_script
from legged_gym.utils import reports
from legged_gym.utils.cli import ArgumentParser, number, positive, seed
from legged_gym.utils.files import check_writable

HIDDEN_SIZES = {"mlp": [32, 32], "lstm": [8, 8]}


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Fit as the command line says.

    Raises:
        UserError: for a mistake in it or in a recording.
    """
    args = _parse(argv)
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    import torch

    from legged_gym.actuators.networks import NetworkSpec
    from legged_gym.sysid import reports as actuator_reports
    from legged_gym.sysid.fitting import fit
    from legged_gym.sysid.recordings import read_recording

    check_writable(args.output, "--output")
    torch.set_num_threads(args.num_threads)
    recordings = [read_recording(path, args.dt) for path in args.data]
    spec = NetworkSpec(
        type=args.type,
        hidden_sizes=args.hidden or HIDDEN_SIZES[args.type],
        activation=args.activation,
        history=args.history if args.type == "mlp" else 1,
        sample_interval=args.interval,
    )
    result = fit(recordings, spec, args.epochs, args.held_out, args.learning_rate, seed=args.seed)
    paths = actuator_reports.write(result, args.output, args.torchscript, args.data, reports.origin(__file__, argv))
    print(actuator_reports.as_text(result))
    for path in paths:
        print(f"{path}  {os.path.getsize(path) / 1e3:.1f} kB")


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--data", nargs="+", metavar="FILE", required=True, help="recordings, .npz or .csv")
    add("--output", metavar="FILE", required=True, help="the network, a .pt file")
    add("--type", choices=sorted(HIDDEN_SIZES), default="mlp", help="kind of network (mlp)")
    add("--hidden", type=int, nargs="+", metavar="N", help="widths of the hidden layers (mlp: 32 32, lstm: 8 8)")
    add("--activation", default="softsign", help="of an mlp: softsign, tanh, relu, elu or linear (softsign)")
    add("--history", type=int, default=3, help="samples that an mlp sees (3)")
    add(
        "--interval",
        type=number("s", above=0),
        metavar="S",
        help="s between these samples (the spacing of the recording)",
    )
    add("--dt", type=number("s", above=0), metavar="S", help="s, resample the recordings to this spacing")
    add("--held_out", type=float, default=0.2, metavar="SHARE", help="last part of a recording that is held out (0.2)")
    add("--epochs", type=positive, default=60, help="passes over the samples (60)")
    add("--learning_rate", type=number(above=0), default=5e-3, help="at the start (0.005)")
    add("--seed", type=seed, default=1, help="of initial weights and order of samples (1)")
    add("--num_threads", type=positive, default=1, help="CPU threads (1)")
    add("--torchscript", action="store_true", help="write <output>_script.pt too, which programs load without this one")
    args = parser.parse_args(argv)
    if not args.output.endswith(".pt"):
        raise UserError(f"--output={args.output}: a network is a .pt file")
    if not 0.0 < args.held_out < 1.0:
        raise UserError(f"--held_out={args.held_out:g}: give a share between 0 and 1")
    return args


if __name__ == "__main__":
    run_script(main)
