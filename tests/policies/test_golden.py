"""Golden vectors and descriptions of all shipped policies; a policy that does not repeat its vectors is refused."""

from __future__ import annotations

import hashlib
import json
import os

import jsonschema
import numpy as np
import onnx
import pytest

import legged_gym.policies
from benchmarks.refresh_policies import completed, refresh
from legged_gym.errors import UserError
from legged_gym.policies import export as policy_export
from legged_gym.policies.golden import GOLDEN_FILE, GOLDEN_STEPS, as_given, check_golden, read_golden, to_bytes
from legged_gym.policies.onnx_file import OnnxFile
from legged_gym.policies.policy_io import find_policy
from legged_gym.reading import read_bytes, read_json
from legged_gym.utils.run_folder import POLICIES_DIR
from tests.policies.tiny_run import RECURRENT, export, flags, make_env, make_run

SHIPPED = sorted(os.listdir(POLICIES_DIR))
FORMAT_1 = os.path.join(os.path.dirname(__file__), "policy_format_1.onnx")
NEW_KEYS = {"conventions", "sdk", "network", "golden"}


def open_file(path):
    return OnnxFile(read_bytes(path), path)


def misfits(description):
    """Where a description is not as the schema has it."""
    schema = read_json(os.path.join(os.path.dirname(legged_gym.policies.__file__), "policy.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.json_path for error in jsonschema.Draft202012Validator(schema).iter_errors(description)]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_repeats_its_golden_vectors(name):
    path, golden = (os.path.join(POLICIES_DIR, name, file) for file in ("policy.onnx", GOLDEN_FILE))
    file, content = open_file(path), read_bytes(golden)
    assert file.description["golden"]["sha256"] == hashlib.sha256(content).hexdigest()
    columns = read_golden(content, golden)
    assert {len(column) for column in columns.values()} == {GOLDEN_STEPS}
    assert np.count_nonzero(columns["time"] == 0.0) == 1  # it did not fall
    assert columns["actions"].std(axis=0).min() > 0.01  # it was busy
    assert check_golden(file.session, file.description, content, path) < 1e-5


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_description_is_as_the_schema_has_it(name):
    path = os.path.join(POLICIES_DIR, name, "policy.onnx")
    description = open_file(path).description
    assert misfits(description) == [] and set(description) >= NEW_KEYS
    graph = onnx.load(path).graph.SerializeToString(deterministic=True)
    assert description["network"]["sha256"] == hashlib.sha256(graph).hexdigest()
    assert graph in read_bytes(path)  # as it lies in the file


def test_older_descriptions_and_mistakes_are_told_apart():
    description = open_file(os.path.join(POLICIES_DIR, "g1", "policy.onnx")).description
    old = {key: value for key, value in description.items() if key not in NEW_KEYS}
    assert misfits(old) == [] and misfits(open_file(FORMAT_1).description) == []
    assert misfits({**old, "control_dt": 0.0}) == ["$.control_dt"]
    assert misfits({**old, "jonts": []}) == ["$"]
    term = description["observations"]["policy"]["terms"][0]
    assert misfits({**old, "observations": {"policy": {"shape": [3], "terms": [{**term, "size": "3"}]}}})
    assert misfits({key: value for key, value in old.items() if key != "physics"}) == ["$"]


@pytest.mark.parametrize(
    ("name", "joint", "index"),
    [("a1_flat", "FL_hip_joint", 3), ("go2", "RL_calf_joint", 11), ("g1", "right_knee_joint", 9)],
)
def test_joints_have_the_index_of_the_sdk(name, joint, index):
    joints = open_file(os.path.join(POLICIES_DIR, name, "policy.onnx")).description["joints"]
    assert next(each["sdk_index"] for each in joints if each["name"] == joint) == index
    assert sorted(each["sdk_index"] for each in joints) == list(range(12))


def test_observations_are_made_of_the_readings():
    """By numpy alone, from what docs/deploy.md says of each term."""
    folder = os.path.join(POLICIES_DIR, "a1_flat")
    description = open_file(os.path.join(folder, "policy.onnx")).description
    golden = read_golden(read_bytes(os.path.join(folder, GOLDEN_FILE)), GOLDEN_FILE)
    x, y, z, w = golden["quat"].T
    gravity = np.stack([2 * (w * y - x * z), -2 * (w * x + y * z), 2 * (x * x + y * y) - 1], axis=1)
    default = [joint["default_pos"] for joint in description["joints"]]
    made = {
        "base_lin_vel": golden["lin_vel"],
        "base_ang_vel": golden["gyro"],
        "projected_gravity": gravity,
        "commands": np.stack([golden[f"command.{name}"] for name in ("lin_vel_x", "lin_vel_y", "ang_vel_yaw")], axis=1),
        "dof_pos": golden["q"] - default,
        "dof_vel": golden["dq"],
        "actions": np.concatenate([np.zeros((1, 12)), golden["actions"][:-1]]),
    }
    terms = description["observations"]["policy"]["terms"]
    observed = np.concatenate([made[term["name"]] * np.array(term["scale"]) for term in terms], axis=1)
    np.testing.assert_allclose(golden["policy"], observed, atol=1e-3, rtol=1e-3)


def test_an_exported_run_repeats_what_it_did(tmp_path):
    run = make_run(tmp_path, "a1_flat", RECURRENT)
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    policy_export.export_checkpoint(source, env, str(tmp_path / "here"), golden=True)
    env.close()
    description = read_json(str(tmp_path / "here" / "policy.json"))
    assert misfits(description) == [] and description["memory"]
    content, file = read_bytes(str(tmp_path / "here" / GOLDEN_FILE)), open_file(str(tmp_path / "here" / "policy.onnx"))
    assert file.description == description
    assert check_golden(file.session, description, content, "policy.onnx") < 1e-5
    other, _ = export(make_run(tmp_path / "other", "a1_flat", RECURRENT, "--seed=5"), tmp_path / "there")
    other.close()
    with pytest.raises(UserError, match=r"policy.onnx does not repeat golden.npz: at step \d+ it is"):
        check_golden(open_file(str(tmp_path / "there" / "policy.onnx")).session, description, content, "policy.onnx")


def test_a_policy_that_does_not_repeat_them_is_not_written(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    source = find_policy(flags(f"--policy={run}"))
    env, record = make_env(source), policy_export.record_golden

    def record_another(*args):
        columns = read_golden(record(*args), "")
        return to_bytes({**columns, "actions": columns["actions"] + 1e-3})

    monkeypatch.setattr(policy_export, "record_golden", record_another)
    with pytest.raises(UserError, match=r"policy.onnx does not repeat golden.npz: at step 0"):
        policy_export.export_checkpoint(source, env, str(tmp_path / "here"), golden=True)
    env.close()
    assert not (tmp_path / "here").exists()


def test_files_keep_images_once_and_numbers_that_float16_holds(tmp_path):
    images = np.random.default_rng(0).normal(size=(3, 1, 4, 5))[[0, 0, 1, 1, 1, 2]]
    content = to_bytes({"depth": as_given(images), "policy": as_given(np.array([[1e9], [0.1]] * 3))})
    read = read_golden(content, "")
    np.testing.assert_array_equal(read["depth"], images.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(read["policy"][:2, 0], [65504.0, np.float32(np.float16(0.1))])
    assert len(content) < 1500  # three of the images
    with pytest.raises(UserError, match=r"golden.npz is damaged"):
        read_golden(content[:200], "golden.npz")


def test_a_policy_is_refreshed_but_for_its_network(tmp_path):
    """Of a description that lacks keys, of files that are missing, and a score that was measured with the file."""
    folder = tmp_path / "a1_flat"
    folder.mkdir()
    for name in ("model.pt", "config.yaml", "policy.onnx", "score.json", "card.md"):
        (folder / name).write_bytes(read_bytes(os.path.join(POLICIES_DIR, "a1_flat", name)))
    model = onnx.load(str(folder / "policy.onnx"))
    now = open_file(str(folder / "policy.onnx")).description
    old = {key: value for key, value in now.items() if key not in NEW_KEYS}
    old["joints"] = [{key: value for key, value in joint.items() if key != "sdk_index"} for joint in now["joints"]]
    old["origin"] = {**now["origin"], "run": "of old"}
    content = policy_export.with_description(model, old)
    (folder / "policy.onnx").write_bytes(content)
    score = {**read_json(str(folder / "score.json")), "policy_sha256": hashlib.sha256(content).hexdigest()}
    (folder / "score.json").write_text(json.dumps(score))
    refresh(str(folder))
    after = open_file(str(folder / "policy.onnx")).description
    assert completed(after, now) == after and set(after) >= set(now)
    assert after["joints"] == now["joints"] and after["network"] == now["network"]
    assert after["origin"]["run"] == "of old"
    file_digest = hashlib.sha256((folder / "policy.onnx").read_bytes()).hexdigest()
    assert read_json(str(folder / "score.json"))["policy_sha256"] == file_digest
    kept, again = (
        read_golden(read_bytes(os.path.join(place, GOLDEN_FILE)), place)
        for place in (os.path.join(POLICIES_DIR, "a1_flat"), str(folder))
    )
    assert {name: column.shape for name, column in kept.items()} == {name: x.shape for name, x in again.items()}
    for name, column in kept.items():  # later steps of a walk differ by what CPUs of two makes round
        np.testing.assert_allclose(again[name][:5], column[:5], rtol=0, atol=1e-4, err_msg=name)
