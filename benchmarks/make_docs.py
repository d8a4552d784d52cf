"""Writes docs/benchmarks.md and docs/results.md, with plots in docs/images/, from the JSON files of measurements.

The tables of settings in docs/configuration.md are written too, from the config classes, and the table of calls in
docs/isaacgym.md.

    python benchmarks/make_docs.py

Speeds are read from benchmarks/results/*.json (legged_gym/scripts/benchmark.py and benchmarks/ppo_update.py), policies
from docs/results/*.json (legged_gym/scripts/evaluate.py and benchmarks/learning_curve.py). No number is written by
hand: to change one, measure again.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
from typing import Iterable

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import gym_page, settings_page
from benchmarks.markdown import Named, of_kind
from benchmarks.policy_page import plot_curve, results_page
from benchmarks.speed_page import benchmarks_page

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(root: str = REPOSITORY) -> None:
    """Write all pages and plots below `root`."""
    speeds = load(os.path.join(root, "benchmarks", "results"))
    results = load(os.path.join(root, "docs", "results"))
    os.makedirs(os.path.join(root, "docs", "images"), exist_ok=True)
    write(os.path.join(root, "docs", "benchmarks.md"), benchmarks_page(speeds))
    write(os.path.join(root, "docs", "results.md"), results_page(results))
    for name, fill in (("configuration.md", settings_page.fill), ("isaacgym.md", gym_page.fill)):
        path = os.path.join(root, "docs", name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                page = file.read()
            write(path, [fill(page).rstrip("\n")])
    for name, curve in of_kind(results, "learning_curve"):
        plot_curve(curve, os.path.join(root, "docs", "images", f"{name}.png"))


def load(folder: str) -> Named:
    """Return (name without extension, content) of the JSON files in a folder, by name."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            found.append((os.path.splitext(os.path.basename(path))[0], json.load(file)))
    return found


def write(path: str, paragraphs: Iterable[str]) -> None:
    """Write a page of paragraphs."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(paragraphs) + "\n")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
