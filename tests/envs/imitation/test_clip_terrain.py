"""Ground of clips: rough tiles by their table, videos with their meshes, and where robots stand on them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.imitation import height_map
from legged_gym.envs.imitation.clip_terrain import SPACING, ClipTerrain, rough_heights
from legged_gym.errors import UserError
from legged_gym.sim2sim.ground import read_ground
from legged_gym.sim2sim.motion import ground_of_clip
from tests.envs.imitation.robots import make

# highest, deviation, mean absolute slope of the published meshes, 9 m x 9 m
TABLE = {1: (0.010, 0.0030, 0.029), 2: (0.035, 0.0123, 0.060), 3: (0.100, 0.0303, 0.297), 4: (0.125, 0.0352, 0.339)}


@pytest.mark.parametrize("difficulty", TABLE)
def test_rough_tiles_are_as_high_and_steep_as_published(difficulty):
    heights = rough_heights(difficulty, (100, 100), 1)
    most, deviation, slope = TABLE[difficulty]
    assert np.abs(heights).max() <= most
    assert heights.std() == pytest.approx(deviation, rel=0.25)
    assert np.abs(np.diff(heights, axis=0)).mean() / SPACING == pytest.approx(slope, rel=0.3)
    assert not rough_heights(0, (100, 100), 1).any()


def test_mocap_clips_are_spread_over_flat_and_rough_ground():
    env = make("g1_deepmimic", num_envs=64, **{"deepmimic.amass_terrain_difficulty": 3})
    env.reset()
    assert isinstance(env.terrain, ClipTerrain) and env.terrain.tile_types == [["flat"], ["rough_d1"], ["rough_d2"]]
    assert set(env.terrain_levels.tolist()) == {0, 1, 2}
    origins = torch.as_tensor(env.terrain.env_origins[:, 0])
    torch.testing.assert_close(env.env_origins, origins[env.terrain_levels])
    torch.testing.assert_close(env.root_states[:, :3], env.motion.now.root_pos)
    height = env.terrain.height_map
    x = np.array([[origins[k, 0].item(), 0.0] for k in range(3)]) + np.array([[0.3, 0.4]])
    assert height.at(x)[0] == 0.0 and height.at(x)[1:].all()


def write_stairs(folder: pathlib.Path) -> str:
    """A walking clip over a box 0.2 m high, 8 m long."""
    import shutil

    folder.mkdir()
    (folder / "ground.obj").write_text(
        "".join(f"v {x} {y} 0.2\n" for x in (-2, 6) for y in (-2, 2)) + "f 1 3 4\nf 1 4 2\n"
    )
    shutil.copy(f"{LEGGED_GYM_ROOT_DIR}/resources/motions/walk.npz", folder / "clip.npz")
    return str(folder)


VIDEO = {
    "deepmimic.use_amass": False, "deepmimic.use_human_videos": True,
    "deepmimic.human_video_data_pattern": "clip.npz", "deepmimic.human_video_terrain_pattern": "*.obj",
    "deepmimic.height_direct_offset": 0.2,
}  # fmt: skip


def test_a_clip_stands_on_its_mesh(tmp_path):
    settings = {**VIDEO, "deepmimic.human_video_folders": [write_stairs(tmp_path / "box_0")], "noise.add_noise": False}
    env = make("g1_deepmimic_root_heightfield", **settings)
    obs = env.reset()
    root = env.root_states[:, 2]
    assert 0.85 < float(root.min()) < float(root.max()) < 1.0
    torch.testing.assert_close(obs["torso"][:, 0], root - 0.2, atol=2e-3, rtol=0.0)
    torso = env.links[:, -1, 2:3]
    torch.testing.assert_close(obs["terrain_height"], (torso - 0.2).expand(-1, 121), atol=2e-3, rtol=0.0)
    assert env.motion.library.frames(env.motion.clip, env.motion.frame).contacts.any()


def test_clip_and_ground_are_exported_in_one_frame(tmp_path):
    """The mesh goes from -2 to 6 m and is 0.2 m high, in the frame of the clip, whatever else lies beside it."""
    settings = {**VIDEO, "deepmimic.use_amass": True, "deepmimic.amass_terrain_difficulty": 1}
    env = make("g1_deepmimic", **settings, **{"deepmimic.human_video_folders": [write_stairs(tmp_path / "box_0")]})
    description, files = env.beside_policy()
    assert description["motion"]["grounds"] == [None, "ground_0.npz"] and "clip_1.npz" in files
    (tmp_path / "ground_0.npz").write_bytes(files["ground_0.npz"])
    ground = read_ground(str(tmp_path / "ground_0.npz"))
    heights = ground.height(np.array([-1.9, 0.0, 5.9, -2.1, 6.1]), np.array([0.0, 1.9, -1.9, 0.0, 0.0]))
    np.testing.assert_allclose(heights[:3], 0.2, atol=1e-3)
    policy = str(tmp_path / "policy.onnx")
    assert ground_of_clip(policy, description, str(tmp_path / "clip_1.npz")) == str(tmp_path / "ground_0.npz")
    assert ground_of_clip(policy, description, str(tmp_path / "clip_0.npz")) is None
    assert ground_of_clip(policy, description, str(tmp_path / "other.npz")) is None


def test_mistakes_are_told_in_one_line(tmp_path):
    folder = write_stairs(tmp_path / "box_0")
    for settings, said in (
        ({**VIDEO, "deepmimic.human_video_folders": ["nowhere"]}, "no folder of a video is called nowhere"),
        ({**VIDEO, "deepmimic.human_video_folders": [folder], "deepmimic.human_video_terrain_pattern": "*.ply"},
         "has no \\*.ply"),
        ({"deepmimic.use_amass": False}, "no motion clips"),
        ({"deepmimic.amass_replay_data_path": ["none_*.pkl"]}, "no motion clip matches none_"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=said):
            make(**settings)
    with open(f"{folder}/ground.obj", "w") as mesh:
        mesh.write("".join(f"v {x} {y} 0\n" for x in (50, 60) for y in (50, 60)) + "f 1 3 4\nf 1 4 2\n")
    with pytest.raises(UserError, match="is never over"):
        make(**VIDEO, **{"deepmimic.human_video_folders": [folder]})


def test_a_noisy_map_is_late_and_held(monkeypatch):
    """Without its noise, offset and tilt: the height that the torso had when the last pose came through."""
    for name in ("_WHITE", "_OFFSET", "_WILD"):
        monkeypatch.setattr(height_map, name, 0.0)
    monkeypatch.setattr(height_map, "_TILT", (0.0, 0.0, 0.0))
    start = {"deepmimic.amass_terrain_difficulty": 1, "deepmimic.randomize_start_offset": False,
             "deepmimic.link_pos_error_threshold": 10.0}  # fmt: skip
    env = make("g1_deepmimic_root_heightfield", **start)
    env.reset()
    part = env.height_map
    part.map_delays[:], part.map_periods[:] = torch.tensor([0, 2]), torch.tensor([1, 3])
    part.map_phases[:] = 0
    heights, seen = [env.links[:, -1, 2].tolist()], []
    for _ in range(8):
        env.step(torch.zeros(2, 23))
        assert not env.reset_buf.any()
        heights.append(env.links[:, -1, 2].tolist())
        seen.append(env.obs_buf["terrain_height_noisy"].mean(1).tolist())
    for step, (prompt, late) in enumerate(seen, start=1):
        assert prompt == pytest.approx(heights[step][0], abs=1e-5)
        last = step if step < 2 else step - step % 3 if step >= 3 else 1
        assert late == pytest.approx(heights[max(0, last - 2)][1], abs=1e-5)


def test_the_noise_of_a_map_is_as_large_as_said():
    env = make("g1_deepmimic_root_heightfield", num_envs=128, **{"deepmimic.amass_terrain_difficulty": 1})
    env.reset()
    off = env.obs_buf["terrain_height_noisy"] - env.obs_buf["terrain_height"]
    assert float(off.median(1).values.std()) == pytest.approx(0.02, rel=0.35)
    assert 0.012 < float((off - off.median(1, keepdim=True).values).abs().median()) < 0.06
