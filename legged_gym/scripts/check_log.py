"""Find what is read or sent wrongly, in a log of a policy on a robot or in another simulator.

    legged-gym check-log --policy a1_flat walk.csv
    python legged_gym/scripts/check_log.py --policy=<run>/exported/policy.onnx walk.npz --json=report.json

A log has a row each control step: what the network was given and gave, raw readings, or both (docs/check_log.md). It is
held against the policy's description, its network and the statistics beside it. Told are terms that are in another
order, negated, wrongly scaled, in degrees, not relative to the default pose, late, in another frame or constant, each
with the evidence and the mend. Exit status 1 tells of a mistake.
"""

from __future__ import annotations

import os
import sys
from typing import Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.logcheck.check import WRONG, Report, check_log
from legged_gym.logcheck.words import subject
from legged_gym.programs import run_script
from legged_gym.sim2sim.network import open_policy
from legged_gym.utils.cli import ArgumentParser
from legged_gym.utils.files import check_writable
from legged_gym.utils.reports import short_path, write_json
from legged_gym.utils.start_points import policy_file

EXIT_FOUND = 1


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Check a log as the command line says.

    Raises:
        UserError: for a mistake in it, or a policy or log that cannot be used.
    """
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("log", metavar="LOG", help="a .csv or .npz file, a row each control step")
    add("--policy", required=True, metavar="PATH", help="an ONNX file, its folder, or the name of a shipped policy")
    add("--json", metavar="FILE", help="write what was found here too")
    args = parser.parse_args(argv)
    if args.json:
        check_writable(args.json, "--json")
    policy = open_policy(policy_file(args.policy))
    report = check_log(policy, args.log)
    seconds = report.steps * policy.description["control_dt"]
    print(f"policy  {short_path(policy.path)}\nlog     {args.log}: {report.steps} control steps, {seconds:.1f} s\n")
    print(as_text(report))
    if args.json:
        findings = [finding._asdict() for finding in report.findings]
        terms = {name: status for name, status, _ in report.rows}
        content = {"terms": terms, "findings": findings, "notes": report.notes, "steps": report.steps}
        write_json(args.json, {"kind": "check_log", "policy_sha256": policy.sha256, **content})
    return EXIT_FOUND if report.findings else 0


def as_text(report: Report) -> str:
    """A line for each term, then each mistake with its evidence and mend, then what else is to be known."""
    width = max(len(name) for name, _, _ in report.rows) + 2
    lines = [f"  {name:<{width}}{status}{': ' + why if why else ''}" for name, status, why in report.rows]
    for finding in report.findings:
        lines += ["", f"{WRONG}: {subject(finding.terms)}: {finding.text}"]
        lines += [f"  evidence: {finding.evidence}"] if finding.evidence else []
        lines += [f"  mend:     {finding.mend}", *(f"  or it is: {other}" for other in finding.others)]
    count = len(report.findings)
    lines += ["", *(f"note: {note}" for note in report.notes)]
    lines.append("nothing is wrong" if not count else f"{count} mistake{'' if count == 1 else 's'}")
    return "\n".join(lines)


if __name__ == "__main__":
    run_script(main)
