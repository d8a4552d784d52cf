"""Bring shipped policies up to what export.py writes today, without touching what they are.

    python benchmarks/refresh_policies.py                    all of them
    python benchmarks/refresh_policies.py a1_flat go2        some

A description gets the keys that it lacks, from the environment of its task; what it says already stays, as do the
network, the card and all other files. Golden vectors and statistics are recorded anew, and the former must be repeated
by the file that is there; what the task puts beside is written again. A score.json that was measured with the policy is
told the new digest of its file.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
from typing import Any, Sequence

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import onnx
import torch

from legged_gym.envs.variants import for_export
from legged_gym.policies.export import (
    ONNX_FILE,
    describe_checkpoint,
    describe_graph,
    golden_vectors,
    readable_json,
    with_description,
    write_statistics,
)
from legged_gym.policies.golden import GOLDEN_FILE, check_golden
from legged_gym.policies.metadata import describe_golden
from legged_gym.policies.onnx_file import OnnxFile
from legged_gym.policies.policy_io import add_policy_flag, find_policy, load_network_for
from legged_gym.reading import read_bytes, read_json
from legged_gym.sim2sim.trials import SCORE_FILE
from legged_gym.utils.cli import make_parser
from legged_gym.utils.files import write_files
from legged_gym.utils.options import CommandLine
from legged_gym.utils.run_folder import POLICIES_DIR
from legged_gym.utils.training import make_env


def completed(old: Any, new: Any) -> Any:
    """The old value, with the entries of nested dicts that only the new one has."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**{key: completed(old[key], new.get(key)) for key in old}, **{k: new[k] for k in new if k not in old}}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [completed(a, b) for a, b in zip(old, new)]
    return old


def refresh(folder: str) -> None:
    """Bring one policy up to date."""
    parser = make_parser("")
    add_policy_flag(parser)
    source = find_policy(CommandLine.read(parser.parse(["--sim=mujoco", f"--policy={folder}"])), for_export)
    path = os.path.join(folder, ONNX_FILE)
    before = read_bytes(path)
    old, model = OnnxFile(before, path).description, onnx.load_from_string(before)
    with contextlib.closing(make_env(source.settled())) as env:
        network, content = load_network_for(source, env)
        new, beside = describe_checkpoint(source, env, network.actor, content)
        golden = golden_vectors(source, network, content, new)
    description = {**completed(old, new), "network": describe_graph(model), "golden": describe_golden(golden)}
    after = with_description(model, description)
    difference = check_golden(OnnxFile(after, path).session, description, golden, path)
    files = {ONNX_FILE: after, GOLDEN_FILE: golden, **beside}
    score = os.path.join(folder, SCORE_FILE)
    if os.path.isfile(score):
        measured = read_json(score)
        if measured.get("policy_sha256") == hashlib.sha256(before).hexdigest():
            measured["policy_sha256"] = hashlib.sha256(after).hexdigest()
            files[SCORE_FILE] = readable_json(measured).encode()
    write_files(folder, files)
    write_statistics(source, network, content, folder)
    print(f"{os.path.basename(folder):<24} {len(golden) / 1e3:4.0f} kB of golden vectors, off by {difference:.1g}")
    same = {"origin", "actuator_net"}
    other = [key for key in new if key not in same and canonical(description[key]) != canonical(new[key])]
    if other:
        print(f"    left as it was, though the code of today says otherwise: {', '.join(other)}")


def canonical(value: Any) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True)


def main(argv: Sequence[str]) -> None:
    """Refresh those named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="shipped policies; by default all")
    torch.set_num_threads(1)
    for name in parser.parse_args(argv).names or sorted(os.listdir(POLICIES_DIR)):
        refresh(os.path.join(POLICIES_DIR, name))


if __name__ == "__main__":
    main(sys.argv[1:])
