"""What of all that the programs can use is there on this machine, what a missing piece costs, and what brings it.

Nothing here names a user, a machine or a folder of theirs: the report is made to be shown to others.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from legged_gym import IS_CHECKOUT, LEGGED_GYM_ROOT_DIR
from legged_gym.utils import reports, run_folder
from rsl_rl.utils.bfloat16 import bfloat16_units

_SECONDS = 20
_WITHOUT = "nothing can be trained"


@dataclass(frozen=True)
class Finding:
    """One piece.

    Attributes:
        name: of the piece.
        found: what is there; None if it is not.
        cost: what does not work, or not as well, without it.
        mend: the command or step that brings it.
    """

    name: str
    found: Optional[str]
    cost: str = ""
    mend: str = ""

    def as_dict(self) -> Dict[str, Optional[str]]:
        """For JSON: what it costs and what brings it only where it is missing."""
        return asdict(self) if self.found is None else {"name": self.name, "found": self.found}

    def lines(self) -> List[str]:
        """For a reader."""
        if self.found is not None:
            return [f"  ok       {self.name:<16}{self.found}"]
        return [f"  missing  {self.name:<16}{self.cost}", *([f"{'':<27}-> {self.mend}"] if self.mend else [])]


def examine() -> List[Finding]:
    """Look at everything."""
    return [finding for check in _CHECKS for finding in check()]


def problems(findings: Sequence[Finding]) -> List[str]:
    """The pieces without which nothing can be trained."""
    return [finding.name for finding in findings if finding.found is None and finding.cost == _WITHOUT]


def _extra(name: str) -> str:
    return f'pip install -e ".[{name}]"' if IS_CHECKOUT else f'pip install "legged_gym[{name}]"'


def _versions(*packages: str) -> Optional[str]:
    """Versions of packages, all of which are needed."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {metadata.version(name)}" if packages[1:] else metadata.version(name))
        except Exception:  # not installed, or its own description is damaged
            return None
    return ", ".join(found)


def _machine() -> List[Finding]:
    machine = reports.machine()
    python = platform.python_version() if sys.version_info >= (3, 11) else None
    memory = machine["memory_gib"]
    units = _bfloat16()
    return [
        Finding("Python", python, _WITHOUT, "MuJoCo's batches need Python 3.11 or newer"),
        Finding("system", f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}"),
        Finding("CPU", f"{machine['cpu']}, {machine['cores']} cores to use"),
        Finding("bfloat16 units", units, "--train.algorithm.precision=bfloat16 learns in float32 here"),
        Finding("memory", memory and f"{memory:.1f} GiB", "unknown"),
    ]


def _bfloat16() -> Optional[str]:
    units = ", ".join(bfloat16_units())
    return f"{units}: --train.algorithm.precision=bfloat16 learns faster" if units else None


def _packages() -> List[Finding]:
    needed = ("torch", "mujoco", "numpy", "warp-lang", "onnx", "onnxruntime", "tensorboard")
    own = f"{_versions('legged_gym') or 'not installed'}, {_source()}"
    return [
        Finding("legged_gym", own),
        *(Finding(name, _versions(name), _WITHOUT, f"pip install {name}") for name in needed),
    ]


def _source() -> str:
    git = reports.git_state(LEGGED_GYM_ROOT_DIR)
    if not git:
        return "a checkout without git" if IS_CHECKOUT else "a wheel"
    return f"commit {git['commit'][:9]}{' with changes' if git['changes'] else ''}"


def _gpu() -> List[Finding]:
    try:
        import torch
    except ImportError:
        return []
    cuda = torch.version.cuda
    gpu = f"{torch.cuda.get_device_name()}, CUDA {cuda}" if torch.cuda.is_available() else None
    build = f"torch is built for CUDA {cuda}" if cuda else "torch is built for CPUs alone; PyPI's for Linux is for GPUs"
    warp = _versions("mujoco-warp")
    driver = _said_by("nvidia-smi", "--query-gpu=driver_version,memory.total", "--format=csv,noheader")
    findings = [
        Finding("GPU", gpu, f"robots learn on the CPU: minutes on flat ground, hours by sight ({build})"),
        Finding("GPU driver", driver, "no GPU can be used", "https://www.nvidia.com/drivers"),
        Finding("MuJoCo Warp", warp, "physics on the CPU alone", _extra("gpu")),
    ]
    if gpu and warp:
        findings.append(Finding("CUDA graphs", _cuda_graphs(), "steps take several times as long", "a newer driver"))
    return findings


def _cuda_graphs() -> Optional[str]:
    import warp

    return "with pools of memory" if warp.is_mempool_supported(warp.get_device("cuda:0")) else None


def _sight() -> List[Finding]:
    return [
        Finding("OpenGL", _opengl(), "pictures are traced on the CPU, which is slower", "apt install libegl1 libgl1"),
        Finding("display", "yes" if reports.has_display() else None, "no window; --viewer=web and --video do without"),
        Finding("ffmpeg", _ffmpeg(), "no videos", 'pip install "imageio[ffmpeg]"'),
        Finding("browser viewer", _versions("viser", "trimesh"), "no --viewer=web", _extra("viewer")),
    ]


def _opengl() -> Optional[str]:
    """The platform that draws, tried in a process of its own, as a broken driver may end it."""
    code = "from legged_gym.sim.pictures.rendering import try_opengl; print(try_opengl())"
    return _said_by(sys.executable, "-c", code, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))


def _ffmpeg() -> Optional[str]:
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]

        return str(imageio_ffmpeg.get_ffmpeg_version())
    except Exception:  # not installed, or no binary for this machine
        return None


def _services() -> List[Finding]:
    wandb = _versions("wandb")
    account = "with an account" if _has_account("api.wandb.ai") else "no account: wandb login"
    here = "launch.py trains on this machine"
    return [
        Finding(
            "motion files", _versions("h5py", "trimesh"), "no clips in HDF5, no ground from meshes", _extra("motions")
        ),
        Finding("optuna", _versions("optuna"), "no sweep.py --local", _extra("sweep")),
        Finding("W&B", wandb and f"{wandb}, {account}", "curves in TensorBoard alone", _extra("wandb")),
        Finding("submitit", _versions("submitit"), "no launch.py", _extra("cluster")),
        Finding("SLURM", "sbatch" if shutil.which("sbatch") else None, here),
        Finding("folder of runs", _free_space(), _WITHOUT, "LEGGED_GYM_LOGS names a folder that can be written to"),
    ]


def _has_account(host: str) -> bool:
    import netrc

    try:
        return "WANDB_API_KEY" in os.environ or host in netrc.netrc().hosts
    except (OSError, netrc.NetrcParseError):
        return False


def _free_space() -> Optional[str]:
    folder = run_folder.logs_folder()
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return f"{shutil.disk_usage(folder).free / 2**30:.0f} GiB free" if os.access(folder, os.W_OK) else None


def _said_by(*command: str, **environment: str) -> Optional[str]:
    """What a program prints, as one line; None where it is not there or fails."""
    variables = {**os.environ, **environment}
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, env=variables, check=True, text=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return " ".join(done.stdout.split()) or None


_CHECKS: Tuple[Callable[[], List[Finding]], ...] = (_machine, _packages, _gpu, _sight, _services)
