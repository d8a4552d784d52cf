"""How many planted mistakes `check-log` finds, and whether it is silent on logs without any.

    python benchmarks/check_log.py a1_flat go2 g1 --lines=found.jsonl      some hours on one core
    python benchmarks/check_log.py g1 --share=2/4 --lines=found.jsonl
    python benchmarks/check_log.py --table --lines=found.jsonl             the table in docs/check_log.md

The second line is a quarter, beside three other processes. Clean logs are of plain MuJoCo (plane, bumps, slopes; other
friction and mass, noise up to that of training, pushes) and of the training environment with all it randomises.

Mistakes are planted in two ways. Open loop: into the log of a good walk, which is what a wrong logger gives. Closed
loop: while the policy walks, so that it acts on what is wrong; many fall within a second. Logs of closed loops are
checked as observations and actions alone, and with raw readings. A hit is a report that names the term and the kind of
all that was planted, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from typing import Iterator, List, Sequence, Tuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np

from benchmarks.log_maker import Conditions, Log, environment_logs, log_of, walk
from benchmarks.log_mistakes import Mistake, mistakes_of
from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.logcheck.check import check_log
from legged_gym.sim2sim.network import Network, open_policy
from legged_gym.utils.reports import write_json
from legged_gym.utils.start_points import policy_file

POLICIES = ("a1_flat", "go2", "g1")
RESULTS = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "results", "check_log.json")
PAGE = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "check_log.md")
BEGIN, END = "<!-- table: benchmarks/check_log.py -->", "<!-- end of table -->"
STEPS, CLOSED_STEPS = 500, 300
HIT, PART, EXTRA, MISS, SILENT = "hit", "in part", "and more", "missed", "silent"
CLEAN, CLEAN_RAW, CLEAN_ENVIRONMENT = "clean", "clean with readings", "clean, of the environment"
OPEN, CLOSED, CLOSED_RAW = "open loop", "closed loop", "closed loop with readings"

Found = Tuple[str, str, str]
"""Setting, what was planted, and how it ended."""


def conditions(number: int) -> Conditions:
    """Those of one of the clean logs."""
    return Conditions(
        seed=100 + number,
        ground=("plane", "rough", "slope")[number % 3],
        noise=(0.0, 0.2, 0.5, 1.0)[number % 4],
        friction=(0.6, 1.0, 1.4)[(number // 2) % 3],
        mass=(0.9, 1.0, 1.15)[(number // 3) % 3],
        push=0.4 * (number % 2),
    )


def found_in(policy: Network, log: Log, raw: bool) -> List[Tuple[str, str]]:
    """Term and kind of all that is reported of a log."""
    kept = {name: values for name, values in log.items() if raw or name in ("time", "action") or "policy." in name}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.npz")
        np.savez(path, **kept)
        report = check_log(policy, path)
    return sorted({(term, finding.kind) for finding in report.findings for term in finding.terms})


def judged(found: Sequence[Tuple[str, str]], planted: Sequence[Mistake]) -> str:
    """How a report compares with what was planted."""
    expected = {pair for mistake in planted for pair in mistake.finds}
    if set(found) == expected:
        return HIT
    if expected <= set(found):
        return EXTRA
    return PART if expected & set(found) else MISS


def clean(policy: Network, numbers: Sequence[int]) -> Iterator[Found]:
    """Logs of plain MuJoCo in which nothing is wrong."""
    for number in numbers:
        title, log = str(conditions(number)), log_of(walk(policy, conditions(number), STEPS), raw=True)
        for setting, raw in ((CLEAN, False), (CLEAN_RAW, True)):
            found = found_in(policy, log, raw)
            yield setting, f"{number}: {title}", str(found) if found else SILENT


def clean_environment(policy: Network, name: str, count: int) -> Iterator[Found]:
    """The same in the training environment."""
    for number, log in enumerate(environment_logs(name, count, STEPS)):
        found = found_in(policy, log, False)
        yield CLEAN_ENVIRONMENT, str(number), str(found) if found else SILENT


def planted(policy: Network, sets: Sequence[Tuple[Mistake, ...]]) -> Iterator[Found]:
    """Mistakes, each alone or two of them, in open and closed loop."""
    start = Conditions(seed=7, noise=0.2)
    good = walk(policy, start, STEPS)
    for mistakes in sets:
        name = " + ".join(mistake.name for mistake in mistakes)
        count = "alone" if len(mistakes) == 1 else "two"
        if not any(mistake.of_motors for mistake in mistakes):
            yield f"{OPEN}, {count}", name, judged(found_in(policy, log_of(good, mistakes), False), mistakes)
        log = log_of(walk(policy, start, CLOSED_STEPS, mistakes), raw=True)
        for setting, raw in ((CLOSED, False), (CLOSED_RAW, True)):
            yield f"{setting}, {count}", name, judged(found_in(policy, log, raw), mistakes)


def pairs_of(mistakes: Sequence[Mistake], count: int) -> List[Tuple[Mistake, ...]]:
    """A random sample of pairs of different terms."""
    apart = [
        (a, b)
        for i, a in enumerate(mistakes)
        for b in mistakes[i + 1 :]
        if not {term for term, _ in a.finds} & {term for term, _ in b.finds}
    ]
    chosen = np.random.default_rng(1).permutation(len(apart))[:count]
    return [apart[index] for index in chosen.tolist()]


def measure(name: str, args: argparse.Namespace) -> Iterator[Found]:
    """The share of one policy that this process has."""
    own, processes = (int(part) for part in args.share.split("/"))
    policy = open_policy(policy_file(name))
    mistakes = mistakes_of(policy.description)
    sets = [(mistake,) for mistake in mistakes] + pairs_of(mistakes, args.pairs)
    yield from clean(policy, range(2 * args.clean // 3)[own - 1 :: processes])
    yield from planted(policy, sets[own - 1 :: processes])
    yield from clean_environment(policy, name, args.clean // 3 if own == processes else 0)


def table(lines: Sequence[Sequence[str]]) -> str:
    """For docs/check_log.md, of policy, setting, what was planted, and how it ended."""
    rows = ["| policy | logs | hit or silent | and more | in part | missed or false |", "|---|---|---:|---:|---:|---:|"]
    for name, setting in dict.fromkeys((line[0], line[1]) for line in sorted(lines, key=_place)):
        ends = Counter(line[3] for line in lines if (line[0], line[1]) == (name, setting))
        whole, good = sum(ends.values()), ends[HIT] + ends[SILENT]
        rest = whole - good - ends[EXTRA] - ends[PART]
        rows.append(f"| `{name}` | {setting} | {good} of {whole} | {ends[EXTRA]} | {ends[PART]} | {rest} |")
    return "\n".join(rows)


def _place(line: Sequence[str]) -> Tuple[int, int, str]:
    order = (CLEAN, f"{OPEN}, alone", f"{OPEN}, two", CLOSED)
    return POLICIES.index(line[0]), next(k for k, start in enumerate(order) if line[1].startswith(start)), line[1]


def main(argv: Sequence[str]) -> None:
    """Measure, or make the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", default=POLICIES, help=f"shipped policies; by default {', '.join(POLICIES)}"
    )
    parser.add_argument("--clean", type=int, default=30, help="clean logs of each (30), a third of the environment")
    parser.add_argument("--pairs", type=int, default=40, help="pairs of mistakes of each (40)")
    parser.add_argument("--share", default="1/1", help="K/N: the Kth part of N, for several processes")
    parser.add_argument("--lines", help="write a line of JSON for each log there; with --table, read them")
    parser.add_argument("--table", action="store_true", help="write the table in docs/check_log.md of --lines")
    args = parser.parse_args(argv)
    if args.table:
        with open(args.lines, encoding="utf-8") as file:
            write_table([json.loads(line) for line in file])
        return
    found = []
    for name in args.names:
        for each in measure(name, args):
            found.append([name, *each])
            print(*found[-1], sep="  ", flush=True)
            if args.lines:
                with open(args.lines, "a", encoding="utf-8") as file:
                    file.write(json.dumps(found[-1]) + "\n")
    print(table(found))


def write_table(lines: Sequence[Sequence[str]]) -> None:
    """Into the page, and all that was not as it should be into docs/results."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{table(lines)}\n\n{END}{after}")
    wrong = [line for line in sorted(lines, key=_place) if line[3] not in (HIT, SILENT)]
    write_json(RESULTS, {"kind": "check_log", "logs": len(lines), "not as planted": wrong})


if __name__ == "__main__":
    main(sys.argv[1:])
