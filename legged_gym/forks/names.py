"""Which package a name means: a fork's `legged_gym` and `rsl_rl` are its own, and `isaacgym` is ours.

Our packages are loaded under private names beside those of a fork: the names in their imports are changed while they
are compiled, so they are written as if there were no other. A real Isaac Gym that is installed is never hidden unasked.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
from types import CodeType, ModuleType
from typing import Any, Mapping, Optional, Sequence

from legged_gym.errors import UserError

PRIVATE = {"legged_gym": "_mujoco_legged_gym", "rsl_rl": "_mujoco_rsl_rl"}

ISAAC_GYM = "isaacgym"
_MODULE = re.compile(rf"({'|'.join(PRIVATE)})(\.\w+)+(:\w+)?")
# by the name of this module, so that the private copy offers the private layer
LAYER = f"{__name__.partition('.')[0]}.{ISAAC_GYM}"
_NEEDED = {
    "rsl_rl": "the fork needs rsl_rl: git clone -b v1.0.2 https://github.com/leggedrobotics/rsl_rl, and --path=rsl_rl",
    "legged_gym": "the fork's legged_gym is not beside the script; name its folder with --path",
}


def load_privately() -> str:
    """Free the names of our packages for a fork; return the private name of `legged_gym`, to import modules from."""
    folders = {PRIVATE[name]: importlib.import_module(name).__path__[0] for name in PRIVATE}
    constants = {name: value for name, value in vars(sys.modules["legged_gym"]).items() if name.isupper()}
    for name in [name for name in sys.modules if name.partition(".")[0] in PRIVATE]:
        del sys.modules[name]
    sys.meta_path.insert(0, _PrivateFinder(folders))
    # not by its __init__: that makes `rsl_rl` ours
    top = PRIVATE["legged_gym"]
    module = sys.modules[top] = ModuleType(top, "legged_gym under a private name.")
    vars(module).update(constants, __path__=[folders[top]])
    return top


class _PrivateFinder:
    """Finds modules of ours by their private names; `folders`: private name -> folder of the package."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[importlib.machinery.ModuleSpec]:
        top, *rest = name.split(".")
        if top not in self._folders:
            return None
        base = os.path.join(self._folders[top], *rest)
        for file, folders in ((os.path.join(base, "__init__.py"), [base]), (f"{base}.py", None)):
            if os.path.isfile(file):
                loader = _PrivateLoader(name, file)
                return importlib.util.spec_from_file_location(
                    name, file, loader=loader, submodule_search_locations=folders
                )
        return None


class _PrivateLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module of ours so that it imports private names; without a cache, which is of the public ones."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Renamer().visit(ast.parse(self.get_data(path), path))
        return compile(tree, path, "exec", dont_inherit=True)


class _Renamer(ast.NodeTransformer):
    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        node.module = _private(node.module or "")
        return node

    def visit_Import(self, node: ast.Import) -> ast.Import:
        for alias in node.names:
            alias.name = _private(alias.name)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        # modules that are named in text: "legged_gym.envs.a1:A1", import_module("rsl_rl.runners")
        if isinstance(node.value, str) and _MODULE.fullmatch(node.value):
            return ast.copy_location(ast.Constant(_private(node.value)), node)
        return node


def _private(name: str) -> str:
    top, dot, rest = name.partition(".")
    return PRIVATE.get(top, top) + dot + rest


def offer_isaac_gym(folders: Sequence[str], replace: bool = False) -> None:
    """Make `import isaacgym` import our layer, look into these folders first, and hide our own packages.

    Raises:
        UserError: if NVIDIA's package is installed, unless it is to be replaced in this process.
    """
    if not replace and importlib.util.find_spec(ISAAC_GYM) is not None:
        raise UserError(
            "NVIDIA's Isaac Gym is installed here: run the script as it is, or --replace it in this run by MuJoCo"
        )
    for name in [name for name in sys.modules if name.partition(".")[0] == ISAAC_GYM]:
        del sys.modules[name]
    sys.path[:] = [folder for folder in (*folders, *sys.path) if not _is_ours(folder)]
    sys.meta_path.insert(0, _ForkFinder())


class _ForkFinder:
    """Finds `isaacgym` in our layer, and a fork's packages anywhere but in ours."""

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name.partition(".")[0] == ISAAC_GYM:
            ours = importlib.util.find_spec(LAYER + name[len(ISAAC_GYM) :])
            is_package = ours is not None and ours.submodule_search_locations is not None
            return ours and importlib.machinery.ModuleSpec(name, _LayerLoader(), is_package=is_package)
        if path is not None or name not in PRIVATE:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, None, target)
            place = os.path.dirname((spec and spec.origin) or "")
            if spec is None or _is_ours(os.path.dirname(place)) or _is_ours(place):
                continue
            if "site-packages" in place:
                print(f"note: {name} is that of {place}; if {_NEEDED[name]}")
            return spec
        raise ModuleNotFoundError(_NEEDED[name], name=name)


class _LayerLoader(importlib.abc.Loader):
    """Gives a module of our layer the name that it has in the original."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(LAYER + spec.name[len(ISAAC_GYM) :])
        if spec.name == ISAAC_GYM:
            module.__mujoco__ = True  # type: ignore[attr-defined] # tells it from the original
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: it has been imported."""


def _is_ours(folder: str) -> bool:
    """Whether a folder is a checkout of this project or its package in a wheel, by the mark that its learner bears."""
    try:
        with open(os.path.join(folder or os.getcwd(), "rsl_rl", "__init__.py"), encoding="utf-8") as file:
            return f'ORIGIN = "{next(iter(PRIVATE))}"' in file.read()
    except OSError:
        return False
