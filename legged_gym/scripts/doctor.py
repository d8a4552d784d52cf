"""Say what this machine has, what a missing piece costs and what brings it, and how fast robots learn here.

    python legged_gym/scripts/doctor.py
    python legged_gym/scripts/doctor.py --no_speed --json=report.json

The report names no user and no folder: it can be pasted into a bug report as it is.
"""

from __future__ import annotations

import os
import sys
from typing import Dict, List, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.inspection import doctor
from legged_gym.programs import run_script
from legged_gym.utils import reports
from legged_gym.utils.cli import ArgumentParser


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Examine, print, and say by the exit status whether robots can learn here.

    Raises:
        UserError: for a mistake in the command line.
    """
    parser = ArgumentParser(__doc__)
    parser.add_argument("--no_speed", action="store_true", help="leave out the seconds of training that are measured")
    parser.add_argument("--json", metavar="FILE", help="write the report here too")
    args = parser.parse_args(argv)
    reports.check_writable(args.json)
    findings = doctor.examine()
    print("\n".join(line for finding in findings for line in finding.lines()), flush=True)
    problems = doctor.problems(findings)
    speed = {} if args.no_speed or problems else _speed()
    print("\n".join(_conclusion(problems, speed)))
    if args.json:
        pieces = [finding.as_dict() for finding in findings]
        reports.write_json(args.json, {"kind": "doctor", "pieces": pieces, "speed": speed, "problems": problems})
    return int(bool(problems))


def _speed() -> Dict[str, float]:
    from legged_gym.inspection import quick_speed  # with torch and MuJoCo, which may not be there

    return quick_speed.measure()


def _conclusion(problems: Sequence[str], speed: Dict[str, float]) -> List[str]:
    if problems:
        return [f"\nnothing can be trained yet: {', '.join(problems)} is missing"]
    lines = [f"  {name.replace('_', ' '):<29}{value:>12,.0f} a second" for name, value in speed.items()]
    return ["", *lines, "robots can learn here: legged-gym train --task=a1_flat --headless"]


if __name__ == "__main__":
    run_script(main)
