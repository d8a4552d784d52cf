"""From a trained actor to files for robots and other programs.

=====================  ========================================================================================
``policy.onnx``        ONNX; the description is JSON in the property ``metadata`` of the model, and ``sha256`` is the
                       digest of the file with 64 zeros in its place
``policy.pt``          TorchScript; the description is the extra file ``metadata.json`` in the archive
``policy.json``        the description alone (see `policy_metadata`)
``actuator.onnx``      the drives, of policies that were trained on a model of them (see `actuator_export`)
``terrain.npz``        tiles of the task, of policies that see the ground (see `ground`)
``golden.npz``         inputs and outputs of 200 steps (see `golden`), by export.py and of shipped policies
``statistics.npz``     what the policy sees while it walks (see `statistics`), likewise
``clip_<k>.npz``       motion clips, of policies that follow them
=====================  ========================================================================================

Both policies compute the mean action, with the scaling of observations inside. Each group of observations is an input,
images as (batch, channels, rows, columns). They keep no state: the memory of a recurrent policy goes in as ``h_in``
(LSTM also ``c_in``) and comes out as ``h_out`` (``c_out``), memories of single parts with their name in front
(``gamma.h_in``), so that a program may run many robots, and starts an episode by passing zeros. The batch axis is
dynamic.

Nothing is written before both have followed the network in torch through a long rollout of random observations, and
ONNX has repeated the golden vectors.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import io
import json
import os
import re
import warnings
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

import torch
from torch import Tensor, nn

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.policies.drives import ACTUATOR_FILE, ActuatorStep
from legged_gym.policies.exported_policy import METADATA_FILE, OnnxStep, Step, TorchScriptStep, as_list, zeros
from legged_gym.policies.golden import GOLDEN_FILE, check_golden
from legged_gym.policies.golden_recording import record_golden
from legged_gym.policies.ground import saved_terrain, sees
from legged_gym.policies.metadata import describe_golden, describe_policy, named_file
from legged_gym.policies.onnx_file import (
    DIGEST_KEY,
    FORMAT_VERSION,
    GROUND_FILE,
    METADATA_KEY,
    NO_DIGEST,
    OnnxFile,
    with_digest,
)
from legged_gym.policies.policy_io import PolicySource, load_network_for
from legged_gym.policies.statistics import STATISTICS_FILE, record_statistics
from legged_gym.utils import reports, run_folder
from legged_gym.utils.files import write_files
from rsl_rl.extensions.extensions import saved_view, with_views
from rsl_rl.models import Network
from rsl_rl.models import Policy as PolicyNetwork
from rsl_rl.utils.archive import first_line

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

ONNX_FILE = "policy.onnx"
TORCHSCRIPT_FILE = "policy.pt"
DESCRIPTION_FILE = "policy.json"

# Old enough for the runtimes on robots, new enough for every layer here.
_OPSET = 17
_PARITY_STEPS = 200
# Relative to the largest output: float32 sums in another order stay a hundred times below, also after so many steps of
# LSTM.
_TOLERANCE = 1e-4


class StepModule(nn.Module):
    """One step of an actor as a function of tensors alone: observations and memory in, actions and memory out."""

    def __init__(self, actor: Network) -> None:
        """Take a copy of the actor on the CPU, in evaluation mode."""
        super().__init__()
        self.actor = copy.deepcopy(actor).cpu().float().eval().requires_grad_(False)
        self.groups = list(actor.groups)
        self.memory_names = list(actor.initial_hidden(1))
        self.eval()  # the wrapper too: torch's exporters put the whole module back into the mode that its root is in

    def forward(self, *inputs: Tensor) -> Any:
        """Map observations (N, ...) of each group, then memories (L, N, H), to actions (N, A), then memories.

        Returns:
            A tensor for a feed-forward actor, a tuple of tensors otherwise.
        """
        obs = dict(zip(self.groups, inputs))
        actions, hidden = self.actor(obs, dict(zip(self.memory_names, inputs[len(obs) :])) or None)
        return (actions, *(hidden[name] for name in self.memory_names)) if self.memory_names else actions

    def step(self, inputs: Any) -> List[Tensor]:
        """As `forward`, from a sequence to a list."""
        return as_list(self(*inputs))


def export_checkpoint(
    source: PolicySource, env: LeggedRobot, folder: Optional[str] = None, only_onnx: bool = False, golden: bool = False
) -> List[str]:
    """Write the actor of a checkpoint as `export_policy` does.

    Args:
        source: the checkpoint.
        env: an environment of its task.
        folder: where to; None for ``exported/`` beside the checkpoint.
        only_onnx: leave out TorchScript and the separate description.
        golden: record golden vectors and statistics, in environments of their own.

    Returns:
        The paths written.

    Raises:
        UserError: the checkpoint does not fit the environment, or as `export_policy`.
        RslRlError: the checkpoint is damaged.
    """
    network, content = load_network_for(source, env)
    views = with_views(source.train_cfg.algorithm.extensions)
    if views:
        print(
            f"note: the policy saw what {', '.join(views)} made of the observations; the exported one has to be given "
            "that, as it reads them itself"
        )
    description, beside = describe_checkpoint(source, env, network.actor, content)
    if golden:
        beside[GOLDEN_FILE] = golden_vectors(source, network, content, description)
        description["golden"] = describe_golden(beside[GOLDEN_FILE])
    ground = saved_terrain(env.cfg) if sees(description) else None
    if ground is not None:
        beside[GROUND_FILE] = ground
    if env.control.actuator is not None:
        content_of_drives, description["actuator_net"] = export_actuator(env)
        if content_of_drives is not None:
            beside[ACTUATOR_FILE] = content_of_drives
    folder = folder or os.path.join(os.path.dirname(os.path.abspath(source.path)), "exported")
    paths = export_policy(network.actor, description, folder, only_onnx, beside)
    if golden:
        paths += write_statistics(source, network, content, folder)
    return paths


def describe_checkpoint(
    source: PolicySource, env: LeggedRobot, actor: Network, content: Mapping[str, Any]
) -> Tuple[Dict[str, Any], Dict[str, bytes]]:
    """What is said of a checkpoint's actor, but for drives and golden vectors, and what its task puts beside."""
    env.velocity_commands.load_ranges(content.get("env", {}))  # the curriculum may have widened their ranges
    more, beside = env.beside_policy()
    return {**describe_policy(env, actor, source.task, _origin(source, content)), **more}, beside


def golden_vectors(
    source: PolicySource, network: PolicyNetwork, content: Mapping[str, Any], description: Mapping[str, Any]
) -> bytes:
    """Record the golden vectors of a checkpoint, as its network in torch answers."""
    view = saved_view(source.path, content, source.train_cfg.algorithm.extensions, network)
    return record_golden(source, StepModule(network.actor).step, description, view)


def write_statistics(
    source: PolicySource, network: PolicyNetwork, content: Mapping[str, Any], folder: str
) -> List[str]:
    """Record the statistics of a checkpoint's exported file, beside it; returns the path."""
    view = saved_view(source.path, content, source.train_cfg.algorithm.extensions, network)
    return write_files(folder, {STATISTICS_FILE: record_statistics(source, os.path.join(folder, ONNX_FILE), view)})


def export_actuator(env: LeggedRobot) -> Tuple[Optional[bytes], Dict[str, Any]]:
    """The drives of an environment as an ONNX file, and what the description of a policy says of them.

    Returns:
        None for the file if ONNX cannot express the network of another program; a warning is printed.

    Raises:
        UserError: the file does not compute what the drives do.
    """
    source = env.cfg.control.actuator_net_file
    module = ActuatorStep(source, env.sim.sim_dt, env.num_actions)
    description = {"format": FORMAT_VERSION, **module.describe()}
    content = None
    try:
        # traced first, as the exporter cannot look into TorchScript, which networks of other programs are
        content = with_description(to_onnx(_trace(module, description), description), description)
    except Exception as error:  # torch's exporter has several exceptions for what it cannot do
        print(f"warning: {source} cannot be written as ONNX, so the description names it alone: {first_line(error)}")
    else:
        check_parity(module.step, OnnxStep(content, ACTUATOR_FILE), description, ACTUATOR_FILE)
    return content, {
        "file": ACTUATOR_FILE if content else None,
        "sha256": hashlib.sha256(content).hexdigest() if content else None,
        "source": named_file(source),
        **module.describe(),
    }


def export_policy(
    actor: Network,
    description: Mapping[str, Any],
    folder: str,
    only_onnx: bool = False,
    beside: Optional[Mapping[str, bytes]] = None,
) -> List[str]:
    """Write an actor as ONNX, TorchScript and its description.

    Args:
        actor: the network.
        description: from `describe_policy`.
        folder: where to; made if absent.
        only_onnx: leave out the other two files.
        beside: files that go with them, by name.

    Returns:
        The paths written.

    Raises:
        UserError: the exported networks do not compute what the actor does (nothing is written then), or the disk
            refuses.
    """
    module, beside = StepModule(actor), dict(beside or {})
    model = to_onnx(module, description)
    description = {**description, "network": describe_graph(model)}
    files = {ONNX_FILE: with_description(model, description)}
    steps: Dict[str, Step] = {ONNX_FILE: OnnxStep(files[ONNX_FILE], ONNX_FILE)}
    if not only_onnx:
        files[TORCHSCRIPT_FILE] = to_torchscript(module, description, json.dumps(description, allow_nan=False))
        steps[TORCHSCRIPT_FILE] = TorchScriptStep(files[TORCHSCRIPT_FILE], TORCHSCRIPT_FILE)
        files[DESCRIPTION_FILE] = readable_json(description).encode()
    for name, step in steps.items():
        check_parity(module.step, step, description, name)
    if GOLDEN_FILE in beside:
        check_golden(OnnxFile(files[ONNX_FILE], ONNX_FILE).session, description, beside[GOLDEN_FILE], ONNX_FILE)
    return write_files(folder, {**files, **beside})


def to_onnx(module: nn.Module, description: Mapping[str, Any]) -> Any:
    """The ONNX model of a module."""
    import onnx

    axes = {
        entry["name"]: {entry["shape"].index("batch"): "batch"}
        for entry in [*description["inputs"], *description["outputs"]]
    }
    export: Any = torch.onnx.export
    # The exporter by tracing makes plain graphs of these networks without a word on the console. Before torch 2.5 there
    # was no other and no such argument.
    options = {"dynamo": False} if "dynamo" in inspect.signature(export).parameters else {}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a newer exporter; that batches are fixed, which they are not
        export(
            module,
            tuple(zeros(description["inputs"], 2)),
            buffer,
            input_names=[entry["name"] for entry in description["inputs"]],
            output_names=[entry["name"] for entry in description["outputs"]],
            dynamic_axes=axes,
            opset_version=_OPSET,
            **options,
        )
    return onnx.load_from_string(buffer.getvalue())


def describe_graph(model: Any) -> Dict[str, str]:
    """By what the network of an ONNX model is known again, whatever else its file says."""
    digest = hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()
    return {"sha256": digest, "rule": "of the ONNX model's graph (field 7 of the file) as bytes"}


def with_description(model: Any, description: Mapping[str, Any]) -> bytes:
    """The file of an ONNX model and its description."""
    import onnx

    text = json.dumps(description, allow_nan=False)
    onnx.helper.set_model_props(model, {METADATA_KEY: text, DIGEST_KEY: NO_DIGEST})
    return with_digest(model.SerializeToString())


def to_torchscript(module: StepModule, description: Mapping[str, Any], text: str) -> bytes:
    """The TorchScript file of a module, with `text` as its extra file."""
    buffer = io.BytesIO()
    traced = _trace(module, description)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons call TorchScript deprecated
        torch.jit.save(traced, buffer, _extra_files={METADATA_FILE: text})
    return buffer.getvalue()


def _trace(module: nn.Module, description: Mapping[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        return torch.jit.trace(module, tuple(zeros(description["inputs"], 2)), check_trace=False)


def check_parity(reference: Step, exported: Step, description: Mapping[str, Any], name: str) -> float:
    """Let two versions of a policy, or of drives, read the same random numbers, each with its own memory.

    Args:
        reference: one step of the network in torch.
        exported: one step of the exported one.
        description: names and shapes of inputs and outputs.
        name: of the exported file, for errors.

    Returns:
        The largest difference of an output, relative to the largest output or 1.

    Raises:
        UserError: it is too large, or an output is no number.
    """
    generator = torch.Generator().manual_seed(0)
    given = description["inputs"][: len(description["inputs"]) - len(description["memory"])]
    largest = 0.0
    for num_envs in (1, 3):  # the networks were traced with 2
        memories = [zeros(description["memory"], num_envs) for _ in range(2)]
        for step in range(_PARITY_STEPS):
            spread = (0.1, 1.0, 5.0)[step % 3]
            obs = [spread * torch.randn([num_envs, *entry["shape"][1:]], generator=generator) for entry in given]
            with torch.no_grad():
                expected, found = (run([*obs, *memory]) for run, memory in zip((reference, exported), memories))
            memories = [expected[1:], found[1:]]
            largest = max(largest, *(_difference(a, b) for a, b in zip(expected, found)))
            if not largest <= _TOLERANCE:
                raise UserError(
                    f"{name} is not what the network computes: after {step + 1} steps they differ by {largest:.2g} "
                    "(relative); nothing was written"
                )
    return largest


def readable_json(value: Any) -> str:
    """JSON with lists of numbers or words on one line each."""
    text = json.dumps(value, indent=1, allow_nan=False)
    return re.sub(r"\[\n([^\[\]{}]*)\]", lambda match: "[" + " ".join(match[1].split()) + "]", text) + "\n"


def _origin(source: PolicySource, content: Mapping[str, Any]) -> Dict[str, Any]:
    """Where a checkpoint comes from: the run as it was, the versions of packages that export it now."""
    run = run_folder.read_run_config(source.run_dir) if source.run_dir else {}
    return {
        "run": os.path.basename(source.run_dir) if source.run_dir else None,
        "iteration": content["iter"],
        "seed": source.train_cfg.seed,
        "git": run.get("git") or reports.git_state(LEGGED_GYM_ROOT_DIR),
        "versions": reports.versions(),
    }


def _difference(expected: Tensor, found: Tensor) -> float:
    if expected.shape != found.shape or not bool(torch.isfinite(expected).all() & torch.isfinite(found).all()):
        return float("inf")
    return float((expected - found).abs().max() / expected.abs().max().clamp(min=1.0))
