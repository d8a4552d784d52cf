"""Finding policies of every form, running them alike, and refusing what does not fit."""

from __future__ import annotations

import json
import os
import shutil

import onnx
import pytest
import torch
import yaml

from legged_gym.errors import UserError
from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.policy_io import find_policy, inference_checkpoint, load_policy
from legged_gym.policies.shipping import ship_policy
from legged_gym.utils import run_folder
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.utils.checkpoint import load_checkpoint, save_checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.policies.tiny_run import ITERATION, RECURRENT, flags, make_env, make_run

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of a feed-forward and one of a recurrent policy, both with exported files."""
    folders = {}
    for name, options in (("mlp", []), ("lstm", [RECURRENT])):
        folders[name] = make_run(tmp_path_factory.mktemp(name), "a1_flat", *options)
        source = find_policy(flags(f"--policy={folders[name]}"))
        env = make_env(source)
        export_checkpoint(source, env)
        env.close()
    return folders


@pytest.fixture
def run(runs, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(runs["mlp"], tmp_path / "run")


def checkpoint(run):
    return os.path.join(run, f"model_{ITERATION}.pt")


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("", "checkpoint", f"model_{ITERATION}"),
        (f"model_{ITERATION}.pt", "checkpoint", f"model_{ITERATION}"),
        ("exported", "onnx", "policy"),
        ("exported/policy.onnx", "onnx", "policy"),
        ("exported/policy.pt", "torchscript", "policy"),
    ],
)
def test_a_policy_is_found_at_a_path(runs, path, kind, name):
    source = find_policy(flags(f"--policy={os.path.join(runs['mlp'], path)}"))
    assert (source.kind, source.task, source.run_dir, source.is_run) == (kind, "a1_flat", runs["mlp"], True)
    assert source.name == f"{os.path.basename(runs['mlp'])}/{name}"


def test_a_run_is_found_by_load_run(runs):
    source = find_policy(flags("--task=a1_flat", f"--load_run={runs['lstm']}"))
    assert (source.kind, source.path) == ("checkpoint", checkpoint(runs["lstm"]))


def test_saved_settings_come_back_and_the_command_line_wins(runs):
    for argv in (["--task=a1_flat", f"--load_run={runs['lstm']}"], [f"--policy={runs['lstm']}"]):
        source = find_policy(flags(*argv, "--env.control.action_scale=0.125", "--num_envs=3"))
        assert source.train_cfg.runner.policy_class_name == "ActorCriticRecurrent"
        assert source.train_cfg.policy.actor_hidden_dims == [32, 16]
        assert source.env_cfg.control.action_scale == 0.125
        assert source.env_cfg.env.num_envs == 3


def test_a_run_with_a_reward_that_its_task_does_not_list_is_found_by_its_path(tmp_path):
    """Which ended in "which task?", as only the command line was asked what the reward is."""
    run = make_run(tmp_path, "a1_flat", "--env.rewards.scales.progress=1.5")
    source = find_policy(flags(f"--policy={run}", "--env.noise.add_noise=false"))
    assert (source.task, source.env_cfg.rewards.scales.progress) == ("a1_flat", 1.5)
    with pytest.raises(UserError, match="has no method _reward_progres; did you mean progress"):
        find_policy(flags(f"--policy={run}", "--env.rewards.scales.progres=1"))


def test_a_shipped_policy_is_found_by_the_name_of_its_task(runs, tmp_path, monkeypatch):
    folder = tmp_path / "a1_flat"
    folder.mkdir()
    save_checkpoint(str(folder / "model.pt"), inference_checkpoint(load_checkpoint(checkpoint(runs["mlp"]))))
    shutil.copy(os.path.join(runs["mlp"], "config.yaml"), folder)
    shutil.copy(os.path.join(runs["mlp"], "exported", "policy.onnx"), folder)
    monkeypatch.setattr(run_folder, "POLICIES_DIR", str(tmp_path))
    source = find_policy(flags("--policy=a1_flat"))
    assert (source.kind, source.path, source.name) == ("checkpoint", str(folder / "model.pt"), "a1_flat")
    assert not source.is_run
    with pytest.raises(UserError, match="a trained policy comes along: --policy=a1_flat"):
        find_policy(flags("--task=a1_flat", "--experiment_name=nothing_here"))


def test_an_exported_file_on_its_own_knows_its_task(runs, tmp_path, capsys):
    path = shutil.copy(os.path.join(runs["mlp"], "exported", "policy.onnx"), tmp_path)
    source = find_policy(flags(f"--policy={path}"))
    assert (source.task, source.run_dir, source.is_run, source.name) == ("a1_flat", None, False, "policy")
    assert "has no config.yaml; the settings of task a1_flat as it is now are used" in capsys.readouterr().out


# ---------------------------------------------------------------- running


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_all_forms_drive_alike_also_when_episodes_end(runs, kind):
    paths = [runs[kind], *(os.path.join(runs[kind], "exported", name) for name in ("policy.onnx", "policy.pt"))]
    sources = [find_policy(flags(f"--policy={path}")) for path in paths]
    env = make_env(sources[0])
    policies = [load_policy(source, env) for source in sources]
    obs = env.reset()
    for step in range(30):
        first, *others = [policy(obs) for policy in policies]
        for actions in others:
            torch.testing.assert_close(actions, first, atol=2e-5, rtol=1e-4)
        obs, _, _, _ = env.step(first)
        dones = torch.tensor([step % 5 == 0, False, step % 7 == 0, True])
        for policy in policies:
            policy.reset(dones)
    env.close()


@pytest.mark.parametrize("path", ["", "exported/policy.onnx", "exported/policy.pt"])
def test_memory_is_carried_and_forgotten(runs, path):
    source = find_policy(flags(f"--policy={os.path.join(runs['lstm'], path)}"))
    env = make_env(source)
    policy, obs = load_policy(source, env), env.reset()
    first, second = policy(obs), policy(obs)
    assert not torch.allclose(first, second, atol=1e-4)  # it remembers
    policy.reset(torch.tensor([True, False, False, True]))
    third = policy(obs)
    torch.testing.assert_close(third[[0, 3]], first[[0, 3]])
    assert not torch.allclose(third[[1, 2]], first[[1, 2]], atol=1e-4)
    policy.reset()
    torch.testing.assert_close(policy(obs), first)
    env.close()


def test_a_policy_sees_through_the_extensions_that_it_was_trained_with(tmp_path, capsys):
    glasses = '--train.algorithm.extensions={"glasses": {"class_name": "tests.rsl_rl.extensions.examples:Glasses"}}'
    run = make_run(tmp_path, "a1_flat", glasses)
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    obs = env.reset()
    content, (network, _) = load_checkpoint(checkpoint(run)), build_policy(checkpoint(run))
    lens = content["algorithm_state"]["extensions"]["glasses"]["network"]
    seen = {**obs, "policy": obs["policy"] @ lens["weight"].t() + lens["bias"]}
    expected, _ = network.act_inference(seen)
    assert not torch.allclose(expected, network.act_inference(obs)[0], atol=1e-2)
    torch.testing.assert_close(load_policy(source, env)(obs), expected.detach())
    export_checkpoint(source, env)
    assert "the policy saw what glasses made of the observations" in capsys.readouterr().out
    ship_policy(source, env, str(tmp_path / "shipped"))
    shutil.copy(tmp_path / "shipped" / "model.pt", checkpoint(run))
    torch.testing.assert_close(load_policy(source, env)(obs), expected.detach())
    save_checkpoint(checkpoint(run), inference_checkpoint(content))
    with pytest.raises(RslRlError, match="it lacks the extension glasses, by which the actor saw"):
        load_policy(source, env)
    env.close()


def test_an_inference_checkpoint_is_enough_and_small(runs, tmp_path):
    full = load_checkpoint(checkpoint(runs["lstm"]))
    save_checkpoint(str(tmp_path / "model.pt"), inference_checkpoint(full))
    small = load_checkpoint(str(tmp_path / "model.pt"))
    assert set(small) == {"schema_version", "model_state_dict", "meta", "iter"}
    assert not any(name.startswith("critic.") for name in small["model_state_dict"])
    expected, found = (build_policy(path)[0].actor for path in (checkpoint(runs["lstm"]), str(tmp_path / "model.pt")))
    for name, value in expected.state_dict().items():
        assert torch.equal(value, found.state_dict()[name])


# ---------------------------------------------------------------- mistakes


def refuse(argv, message, error=UserError):
    """Finding and loading must end in one line that matches."""
    with pytest.raises(error, match=message) as caught:
        source = find_policy(flags(*argv))
        env = make_env(source)
        try:
            load_policy(source, env)
        finally:
            env.close()
    assert "\n" not in str(caught.value)


def test_nothing_there(run):
    refuse(["--policy=/no/such/file.pt"], r"there is no /no/such/file\.pt; shipped policies are: ")
    refuse([f"--policy={run}", "--checkpoint=3"], "has no checkpoint 3; it has 7")
    refuse(["--task=a1_flat", f"--load_run={run}", "--checkpoint=3"], "has no checkpoint 3; it has 7")
    os.remove(checkpoint(run))
    refuse([f"--policy={run}"], "holds no policy")
    refuse([f"--policy={run}/config.yaml"], r"is no policy; expected a \.pt or \.onnx file")


@pytest.mark.parametrize(
    ("name", "error"),
    [(f"model_{ITERATION}.pt", RslRlError), ("exported/policy.onnx", UserError), ("exported/policy.pt", RslRlError)],
)
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_file_cut_short(run, name, error, share):
    path = os.path.join(run, name)
    with open(path, "r+b") as file:
        file.truncate(int(os.path.getsize(path) * share))
    refuse([f"--policy={path}"], "damaged", error)


def test_a_policy_of_another_task(run):
    refuse([f"--policy={run}", "--task=a1"], "is a policy of task 'a1_flat', not 'a1'")
    refuse([f"--policy={run}/exported/policy.onnx", "--task=a1"], "is a policy of task 'a1_flat', not 'a1'")
    refuse(["--task=a1", f"--load_run={run}"], "is of task 'a1_flat', not 'a1'")
    refuse(["--task=a1_flatt", f"--load_run={run}"], "unknown task 'a1_flatt'; did you mean a1_flat")


def test_a_checkpoint_without_settings(run, capsys):
    os.remove(os.path.join(run, "config.yaml"))
    source = find_policy(flags(f"--policy={checkpoint(run)}"))
    assert (source.task, source.run_dir) == ("a1_flat", None)
    assert "the settings of task a1_flat as it is now are used" in capsys.readouterr().out
    refuse([f"--policy={checkpoint(run)}", "--task=a1"], "is a policy of task 'a1_flat', not 'a1'")
    content = load_checkpoint(checkpoint(run))
    content["meta"]["task"] = ""
    save_checkpoint(checkpoint(run), content)
    refuse([f"--policy={checkpoint(run)}"], "does not say which task it is of; give --task=<name>")
    words = r"reads observations 'policy' of shape \[48\].* gives \[235\]"
    refuse([f"--policy={checkpoint(run)}", "--task=a1"], words, RslRlError)


def test_observations_that_do_not_fit(run):
    removed = "--env.observations.policy.base_lin_vel=null"
    refuse([f"--policy={run}", removed], r"reads observations 'policy' of shape \[48\].* gives \[45\]", RslRlError)
    for name in ("policy.onnx", "policy.pt"):
        path = f"--policy={run}/exported/{name}"
        refuse([path, removed], r"its observation 'policy' is \[48\].*the environment's is \[45\]")
        refuse([path, "--env.observations.policy.dof_vel.scale=0.1"], "dof_vel 12 x 0.05.*dof_vel 12 x 0.1")
        refuse([path, "--env.control.action_scale=0.5"], "its action scale is 0.25, the environment's is 0.5")
        refuse([path, "--env.control.decimation=8"], "its control_dt is 0.02, the environment's is 0.04")


def test_noise_is_no_part_of_the_fit(run):
    source = find_policy(flags(f"--policy={run}/exported/policy.onnx", "--env.observations.policy.dof_vel.noise=9"))
    env = make_env(source)
    load_policy(source, env)
    env.close()


def test_files_of_other_programs(run, tmp_path):
    torch.save({"weights": torch.zeros(3)}, checkpoint(run))
    refuse([f"--policy={run}"], "has no schema version: another program wrote it", RslRlError)
    save_checkpoint(checkpoint(run), {"weights": 1})
    refuse([f"--policy={run}"], "holds no policy", RslRlError)
    model = onnx.load(f"{run}/exported/policy.onnx")
    del model.metadata_props[:]
    onnx.save(model, f"{run}/exported/policy.onnx")
    refuse([f"--policy={run}/exported/policy.onnx"], "has no description of its observations")
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), f"{run}/exported/policy.pt")
    refuse([f"--policy={run}/exported/policy.pt"], "has no description of its observations")


def test_descriptions_that_lack_something(run):
    """The files are sound, and what they say of themselves is not enough to run them."""
    path = f"{run}/exported/policy.onnx"
    model = onnx.load(path)
    description = json.loads({prop.key: prop.value for prop in model.metadata_props}["metadata"])
    wide = [{"name": "policy", "shape": ["batch", 47]}]
    for change, message in (
        ({"task": None}, "its description cannot be used .it lacks 'task'"),
        ({"joints": None}, "its description cannot be used .it lacks 'joints'"),
        ({"joints": [1]}, "its description cannot be used"),
        ({"actions": {}}, "its description cannot be used .it lacks 'scale'"),
        ({"memory": None}, "cannot be run as its description says .'memory'"),
        ({"observations": {}}, "its inputs are not its observations and its memory"),
        ({"inputs": wide}, "cannot be run as its description says"),
        (
            {"outputs": [{"name": "actions", "shape": ["batch", 11]}]},
            r"its outputs are \[\[1, 12\]\], not \[\[1, 11\]\]",
        ),
    ):
        changed = {key: value for key, value in {**description, **change}.items() if value is not None}
        onnx.helper.set_model_props(model, {"metadata": json.dumps(changed)})
        onnx.save(model, path)
        os.remove(f"{run}/config.yaml") if os.path.exists(f"{run}/config.yaml") else None
        refuse([f"--policy={path}"], message)


def test_a_policy_class_that_does_not_exist(run):
    content = load_checkpoint(checkpoint(run))
    content["meta"]["policy_class_name"] = "Oracle"
    save_checkpoint(checkpoint(run), content)
    refuse([f"--policy={run}"], "is 'Oracle'; known: ActorCritic", RslRlError)


def test_settings_that_cannot_be_read(run):
    with open(os.path.join(run, "config.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump(["no", "settings"], file)
    refuse([f"--policy={run}"], "is not the config of a run")
