"""From settings to clips: where files are looked for, what is done to them, and which mesh belongs to which."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg
from legged_gym.errors import UserError, listed
from legged_gym.motions.clip import Clip
from legged_gym.motions.contacts import Ground
from legged_gym.motions.inverse_dynamics import inverse_dynamics
from legged_gym.motions.loading import ClipOptions, load_clip
from legged_gym.reading import path_of, read_yaml
from legged_gym.sim.robot.gains import gains_of
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton
from legged_gym.sim.spec import TriangleMesh
from legged_gym.terrain.meshes import lay_out, read_mesh

OWN_CLIPS = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "motions")
_ITEM = ("folder_path", "human_video_data_pattern", "human_video_terrain_pattern", "default_data_fps_override",
         "teacher_checkpoint_run_name", "start_frame", "end_frame")  # fmt: skip


@dataclass
class ClipFile:
    """A clip that was read.

    Attributes:
        clip: at the rate of the policy.
        mesh: file of the ground that it was filmed on; "" for level ground.
        teacher: name of the run that knows it best; "" for none.
    """

    clip: Clip
    mesh: str = ""
    teacher: str = ""


class ClipSet:
    """All clips of a config.

    Attributes:
        skeleton: of the robot.
        files: the clips.
        meshes: by file, each once.
    """

    def __init__(self, cfg: G1DeepmimicCfg) -> None:
        """Read them.

        Raises:
            UserError: there are none, one cannot be used, or a clip lacks its mesh.
        """
        self._cfg, self._rate = cfg.deepmimic, 1.0 / (cfg.control.decimation * cfg.sim.dt)
        self.skeleton: Skeleton = read_skeleton(path_of(cfg.asset.file))
        self.meshes: Dict[str, TriangleMesh] = {}
        mocap = list(self._mocap()) if self._cfg.use_amass else []
        videos = list(self._videos()) if self._cfg.use_human_videos else []
        self.files: List[ClipFile] = [replace(file, clip=self._driven(file.clip, cfg)) for file in mocap + videos]
        if not self.files:
            raise UserError("no motion clips: env.deepmimic.use_amass and use_human_videos are both False")

    def _driven(self, clip: Clip, cfg: G1DeepmimicCfg) -> Clip:
        """The clip with the targets of its joints, where actions are about these."""
        if "inverse_dynamics" not in (cfg.control.actions_about, cfg.control.teacher_actions_about):
            return clip
        stiffness = torch.from_numpy(gains_of(clip.joint_names, cfg.control.stiffness))
        if not bool((stiffness > 0.0).all()):
            raise UserError("actions about inverse_dynamics need a stiffness of every joint")
        torques = inverse_dynamics(clip, self.skeleton)
        return replace(
            clip, targets=clip.joints + torques.needed / stiffness, shifts=torques.pushes / stiffness[:, None]
        )

    def teachers(self) -> List[str]:
        """Names of the runs that know clips best, in the order of the clips."""
        return list(dict.fromkeys(file.teacher for file in self.files if file.teacher))

    def _options(self, fps: Optional[float] = None) -> ClipOptions:
        cfg = self._cfg
        return ClipOptions(
            fps=fps,
            default_fps=cfg.default_data_fps if cfg.default_data_fps > 0 else self._rate,
            rate=self._rate,
            upsample=cfg.upsample_data,
            length=cfg.cut_off_import_length,
            prepend=cfg.n_prepend,
            append=cfg.n_append,
            repair_height=cfg.repair_height,
            height_offset=cfg.height_direct_offset,
        )

    def _mocap(self) -> Iterator[ClipFile]:
        cfg = self._cfg
        for path in found(cfg.amass_replay_data_path, cfg.data_root):
            clips, notes = load_clip(path, self.skeleton, self._options())
            _tell(path, notes)
            for clip in clips:
                weight = float(cfg.amass_terrain_difficulty)
                yield ClipFile(replace(clip, weight=weight), "", cfg.amass_teacher_checkpoint_run_name)

    def _videos(self) -> Iterator[ClipFile]:
        cfg = self._cfg
        for item in self._items():
            folder = _folder(str(item["folder_path"]), cfg.data_root)
            path, mesh = (
                _one(folder, str(item.get(key, getattr(cfg, key))), key)
                for key in ("human_video_data_pattern", "human_video_terrain_pattern")
            )
            if mesh not in self.meshes:
                self.meshes[mesh] = read_mesh(mesh)
            options = self._options(item.get("default_data_fps_override"))
            clips, notes = load_clip(path, self.skeleton, options, _ground(mesh, self.meshes[mesh]))
            _tell(path, notes)
            for clip in clips:
                self._refuse_stranger(clip, mesh)
                clip = replace(clip, weight=float(cfg.human_video_oversample_factor))
                yield ClipFile(clip, mesh, str(item.get("teacher_checkpoint_run_name") or ""))

    def _items(self) -> List[Dict[str, Any]]:
        cfg = self._cfg
        if cfg.human_video_folders:
            return [{"folder_path": folder} for folder in cfg.human_video_folders]
        source = cfg.human_motion_source
        if not source.endswith((".yaml", ".yml")):
            return [{"folder_path": source}]
        path = path_of(source)
        items = read_yaml(path)
        if not isinstance(items, list) or not all(isinstance(item, dict) and "folder_path" in item for item in items):
            raise UserError(f"{path}: expected a list of clips, each with folder_path")
        unknown = sorted({str(key) for item in items for key in item} - set(_ITEM))
        if unknown:
            raise UserError(f"{path}: unknown {listed(unknown)}; known are {listed(_ITEM)}")
        return items

    def _refuse_stranger(self, clip: Clip, mesh: str) -> None:
        low, high = self.meshes[mesh].vertices.min(0), self.meshes[mesh].vertices.max(0)
        root = clip.root_pos.double().numpy()
        over = ((root[:, :2] >= low[:2]) & (root[:, :2] <= high[:2])).all(1)
        if not over.any() or not -0.5 < float((root[over, 2] - low[2]).min()) < high[2] - low[2] + 2.0:
            raise UserError(f"{clip.path} is never over {mesh}: clip and mesh have to be in one frame, z up, in m")


def _ground(name: str, mesh: TriangleMesh) -> Ground:
    """The heights of a mesh's highest surface."""
    height_map = lay_out({name: mesh}).height_map
    return lambda places: places.new_tensor(height_map.at(places.double().numpy()))


def _tell(path: str, notes: Sequence[str]) -> None:
    for note in notes:
        print(f"note: {os.path.basename(path)}: {note}")


def _places(folders: Sequence[str]) -> List[str]:
    return [os.curdir, *(os.path.join(LEGGED_GYM_ROOT_DIR, path_of(folder)) for folder in folders), OWN_CLIPS]


def found(patterns: Sequence[str], folders: Sequence[str]) -> List[str]:
    """Files that patterns name, each looked for where it is and then in folders, in the first that has some.

    Raises:
        UserError: one matches nothing anywhere.
    """
    files: List[str] = []
    for pattern in map(path_of, patterns):
        choices = [sorted(glob.glob(os.path.join(place, pattern), recursive=True)) for place in _places(folders)]
        hits = next((hits for hits in choices if hits), None)
        if hits is None:
            raise UserError(
                f"no motion clip matches {pattern} here or in {listed(map(os.path.normpath, _places(folders)[1:]))}: "
                "give env.deepmimic.amass_replay_data_path"
            )
        files += hits
    return files


def _folder(path: str, folders: Sequence[str]) -> str:
    """The folder of a video: itself, or the first one whose name has the last part of its path in it."""
    if os.path.isdir(path_of(path)):
        return path_of(path)
    name = os.path.basename(path.rstrip("/"))
    for place in _places(folders):
        inside = sorted(entry for entry in (os.listdir(place) if os.path.isdir(place) else ()) if name in entry)
        for entry in inside:
            if os.path.isdir(os.path.join(place, entry)):
                return os.path.join(place, entry)
    looked = listed(map(os.path.normpath, _places(folders)))
    raise UserError(f"no folder of a video is called {name} in {looked}: give env.deepmimic.data_root")


def _one(folder: str, pattern: str, key: str) -> str:
    hits = sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))
    if not hits:
        raise UserError(f"{folder} has no {pattern}: give env.deepmimic.{key}")
    return hits[0]


def travel(files: Sequence[ClipFile]) -> Tuple[float, float, float, float]:
    """Least and greatest x and y of the roots of clips, m."""
    lows = [file.clip.root_pos.amin(0)[:2].tolist() for file in files]
    highs = [file.clip.root_pos.amax(0)[:2].tolist() for file in files]
    (x0, y0), (x1, y1) = (min(low[k] for low in lows) for k in (0, 1)), (max(high[k] for high in highs) for k in (0, 1))
    return x0, x1, y0, y1
