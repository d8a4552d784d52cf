"""Running exported policies: ONNX by onnxruntime, TorchScript by torch.

Both formats are functions of one control step: tensors in the order of ``description["inputs"]`` go in, tensors in the
order of ``description["outputs"]`` come out, the memory of a recurrent policy among them.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.policies.onnx_file import OnnxFile, parse_description
from rsl_rl.utils.archive import first_line, members

METADATA_FILE = "metadata.json"
"""Extra file inside a TorchScript archive that holds it."""

Step = Callable[[Sequence[Tensor]], List[Tensor]]


class OnnxStep:
    """One step of an ONNX policy.

    Attributes:
        description: see `policy_metadata`.
    """

    def __init__(self, content: bytes, path: str) -> None:
        """Read a policy.

        Args:
            content: the file.
            path: its name, for errors.

        Raises:
            UserError: it is damaged, or not an exported policy.
        """
        file = OnnxFile(content, path)
        self._session, self.description = file.session, file.description
        _try_out(self, path)

    def __call__(self, inputs: Sequence[Tensor]) -> List[Tensor]:
        """Compute the outputs for inputs on any device; outputs are on the CPU."""
        feed = {name: tensor.detach().cpu().numpy() for name, tensor in zip(self._names("inputs"), inputs)}
        return [torch.from_numpy(output) for output in self._session.run(self._names("outputs"), feed)]

    def _names(self, part: str) -> List[str]:
        return [entry["name"] for entry in self.description[part]]


class TorchScriptStep:
    """One step of a TorchScript policy.

    Attributes:
        description: see `policy_metadata`.
    """

    def __init__(self, content: bytes, path: str) -> None:
        """Read a policy.

        Args:
            content: the file.
            path: its name, for errors.

        Raises:
            UserError: it is damaged, or not an exported policy.
        """
        extra: Dict[str, Any] = {METADATA_FILE: ""}
        try:
            members(io.BytesIO(content))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # newer Pythons call TorchScript deprecated
                self._module = torch.jit.load(io.BytesIO(content), map_location="cpu", _extra_files=extra)
        except Exception as error:  # damage shows up as any of several exception types
            raise UserError(f"{path} is damaged or no TorchScript file ({first_line(error)})") from error
        self.description = parse_description(extra[METADATA_FILE], path)
        _try_out(self, path)

    def __call__(self, inputs: Sequence[Tensor]) -> List[Tensor]:
        """Compute the outputs for inputs on any device; outputs are on the CPU."""
        with torch.no_grad():
            return as_list(self._module(*(tensor.cpu() for tensor in inputs)))


class ExportedPolicy:
    """Mean actions of an exported policy, its memory carried from call to call, like `InferencePolicy`."""

    def __init__(self, step: Union[OnnxStep, TorchScriptStep], device: torch.device) -> None:
        """Wrap a step; actions will be on `device`."""
        self.description = step.description
        self.groups = list(step.description["observations"])
        self.device = device
        self._step = step
        self._memory: Optional[List[Tensor]] = None

    def __call__(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Map a dict of observation groups, each (N, ...), to actions (N, A)."""
        inputs = [obs[group] for group in self.groups]
        if self._memory is None:
            self._memory = zeros(self.description["memory"], len(inputs[0]))
        actions, *self._memory = self._step([*inputs, *self._memory])
        return actions.to(self.device)

    def reset(self, dones: Optional[Tensor] = None) -> None:
        """Forget the past of the robots where `dones` (N,) is set; of all without it."""
        if dones is None:
            self._memory = None
        elif self._memory:
            mask = dones.cpu().bool()[:, None]
            self._memory = [state.masked_fill(mask, 0.0) for state in self._memory]


def zeros(entries: Sequence[Mapping[str, Any]], num_envs: int) -> List[Tensor]:
    """Tensors of the shapes of some inputs or outputs, as memories are at the start of an episode."""
    shapes = [entry["shape"] for entry in entries]
    return [torch.zeros([num_envs if size == "batch" else size for size in shape]) for shape in shapes]


def as_list(outputs: Any) -> List[Tensor]:
    """What a network returned, which is no tuple where that is one tensor."""
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def _try_out(step: Union[OnnxStep, TorchScriptStep], path: str) -> None:
    """Run one step of one robot, and refuse a policy that cannot be run as its description says."""
    description = step.description
    try:
        outputs = [list(output.shape) for output in zeros(description["outputs"], 1)]
        zeros(description["memory"], 1)
        names = [entry["name"] for entry in description["inputs"]]
        memory = [entry["input"] for entry in description["memory"]]
        if names != [*description.get("observations", names[: len(names) - len(memory)]), *memory]:
            raise ValueError("its inputs are not its observations and its memory")
        found = [list(output.shape) for output in step(zeros(description["inputs"], 1))]
    except Exception as error:  # whatever the description leads to
        raise UserError(f"{path} cannot be run as its description says ({first_line(error)})") from None
    if found != outputs:
        raise UserError(f"{path} cannot be run as its description says: its outputs are {found}, not {outputs}")
