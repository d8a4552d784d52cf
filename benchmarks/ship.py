"""Make a trained policy the one that comes along: evaluated, with its card, tried in plain MuJoCo, in the docs.

    python benchmarks/ship.py g1                                  the newest run of a task
    python benchmarks/ship.py g1 --policy=logs/g1/<run>/model_2000.pt --num_episodes=1000

Runs evaluate.py, export.py --ship, benchmarks/sim2sim.py and benchmarks/make_docs.py one after the other, and fills the
part about the policy in docs/<task>.md, if that page has one. Arguments besides those above go to evaluate.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any, List, Mapping, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- policy: benchmarks/ship.py -->", "<!-- end of policy -->"
METRICS = {
    "lin_vel_xy_error": ("velocity error, m/s", 1.0), "ang_vel_error": ("yaw rate error, rad/s", 1.0),
    "fall_rate": ("falls in 20 s, %", 100.0), "cost_of_transport": ("cost of transport", 1.0),
    "mean_speed": ("mean speed, m/s", 1.0),
}  # fmt: skip


def section(task: str, evaluation: Mapping[str, Any], command: str) -> List[str]:
    """What the page of a task says of its policy."""
    lines = [
        f"[Its card](../resources/policies/{task}/card.md) tells how it was trained. Mean and 95 % interval in",
        f"{evaluation['num_episodes']} episodes of {evaluation['episode_length_s']:g} s, pushes as in training:",
        "",
        "| | |",
        "|---|---|",
    ]
    for name, (heading, factor) in METRICS.items():
        if name in evaluation["metrics"]:
            found = evaluation["metrics"][name]
            mean, low, high = (factor * number for number in (found["mean"], *found["ci95"]))
            lines.append(f"| {heading} | {mean:.3g} ({low:.3g} to {high:.3g}) |")
    for kind, standing in evaluation.get("stand_still", {}).get("nominal", {}).items():
        lines.append(f"| told to stand, from {kind}: stands still | {100 * standing['stand_still']['mean']:.0f} % |")
    return [*lines, "", "```bash", command, f"python legged_gym/scripts/play.py --policy={task}", "```"]


def fill(page: str, lines: Sequence[str]) -> str:
    """The page with its part about the policy."""
    before, _, rest = page.partition(BEGIN)
    return "\n".join([before + BEGIN, *lines, END]) + rest.partition(END)[2]


def main(argv: Sequence[str]) -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--policy", default="", help="a run or a checkpoint; by default the newest run of the task")
    args, more = parser.parse_known_args(argv)
    which = [f"--task={args.task}", *([f"--policy={args.policy}"] if args.policy else [])]
    results = os.path.join("docs", "results", f"{args.task}.json")
    evaluated = os.path.join("legged_gym", "scripts", "evaluate.py"), *which, f"--json={results}", *more
    shipped = os.path.join("legged_gym", "scripts", "export.py"), *which, "--ship", f"--evaluation={results}"
    for step in (evaluated, shipped, (os.path.join("benchmarks", "sim2sim.py"), args.task)):
        _run(step)
    page = os.path.join(ROOT, "docs", f"{args.task}.md")
    with open(page, encoding="utf-8") if os.path.exists(page) else open(os.devnull, encoding="utf-8") as file:
        text = file.read()
    if BEGIN in text:
        with open(os.path.join(ROOT, results), encoding="utf-8") as file:
            lines = section(args.task, json.load(file), f"python {' '.join(evaluated)}")
        with open(page, "w", encoding="utf-8") as file:
            file.write(fill(text, lines))
    _run([os.path.join("benchmarks", "make_docs.py")])


def _run(step: Sequence[str]) -> None:
    print(f"\n$ python {' '.join(step)}", flush=True)
    done = subprocess.run([sys.executable, *step], cwd=ROOT)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
