"""Actuator files on the disk.

==========================  =======================================================================================
``.pt``, of torch.save      {"format": "actuator_net", "metadata": a `NetworkSpec` as dict, "state_dict": weights};
                            read with weights_only=True
``.pt``, TorchScript        the metadata is the extra file ``actuator.json``; an LSTM that is called as legged_gym
                            calls ANYmal's may do without. Loading TorchScript executes code of the file
``.json``                   the numbers of a motor, see `motor_model.MotorParameters`
==========================  =======================================================================================
"""

from __future__ import annotations

import json
import os
import re
import warnings
from typing import Any, BinaryIO, Dict, Tuple, Union

import torch
from torch import nn

from legged_gym.actuators.actuator import Actuator
from legged_gym.actuators.motor_model import MotorModel, MotorParameters
from legged_gym.actuators.networks import LSTMActuator, MLPActuator, NetworkSpec, build_network
from legged_gym.errors import UserError, in_file
from legged_gym.reading import path_of
from rsl_rl.utils.archive import first_line, is_script, load_plain, members
from rsl_rl.utils.errors import RslRlError

FORMAT = "actuator_net"
METADATA_FILE = "actuator.json"


def resolve(path: str) -> str:
    """The path of an actuator file as configs write it; {LEGGED_GYM_ROOT_DIR} is replaced.

    Raises:
        UserError: there is no such file.
    """
    file = path_of(path)
    if not os.path.isfile(file):
        raise UserError(f"no actuator file at {file!r}: set control.actuator_net_file")
    return file


def load_actuator(path: str, dt: float, num_envs: int, num_joints: int, device: Any = "cpu") -> Actuator:
    """Make the drives of an environment.

    Args:
        path: an actuator file, see above.
        dt: s, a sub-step.
        num_envs: N.
        num_joints: D.
        device: of all tensors.

    Raises:
        UserError: the file is missing or damaged, holds something else, or a network of another interface; its
            samples do not fit sub-steps of `dt`; its output is no number.
    """
    file = resolve(path)
    if file.endswith(".json"):
        return MotorModel(MotorParameters.read(file), dt, num_envs, num_joints, device)
    network, spec = load_network(file)
    kind = MLPActuator if spec.type == "mlp" else LSTMActuator
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return kind(network.to(device), spec, dt, num_envs, num_joints, device)


def load_network(path: str) -> Tuple[nn.Module, NetworkSpec]:
    """Load a network on the CPU and try it out.

    Raises:
        UserError: as `load_actuator`.
    """
    network, spec = (_read_script if is_script(path) else _read_weights)(path)
    network = network.eval()
    _try_out(network, spec, path)
    return network, spec


def save_network(file: Union[str, BinaryIO], network: nn.Module, spec: NetworkSpec) -> None:
    """Write the weights of a network that `build_network` made, with its spec."""
    torch.save({"format": FORMAT, "metadata": spec.to_dict(), "state_dict": network.state_dict()}, file)


def save_script(file: Union[str, BinaryIO], network: nn.Module, spec: NetworkSpec) -> None:
    """Write the same as TorchScript, for programs without this one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which legged_gym's networks are
        script = torch.jit.script(network.eval())
        torch.jit.save(script, file, _extra_files={METADATA_FILE: json.dumps(spec.to_dict())})


def _read_weights(path: str) -> Tuple[nn.Module, NetworkSpec]:
    try:
        content = load_plain(path, "actuator network")
    except RslRlError as error:
        raise UserError(str(error)) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or "metadata" not in content:
        raise UserError(
            f"{path} holds weights without metadata: save {{'format': '{FORMAT}', 'metadata': {{'type': ...}},"
            " 'state_dict': ...}, see docs/actuator_networks.md"
        )
    spec = _spec_of(content["metadata"], path)
    try:
        network = build_network(spec)
        network.load_state_dict(content["state_dict"])
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: the weights are not those of its metadata: {_last_line(error)}") from None
    return network, spec


def _read_script(path: str) -> Tuple[nn.Module, NetworkSpec]:
    extra = {METADATA_FILE: ""}
    try:
        members(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(path, map_location="cpu", _extra_files=extra)
        metadata = json.loads(extra[METADATA_FILE] or "null")
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"cannot read the TorchScript {path}: {first_line(error)}") from None
    if extra[METADATA_FILE]:
        return network, _spec_of(metadata, path)
    return network, _spec_of_lstm(network.state_dict(), path)


def _spec_of(metadata: Any, path: str) -> NetworkSpec:
    with in_file(path):
        return NetworkSpec.from_dict(metadata)


def _last_line(error: BaseException) -> str:
    """What torch says; the file and line of the code that it runs come before."""
    return first_line(RuntimeError("\n".join(reversed(str(error).splitlines()))))


def _spec_of_lstm(weights: Dict[str, Any], path: str) -> NetworkSpec:
    """Sizes of an LSTM without metadata, read off its recurrent weights, each (4 H, H)."""
    sizes = [int(value.shape[1]) for name, value in weights.items() if re.search(r"weight_hh_l\d+$", name)]
    if not sizes:
        raise UserError(
            f"{path} is TorchScript without an LSTM and without metadata: save it again with the extra file"
            f" {METADATA_FILE}, see docs/actuator_networks.md"
        )
    return NetworkSpec("lstm", sizes)


def _try_out(network: nn.Module, spec: NetworkSpec, path: str) -> None:
    """Step two joints, one at rest and one not."""
    drive = (MLPActuator if spec.type == "mlp" else LSTMActuator)(network, spec, spec.sample_interval or 1.0, 1, 2)
    errors, velocities = torch.tensor([[0.0, 0.1]]), torch.tensor([[0.0, 1.0]])
    call = f"(B, {2 * spec.history}) -> (B, 1)" if spec.type == "mlp" else "(B, 1, 2), (h, c) -> (B, 1), (h, c)"
    try:
        torques = drive.torques(errors, velocities)
    except Exception as error:  # whatever code of the file raises
        raise UserError(f"{path} cannot be called as an actuator {spec.type}, {call}: {_last_line(error)}") from None
    if not torch.isfinite(torques).all():
        raise UserError(f"{path}: the network gives {torques.tolist()[0]} N m for errors 0, 0.1 rad and 0, 1 rad/s")
