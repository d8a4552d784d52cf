"""Files of every kind come to the same clip; what they leave open is found out or asked for."""

from __future__ import annotations

import pathlib
import pickle
from typing import Any, Dict

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.motions.clip import CLIP_FORMAT, Clip, write_clip
from legged_gym.motions.reading import G1_23, G1_29, read_clip
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton
from tests.motions.biped import Engine, stepping_clip, urdf, write_robot

WXYZ = [3, 0, 1, 2]


def table(clip: Clip, order: str = "xyzw") -> np.ndarray:
    quat = clip.root_quat.numpy()
    return np.concatenate((clip.root_pos, quat if order == "xyzw" else quat[:, WXYZ], clip.joints), axis=1)


def fields(clip: Clip, file: str) -> Dict[str, Any]:
    """As mocap pickles have them, with places of links from the engine."""
    engine = Engine(file).poses(clip.root_pos, clip.root_quat, clip.joints, clip.joint_names)
    return {
        "joint_names": [name.replace("_joint", "") for name in clip.joint_names], "joints": clip.joints.numpy(),
        "root_pos": clip.root_pos.numpy(), "root_quat": clip.root_quat.numpy(),
        "link_names": [f"{name}.STL" for name in engine], "link_pos": np.stack([p for p, _ in engine.values()], axis=1),
        "contacts": {"left_foot": np.arange(len(clip)) % 2 == 0, "right_foot": np.arange(len(clip)) % 3 == 0},
        "fps": 30.0,
    }  # fmt: skip


def same(found: Clip, clip: Clip, atol: float = 1e-6) -> None:
    for name in ("root_pos", "root_quat", "joints"):
        torch.testing.assert_close(getattr(found, name), getattr(clip, name), atol=atol, rtol=0.0)


@pytest.mark.parametrize("turned", [0.0, 1.0, 2.0, 3.1])
@pytest.mark.parametrize("order", ["xyzw", "wxyz"])
def test_the_order_of_quaternions_is_found_by_feet_that_stand(
    tmp_path: pathlib.Path, skeleton: Skeleton, order: str, turned: float
) -> None:
    clip = stepping_clip(skeleton, turned=turned)
    np.savetxt(path := str(tmp_path / "step.csv"), table(clip, order), delimiter=",")
    found, notes = read_clip(path, skeleton, fps=30.0)
    same(found, clip)
    assert any(", ".join(order) in note for note in notes)


def test_an_order_that_feet_do_not_tell_is_asked_for(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    clip = stepping_clip(skeleton).taken(torch.zeros(5, dtype=torch.int64))  # upright, still
    np.savetxt(path := str(tmp_path / "still.csv"), table(clip), delimiter=",")
    with pytest.raises(UserError, match=r"still.csv: .*--quat_order"):
        read_clip(path, skeleton, fps=30.0)
    same(read_clip(path, skeleton, fps=30.0, quat_order="xyzw")[0], clip)


def test_joints_alone_stand_on_the_ground(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    clip = stepping_clip(skeleton)
    header = ",".join(reversed(G1_29))
    np.savetxt(path := str(tmp_path / "j.csv"), clip.joints.numpy()[:, ::-1], delimiter=",", header=header, comments="")
    found, _ = read_clip(path, skeleton, fps=30.0)
    torch.testing.assert_close(found.joints, clip.joints)
    soles = torch.stack(skeleton.sole_points(found.root_pos, found.root_quat, found.joints))
    assert abs(float(soles[..., 2].amin(-1).amin(0).median())) < 0.02


def test_a_csv_of_23_joints_moves_a_robot_of_29_and_the_other_way(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    small = read_skeleton(write_robot(tmp_path, G1_23))
    assert small.joint_names == G1_23
    clip = stepping_clip(small)
    np.savetxt(path := str(tmp_path / "23.csv"), table(clip), delimiter=",")
    found, notes = read_clip(path, skeleton, fps=30.0)
    for name in G1_29:
        column = found.joints[:, G1_29.index(name)]
        expected = clip.joints[:, G1_23.index(name)] if name in G1_23 else torch.zeros(len(clip)).double()
        torch.testing.assert_close(column, expected)
    assert any("left_wrist_roll_joint" in note and "stay at 0" in note for note in notes)
    full = stepping_clip(skeleton)
    full.joints[:, G1_29.index("left_wrist_yaw_joint")] = 1.0
    np.savetxt(path, table(full), delimiter=",")
    found, notes = read_clip(path, small, fps=30.0)
    torch.testing.assert_close(found.joints, full.joints[:, [G1_29.index(name) for name in G1_23]])
    assert any("left out" in note and "left_wrist_yaw_joint" in note for note in notes)


def test_a_pickle_of_a_dict_and_our_own_file(tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str) -> None:
    clip = stepping_clip(skeleton)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(fields(clip, robot_file), protocol=2))
    found, notes = read_clip(str(tmp_path / "a.pkl"), skeleton)
    same(found, clip)
    assert found.fps == 30.0 and not notes
    assert found.contact_names == ("left_ankle_roll_link", "right_ankle_roll_link")
    np.testing.assert_array_equal(found.contacts[:, 1], np.arange(len(clip)) % 3 == 0)
    with open(tmp_path / "own.npz", "wb") as file:
        write_clip(found, file)
    again, notes = read_clip(str(tmp_path / "own.npz"), skeleton)
    same(again, clip, atol=1e-5)
    torch.testing.assert_close(again.contacts, found.contacts)
    assert again.fps == 30.0 and not notes


def test_a_clip_of_23_joints_keeps_its_links_beside_the_wrists(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    small = read_skeleton(write_robot(tmp_path, G1_23))
    clip = stepping_clip(skeleton)
    clip.joints[:, G1_29.index("left_wrist_yaw_joint")] = 1.0  # turns a link that stays still on the smaller robot
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(fields(clip, skeleton.file)))
    read_clip(str(tmp_path / "a.pkl"), small)


def test_a_wrong_order_of_joints_is_found_by_the_links(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str
) -> None:
    content = fields(stepping_clip(skeleton), robot_file)
    names = content["joint_names"]
    left, right = names.index("left_knee"), names.index("right_knee")
    names[left], names[right] = names[right], names[left]
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r"b.pkl: its joints put \w+ 0.\d\d m from where the file says"):
        read_clip(str(tmp_path / "b.pkl"), skeleton)


def tracking(clip: Clip, file: str, links: list) -> Dict[str, np.ndarray]:
    engine = Engine(file).poses(clip.root_pos, clip.root_quat, clip.joints, clip.joint_names)
    quat = np.tile(clip.root_quat.numpy()[:, None, WXYZ], (1, len(links), 1))
    return {
        "fps": np.array([30]), "joint_pos": clip.joints.numpy(), "body_quat_w": quat,
        "body_pos_w": np.stack([engine[link][0] for link in links], axis=1),
    }  # fmt: skip


def by_level(skeleton: Skeleton) -> list:
    """Links with joints as another engine sorts them: all children of a level before the next level."""
    depth = {0: 0}
    for link, parent in enumerate(skeleton.parents[1:], 1):
        depth[link] = depth[parent] + 1
    links = [k for k, joint in enumerate(skeleton.joint_of) if joint >= 0 or k == 0]
    return [skeleton.link_names[k] for k in sorted(links, key=lambda k: depth[k])]


def test_bodies_of_tracking_projects(tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str) -> None:
    clip = stepping_clip(skeleton, turned=0.5)
    links = by_level(skeleton)
    content = tracking(clip, robot_file, links)
    rooted = np.concatenate((clip.root_pos, clip.root_quat[:, WXYZ], clip.joints), axis=1)
    named = {**content, "joint_pos": rooted, "joint_names": np.array(G1_29), "body_names": np.array(links)}
    np.savez(tmp_path / "named.npz", **named)
    same(read_clip(str(tmp_path / "named.npz"), skeleton)[0], clip)
    # without names the order is the one in which joints give the places of the bodies
    order = [skeleton.joint_of[skeleton.link_names.index(link)] for link in links[1:]]
    np.savez(tmp_path / "levels.npz", **{**content, "joint_pos": content["joint_pos"][:, order]})
    same(read_clip(str(tmp_path / "levels.npz"), skeleton)[0], clip)
    np.savez(tmp_path / "mixed.npz", **{**content, "joint_pos": content["joint_pos"][:, order[::-1]]})
    with pytest.raises(UserError, match=r"mixed.npz: its joints and bodies have no names"):
        read_clip(str(tmp_path / "mixed.npz"), skeleton)


def test_hdf5(tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str) -> None:
    h5py = pytest.importorskip("h5py")
    clip = stepping_clip(skeleton)
    content = fields(clip, robot_file)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("root_pos", "root_quat", "joints", "link_pos"):
            file[name] = content[name]
        for name, contact in content["contacts"].items():
            file[f"contacts/{name}"] = contact
        for name in ("joint_names", "link_names", "fps"):
            file.attrs[f"/{name}"] = content[name]
    found, notes = read_clip(str(tmp_path / "a.h5"), skeleton)
    same(found, clip)
    assert found.contacts[:, 0].tolist() == content["contacts"]["left_foot"].tolist() and not notes


def nan_row(rows: np.ndarray) -> np.ndarray:
    rows[7, 12] = np.nan
    return rows


MISTAKES = {
    "no rate": (lambda rows: rows, {}, "how many frames a second.*--fps"),
    "NaN": (nan_row, {"fps": 30.0}, "joints is no number in frame 7"),
    "columns": (lambda rows: rows[:, :-2], {"fps": 30.0}, "27 joints without names, 29 in .*another robot"),
    "quaternion": (lambda rows: rows[:, ::-1], {"fps": 30.0}, "quaternion of frame 0 has length"),
    "degrees": (
        lambda rows: np.hstack((rows[:, :7], np.degrees(rows[:, 7:]))),
        {"fps": 30.0},
        r"reaches -?\d+.\d rad, .*degrees",
    ),
    "centimetres": (lambda rows: rows * np.where(np.arange(36) < 3, 100.0, 1.0), {"fps": 30.0}, "root is 7. m high"),
    "short": (lambda rows: rows[:1], {"fps": 30.0}, "shape .1, 29.; a clip is frames x joints, of two"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: pathlib.Path, skeleton: Skeleton, mistake: str) -> None:
    change, how, message = MISTAKES[mistake]
    np.savetxt(path := str(tmp_path / "bad.csv"), change(table(stepping_clip(skeleton))), delimiter=",")
    with pytest.raises(UserError, match=f"bad.csv: .*{message}") as error:
        read_clip(path, skeleton, **how)
    assert "\n" not in str(error.value)


def bodies(content: Dict[str, Any], **changed: Any) -> Dict[str, Any]:
    return {"joint_pos": content["joints"], "body_pos_w": content["link_pos"], "fps": 30.0, **changed}


BAD_FIELDS = {
    "no frames": (lambda c: {**c, "joints": c["joints"][:0]}, "joints have shape .0, 29."),
    "rate as text": (lambda c: {**c, "fps": "fast"}, "fps is no array of numbers"),
    "rate of nothing": (lambda c: {**c, "fps": []}, "how many frames a second"),
    "rate of 0": (lambda c: {**c, "fps": 0}, "a rate of 0 frames a second; give the true one with --fps"),
    "too many links": (lambda c: {**c, "link_names": [*c["link_names"], "x"]}, "names for .* links"),
    "one name twice": (
        lambda c: {**c, "joint_names": [c["joint_names"][1], *c["joint_names"][1:]]}, "several joints are called",
    ),
    "fewer names of contacts": (
        lambda c: {**c, "format": CLIP_FORMAT, "contacts": np.ones((200, 2)), "contact_names": ["left"]},
        "contacts have shape .*, 2. for 1 contact_names; name each column",
    ),
    "no orientation": (bodies, "no joints or dof"),
    "no bodies": (
        lambda c: bodies(c, body_pos_w=np.zeros((200, 0, 3)), body_quat_w=np.zeros((200, 0, 4))), "frames x bodies",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BAD_FIELDS)
def test_a_mistake_in_a_field_is_one_line(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str, mistake: str
) -> None:
    change, message = BAD_FIELDS[mistake]
    np.savez(
        path := str(tmp_path / "bad.npz"), **change(_without_contacts(fields(stepping_clip(skeleton), robot_file)))
    )
    with pytest.raises(UserError, match=f"bad.npz: .*{message}"):
        read_clip(path, skeleton)


def _without_contacts(content: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in content.items() if name != "contacts"}


def test_a_rate_that_is_asked_for_mends_a_wrong_one(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str
) -> None:
    content = _without_contacts(fields(stepping_clip(skeleton), robot_file))
    np.savez(path := str(tmp_path / "a.npz"), **{**content, "fps": 0.0})
    assert read_clip(path, skeleton, fps=30.0)[0].fps == 30.0


def test_contacts_without_names_are_found_by_how_feet_move(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str
) -> None:
    content = _without_contacts(fields(stepping_clip(skeleton), robot_file))
    np.savez(str(tmp_path / "none.npz"), **content)
    np.savez(str(tmp_path / "some.npz"), **content, contacts=np.ones((len(content["joints"]), 3)))
    none, some = (read_clip(str(tmp_path / name), skeleton)[0] for name in ("none.npz", "some.npz"))
    assert torch.equal(none.contacts, some.contacts)


def test_contacts_of_other_names_are_worked_out_anew(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str
) -> None:
    content = {**fields(stepping_clip(skeleton), robot_file), "format": CLIP_FORMAT}
    content["contacts"] = np.ones((len(content["joints"]), 1))
    np.savez(path := str(tmp_path / "a.npz"), **content, contact_names=["tail"])
    clip, notes = read_clip(path, skeleton)
    assert clip.contacts.shape[1] == 2 and not clip.contacts.all() and "contacts of tail are not" in notes[-1]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "no table of numbers"),
        ("a,b,c\n", "no table of numbers"),
        ("1;2;3\n4;5;6\n", "columns have to be separated by commas"),
        ("1 2 3\n4 5 6\n", "columns have to be separated by commas"),
        ("1,2,3\n4,5\n", "line 2 has 2 columns, the first 3"),
    ],
)
def test_a_table_without_numbers_is_said(
    tmp_path: pathlib.Path, skeleton: Skeleton, content: str, message: str
) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(UserError, match=f"bad.csv: .*{message}"):
        read_clip(str(tmp_path / "bad.csv"), skeleton)


def test_files_of_several_clips_and_of_torch_are_told(
    tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str
) -> None:
    content = fields(stepping_clip(skeleton), robot_file)
    (tmp_path / "two.pkl").write_bytes(pickle.dumps({"a": content, "b": content}))
    torch.save(content, tmp_path / "torch.pkl")
    for name, message in (("two", "2 clips in one file"), ("torch", "a file of torch.save")):
        with pytest.raises(UserError, match=f"{name}.pkl: {message}"):
            read_clip(str(tmp_path / f"{name}.pkl"), skeleton)


def test_the_name_of_a_file_hints_at_its_rate(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    np.savetxt(path := str(tmp_path / "dance_60hz.csv"), table(stepping_clip(skeleton)), delimiter=",")
    with pytest.raises(UserError, match="its name says 60"):
        read_clip(path, skeleton)


def test_another_robot_is_named(tmp_path: pathlib.Path, skeleton: Skeleton, robot_file: str) -> None:
    content = fields(stepping_clip(skeleton), robot_file)
    content["joint_names"] = [f"FL_joint_{k}" for k in range(29)]
    (tmp_path / "dog.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r"dog.pkl: of another robot: it has FL_joint_0"):
        read_clip(str(tmp_path / "dog.pkl"), skeleton)


@pytest.mark.parametrize("name", ["no.csv", "clip.bvh"])
def test_missing_and_unknown_files(tmp_path: pathlib.Path, skeleton: Skeleton, name: str) -> None:
    with pytest.raises(UserError, match=name):
        read_clip(str(tmp_path / name), skeleton)


def test_the_order_of_a_csv_is_the_g1s_whatever_the_robots_file_has(tmp_path: pathlib.Path, skeleton: Skeleton) -> None:
    limbs = urdf().split("<joint ")
    waist_first = "<joint ".join([limbs[0], *limbs[13:16], *limbs[1:13], *limbs[16:]])
    (tmp_path / "waist.urdf").write_text(waist_first)
    other = read_skeleton(str(tmp_path / "waist.urdf"))
    assert other.joint_names[0] == "waist_yaw_joint"
    clip = stepping_clip(skeleton)
    np.savetxt(path := str(tmp_path / "step.csv"), table(clip), delimiter=",")
    found, _ = read_clip(path, other, fps=30.0)
    torch.testing.assert_close(found.joints, clip.joints[:, [G1_29.index(name) for name in other.joint_names]])
