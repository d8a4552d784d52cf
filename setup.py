"""Installs `legged_gym` and the command `legged-gym`: from a checkout (`pip install -e .`), or whole, as a wheel.

A wheel has one package: `resources/` and `rsl_rl/` lie inside of `legged_gym/`, so that it runs without a checkout and
beside PyPI's rsl-rl-lib, whose package is called `rsl_rl` too.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
LINES = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]

# MuJoCo Warp follows MuJoCo's version; on a machine without a GPU it runs on Warp's CPU device, as in the tests.
GPU = ["mujoco-warp>=4.0,<5", "warp-lang>=1.15,<2"]
# The page of --viewer=web; all that a browser needs is in the package.
VIEWER = ["viser>=1.1,<2", "trimesh>=4"]


class BuildWhole(build_py):
    """Puts robots, policies, motions and the learner into the package of a wheel."""

    def run(self) -> None:
        """Build, and move in what a checkout has beside the package."""
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib, "legged_gym")
        shutil.copytree(ROOT / "resources", package / "resources", dirs_exist_ok=True)
        shutil.rmtree(package / "rsl_rl", ignore_errors=True)
        shutil.move(Path(self.build_lib, "rsl_rl"), package / "rsl_rl")


setup(
    name="legged_gym",
    version="0.1.0",
    description="Reinforcement learning for legged robots in the style of legged_gym, with MuJoCo underneath",
    author="The legged_gym on MuJoCo authors",
    license="BSD-3-Clause",
    packages=find_packages(include=["legged_gym", "legged_gym.*", "rsl_rl", "rsl_rl.*"]),
    package_data={
        "legged_gym": ["configs/*.yaml", "scripts/sweep_configs/*", "user/*_example.json", "policies/*.json"]
    },
    entry_points={"console_scripts": ["legged-gym = legged_gym.__main__:main"]},
    cmdclass={"build_py": BuildWhole},
    python_requires=">=3.8",
    install_requires=[line for line in LINES if line],
    extras_require={
        "gpu": GPU,
        "wandb": ["wandb>=0.31"],
        "sweep": ["optuna>=5,<6"],
        "cluster": ["submitit>=1.5,<2"],
        "viewer": VIEWER,
        "motions": ["h5py>=3.8,<4", "trimesh>=4"],  # clips in HDF5, meshes as ground
        "dev": [
            *GPU,
            *VIEWER,
            "h5py>=3.8,<4",
            "jsonschema>=4.20,<5",
            "pytest>=8",
            "pytest-xdist>=3.7,<4",
            "ruff>=0.15",
            "submitit>=1.5,<2",
            "mypy>=1.18",
            "optuna>=5,<6",
            "vermin>=1.6",
            "types-PyYAML",
            "wandb>=0.31",  # the tests write a run with the package itself, offline
            "argcomplete>=3.5,<4",  # completes command lines in a shell
            "gymnasium>=1.1,<2",
            "tree-sitter>=0.25",  # the grammar of the PowerShell files
            "tree-sitter-powershell>=0.25",
            "skrl>=2.1,<3",  # a learner of others, which a test trains with
            "example-robot-data>=6,<7",  # published robot descriptions, which the tests compare ours with
            "playwright>=1.50",  # drives the browser of the page's tests, which the system's chromium is
            "rsl-rl-lib>=5.5,<5.6",  # another PPO, which the tests and a benchmark compare ours with; also named rsl_rl
        ],
    },
)
