"""Exported networks compute what the network in torch computes, step by step, memory included."""

from __future__ import annotations

import hashlib
import io
import json
import os

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.policies import export as policy_export
from legged_gym.policies.export import StepModule, export_policy, readable_json
from legged_gym.policies.exported_policy import OnnxStep, TorchScriptStep
from legged_gym.policies.metadata import describe_network
from rsl_rl.models import ActorCritic, ActorCriticRecurrent, SharedActorCritic
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.models.teachers import load_teacher
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.extensions.teacher import make_teacher

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")

DIMS = {"policy": (10,), "heights": (5,), "depth": (1, 58, 87), "history": (60,)}
STEPS = 80
# reads an image, and remembers in two encoders besides the memory behind them
SEEING = {
    "encoders": {
        "gamma": {"groups": ["policy", "depth"], "conv": {"output_dim": 16}, "rnn_hidden_size": 6, "output_dim": 4},
        "z": {"groups": ["heights"], "hidden_dims": [8], "rnn_type": "lstm", "rnn_hidden_size": 5, "output_dim": 3},
        "policy": {},
    },
    "rnn_type": "gru",
}
# experts with a gate that remembers, a history, and what is added into the first hidden layer
MIXED = {
    "encoders": {
        "policy": {},
        "past": {"groups": ["history"], "history_conv": {"term_dims": [2, 4]}, "output_dim": 4},
        "heights": {"fusion": "gated"},
    },
    "actor": {"experts": {"names": ["a", "b", "c"], "top_k": 2, "gate": {"groups": ["heights"], "rnn_hidden_size": 5}}},
    "critic": {"groups": ["policy"]},
}
POLICIES = {
    "mlp": (ActorCritic, {}),
    "normalised": (ActorCritic, {"normalize_observations": True, "actor_obs_groups": ["heights", "policy"]}),
    "lstm": (ActorCriticRecurrent, {"normalize_observations": True}),
    "gru": (ActorCriticRecurrent, {"rnn_type": "gru", "rnn_num_layers": 2}),
    "seeing": (SharedActorCritic, SEEING),
    "mixed": (ActorCritic, MIXED),
}


def make_policy(name):
    policy_class, options = POLICIES[name]
    options = {"actor_hidden_dims": [16, 8], "critic_hidden_dims": [8], "rnn_hidden_size": 12, **options}
    policy = policy_class(DIMS, 3, **options)
    for module in policy.modules():
        if getattr(module, "is_gated", False):
            torch.nn.init.normal_(module.gate)
    seen = {group: 2.0 + 3.0 * torch.randn(50, *shape) for group, shape in DIMS.items()}
    seen["policy"][:, 0], seen["policy"][:, 1] = 0.5, 0.01 * seen["policy"][:, 1]  # rollouts bring more
    policy.update_normalizers(seen)
    return policy


def describe(policy):
    dims = {group: DIMS[group] for group in policy.actor.groups}
    return {"format": 1, "observations": dims, **describe_network(policy.actor, dims, 3)}


def rollout(policy, num_envs):
    """Observations, actions and memories of the network itself, memory carried by hand."""
    hidden, steps = policy.initial_hidden(num_envs)["actor"], []
    for _ in range(STEPS):
        obs = {group: 2.0 + 3.0 * torch.randn(num_envs, *shape) for group, shape in DIMS.items()}
        with torch.no_grad():
            actions, after = policy.eval().act_inference(obs, hidden)
        steps.append((obs, actions, after))
        hidden = after
    return steps


@pytest.fixture(scope="module", params=POLICIES)
def exported(request, tmp_path_factory):
    """A policy and the folder that it was exported to."""
    torch.manual_seed(1)
    policy, folder = make_policy(request.param), tmp_path_factory.mktemp(request.param)
    export_policy(policy.actor, describe(policy), str(folder))
    return policy, folder


@pytest.mark.parametrize("num_envs", [1, 5])
def test_onnx_follows_the_network_through_a_rollout(exported, num_envs):
    policy, folder = exported
    session = onnxruntime.InferenceSession(str(folder / "policy.onnx"), providers=["CPUExecutionProvider"])
    memory = {
        f"{name}_in": np.zeros_like(state.numpy()) for name, state in policy.initial_hidden(num_envs)["actor"].items()
    }
    for obs, actions, hidden in rollout(policy, num_envs):
        feed = {group: obs[group].numpy() for group in policy.actor.groups}
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(None, {**feed, **memory})))
        np.testing.assert_allclose(found.pop("actions"), actions.numpy(), atol=2e-5)
        assert set(found) == {f"{name}_out" for name in hidden}
        memory = {name.replace("_out", "_in"): value for name, value in found.items()}
        for name, state in hidden.items():
            np.testing.assert_allclose(memory[f"{name}_in"], state.numpy(), atol=2e-5)


@pytest.mark.parametrize("num_envs", [1, 5])
def test_torchscript_follows_the_network_through_a_rollout(exported, num_envs):
    policy, folder = exported
    module = torch.jit.load(str(folder / "policy.pt"))
    memory = list(policy.initial_hidden(num_envs)["actor"].values())
    for obs, actions, hidden in rollout(policy, num_envs):
        outputs = module(*(obs[group] for group in policy.actor.groups), *memory)
        found, *memory = outputs if isinstance(outputs, tuple) else (outputs,)
        torch.testing.assert_close(found, actions, atol=2e-5, rtol=0.0)
        for state, expected in zip(memory, hidden.values()):
            torch.testing.assert_close(state, expected, atol=2e-5, rtol=0.0)


def test_an_exported_policy_can_teach(exported):
    policy, folder = exported
    teacher, path = None, str(folder / "policy.pt")
    for obs, actions, _ in rollout(policy, 5):
        if teacher is None:
            teacher = load_teacher(path, DIMS, 3, "cpu")
            hidden = teacher.initial_hidden(5)
        found, hidden = teacher(obs, hidden)
        torch.testing.assert_close(found, actions, atol=2e-5, rtol=0.0)
    others = {group: (1, *shape[1:]) for group, shape in DIMS.items()}
    with pytest.raises(RslRlError, match=r"policy\.pt' reads observations .* the environment gives \[1"):
        load_teacher(path, others, 3, "cpu")


def test_the_description_is_in_all_three_files(exported):
    policy, folder = exported
    graph = onnx.load(str(folder / "policy.onnx")).graph.SerializeToString(deterministic=True)
    network = json.loads((folder / "policy.json").read_text())["network"]
    assert network["sha256"] == hashlib.sha256(graph).hexdigest()
    expected = {**json.loads(json.dumps(describe(policy))), "network": network}
    extra = {"metadata.json": ""}
    torch.jit.load(str(folder / "policy.pt"), _extra_files=extra)
    in_onnx = {prop.key: prop.value for prop in onnx.load(str(folder / "policy.onnx")).metadata_props}
    assert json.loads(in_onnx["metadata"]) == expected
    assert json.loads(extra["metadata.json"]) == expected
    assert json.loads((folder / "policy.json").read_text()) == expected


def test_one_flipped_bit_in_an_exported_weight_is_found(exported):
    """Neither onnxruntime nor torch would say a word: another policy would run."""
    policy, folder = exported
    # of the last layer; ONNX orders those of memories anew
    weight = [value for value in policy.actor.state_dict().values() if value.ndim == 2][-1]
    for name, step in (("policy.onnx", OnnxStep), ("policy.pt", TorchScriptStep)):
        sound = (folder / name).read_bytes()
        step(sound, name)
        places = [sound.find(pattern.contiguous().numpy().tobytes()) for pattern in (weight, weight.T)]
        assert max(places) > 0
        flipped = bytearray(sound)
        flipped[max(places) + 5] ^= 1
        with pytest.raises(UserError, match=rf"{name} is damaged"):
            step(bytes(flipped), name)


def test_the_digest_can_be_checked_without_this_program(tmp_path):
    policy = make_policy("mlp")
    export_policy(policy.actor, describe(policy), str(tmp_path), only_onnx=True)
    content = (tmp_path / "policy.onnx").read_bytes()
    digest = {prop.key: prop.value for prop in onnx.load_from_string(content).metadata_props}["sha256"]
    assert hashlib.sha256(content.replace(digest.encode(), b"0" * 64)).hexdigest() == digest


def test_a_file_from_before_the_digest_is_read(tmp_path):
    policy = make_policy("mlp")
    export_policy(policy.actor, describe(policy), str(tmp_path), only_onnx=True)
    model = onnx.load(str(tmp_path / "policy.onnx"))
    onnx.helper.set_model_props(model, {"metadata": json.dumps(describe(policy))})
    assert OnnxStep(model.SerializeToString(), "policy.onnx").description["inputs"]


def test_onnx_has_named_axes_and_passes_the_checker(tmp_path):
    policy = make_policy("lstm")
    export_policy(policy.actor, describe(policy), str(tmp_path), only_onnx=True)
    assert os.listdir(tmp_path) == ["policy.onnx"]
    model = onnx.load(str(tmp_path / "policy.onnx"))
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in [*model.graph.input, *model.graph.output]
    }
    assert shapes == {
        "policy": ["batch", 10],
        "h_in": [1, "batch", 12],
        "c_in": [1, "batch", 12],
        "actions": ["batch", 3],
        "h_out": [1, "batch", 12],
        "c_out": [1, "batch", 12],
    }


def test_networks_stay_in_evaluation_mode_from_one_format_to_the_next():
    policy = make_policy("seeing").train()
    module, description = StepModule(policy.actor), describe(policy)
    policy_export.to_onnx(module, description)
    assert not any(part.training for part in module.modules())


def test_every_group_and_every_memory_is_an_input(tmp_path):
    policy = make_policy("seeing")
    export_policy(policy.actor, describe(policy), str(tmp_path), only_onnx=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "policy.onnx"), providers=["CPUExecutionProvider"])
    assert {entry.name: entry.shape for entry in session.get_inputs()} == {
        "policy": ["batch", 10],
        "depth": ["batch", 1, 58, 87],
        "heights": ["batch", 5],
        "h_in": [1, "batch", 12],
        "gamma.h_in": [1, "batch", 6],
        "z.h_in": [1, "batch", 5],
        "z.c_in": [1, "batch", 5],
    }
    outputs = {entry.name: entry.shape for entry in session.get_outputs()}
    assert list(outputs) == ["actions", "h_out", "gamma.h_out", "z.h_out", "z.c_out"]
    assert outputs["actions"] == ["batch", 3]


def test_a_teacher_is_exported_as_it_acts(tmp_path):
    """Both formats follow the policy over 200 steps, or they are not written."""
    runner = make_teacher(tmp_path)
    runner.learn(1)
    policy, _ = build_policy(str(tmp_path / "model_1.pt"))
    description = {"format": 1, **describe_network(policy.actor, runner.env.observation_dims, 3)}
    paths = export_policy(policy.actor, description, str(tmp_path / "exported"))
    assert [entry["name"] for entry in description["inputs"]] == ["policy", "hurdles", "history"]
    obs = {name: torch.randn(4, *shape) for name, shape in runner.env.observation_dims.items()}
    runner.policy.eval()
    expected = runner.get_inference_policy()(obs)
    (path,) = [path for path in paths if path.endswith(".onnx")]
    session = onnxruntime.InferenceSession(path)
    found = session.run(None, {name: obs[name].numpy() for name in ("policy", "hurdles", "history")})
    torch.testing.assert_close(torch.from_numpy(found[0]), expected)


def test_export_is_silent_and_leaves_the_network_alone(tmp_path, capfd, recwarn):
    policy = make_policy("lstm").train()
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    export_policy(policy.actor, describe(policy), str(tmp_path))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert policy.actor.training
    assert all(parameter.requires_grad for parameter in policy.actor.parameters())
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())


@pytest.mark.parametrize("name", ["to_onnx", "to_torchscript"])
def test_a_network_that_differs_is_not_written(tmp_path, monkeypatch, name):
    """A memory that leaks a little less: the first step is the same, later ones are not."""
    policy, export = make_policy("lstm"), getattr(policy_export, name)

    def export_other(module, *rest):
        other = StepModule(module.actor)
        with torch.no_grad():
            other.actor.memory.rnn.weight_hh_l0.mul_(1.05)
        return export(other, *rest)

    monkeypatch.setattr(policy_export, name, export_other)
    with pytest.raises(UserError, match=r"policy.(onnx|pt) is not what the network computes: after [2-9] steps"):
        export_policy(policy.actor, describe(policy), str(tmp_path / "exported"))
    assert not (tmp_path / "exported").exists()


def test_a_network_that_gives_nan_is_not_written(tmp_path):
    policy = make_policy("mlp")
    with torch.no_grad():
        next(policy.actor.head.parameters())[0, 0] = float("nan")
    with pytest.raises(UserError, match="nothing was written"):
        export_policy(policy.actor, describe(policy), str(tmp_path / "exported"))
    assert not (tmp_path / "exported").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    policy = make_policy("mlp")
    with pytest.raises(UserError, match=r"cannot write .*file"):
        export_policy(policy.actor, describe(policy), str(tmp_path / "file" / "exported"))


def test_readable_json_keeps_the_values():
    value = {"a": [1, 2.5, None], "b": [{"c": [["x", "y [z]"], []]}], "d": "no [1,\n 2] list"}
    text = readable_json(value)
    assert json.loads(text) == value
    assert "[1, 2.5, null]" in text


def test_torchscript_needs_nothing_of_this_project(tmp_path):
    """The archive holds no Python class of ours: it loads from bytes and keeps its code inside."""
    policy = make_policy("gru")
    export_policy(policy.actor, describe(policy), str(tmp_path))
    module = torch.jit.load(io.BytesIO((tmp_path / "policy.pt").read_bytes()))
    assert isinstance(module, torch.jit.ScriptModule)
    assert all(not parameter.requires_grad for parameter in module.parameters())
