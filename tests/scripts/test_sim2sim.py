"""The program that tries policies in plain MuJoCo: what it needs, prints, and refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import mujoco
import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.scripts import sim2sim
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.trials import Measured, Trial
from legged_gym.utils.run_folder import POLICIES_DIR

ROBOT = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "a1", "urdf", "a1.urdf")

WITHOUT_TORCH = """
import sys
for name in ("torch", "warp", "legged_gym.envs.base.legged_robot", "legged_gym.sim.simulator"):
    sys.modules[name] = None
from legged_gym.scripts.sim2sim import main
assert main(["--policy={}", "--command", "0.5", "0", "0", "--duration=0.04", "--video={}"]) == 0
"""


def test_a_policy_is_run_and_filmed_without_torch(tmp_path):
    video = tmp_path / "walk.mp4"
    program = WITHOUT_TORCH.format("a1_vision_student", video)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=LEGGED_GYM_ROOT_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "after 0.0 s: " in done.stdout and "upright" in done.stdout
    assert video.stat().st_size > 1000


@pytest.fixture
def scored(monkeypatch, tmp_path):
    """A policy of which all is known, without running it; a function that says how fast it is to have walked."""
    shutil.copy(os.path.join(POLICIES_DIR, "a1_flat", "policy.onnx"), tmp_path)
    path, speed = str(tmp_path / "policy.onnx"), [0.5]
    trial = Trial("forward, middle", (0.5, 0.0, 0.0))

    def scored(*told):
        fell = speed[0] < 0.1
        return trials.Scored(trials.score([Measured(trial, 9.0, 9.0 * speed[0], fell, 0.9, 0.9)]), [trial.name] * fell)

    monkeypatch.setattr(trials, "score_policy", scored)
    return path, speed


def test_a_score_stands_beside_that_of_the_environment(scored, tmp_path, capsys):
    path, speed = scored
    assert sim2sim.main([f"--policy={path}"]) == 0
    assert "nothing is known of the training environment" in capsys.readouterr().out
    known = {"progress": 1.0, "lin_vel_xy_error": 0.1, "ang_vel_error": 0.1, "falls": 0.0}
    score = {"policy_sha256": sim2sim.open_policy(path).sha256, "plane": known}
    (tmp_path / "score.json").write_text(json.dumps(score))
    assert sim2sim.main([f"--policy={tmp_path}", f"--json={tmp_path / 'found.json'}"]) == 0
    out = capsys.readouterr().out
    assert "as in training, within 20 %" in out and "time step  0.002 s" in out
    assert json.loads((tmp_path / "found.json").read_text())["plane"]["progress"] == pytest.approx(1.0)
    speed[0] = 0.05
    assert sim2sim.main([f"--policy={path}"]) == sim2sim.EXIT_WORSE
    out = capsys.readouterr().out
    assert "WORSE than in training: progress is 0.100, 1.000 in" in out and "fell: forward, middle" in out


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The A1 as MJCF, in a scene with a floor, a ball, a key frame and motors of its own."""
    spec = mujoco.MjSpec.from_file(ROBOT)
    spec.compiler.balanceinertia = True
    root = spec.worldbody.bodies[0]
    root.add_freejoint()
    spec.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 1])
    spec.worldbody.add_body(name="ball", pos=[0.5, 0, 0.2]).add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.2, 0, 0]
    )
    spec.add_actuator(name="own", target=spec.joints[1].name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    spec.compile()
    path = tmp_path_factory.mktemp("robot") / "a1.xml"
    path.write_text(spec.to_xml())
    return path


def test_a_scene_in_mjcf_will_do_as_well(scene, capsys):
    walks = []
    for robot in (ROBOT, scene):
        flags = ["--command", "0.5", "0", "0", "--duration=2", "--dt=0.005"]
        assert sim2sim.main(["--policy=a1_flat", f"--robot={robot}", *flags]) == 0
        walks.append(capsys.readouterr().out.split("after 2.0 s")[1])
    assert walks[0] == walks[1] and "upright" in walks[0]


def test_terms_of_a_users_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sim2sim, "TERMS", {k: v for k, v in sim2sim.TERMS.items() if k != "dof_vel"})
    run = ["--policy=a1_flat", "--command", "0.5", "0", "0", "--duration=0.1"]
    with pytest.raises(UserError, match=r"observation 'dof_vel' \(Joint velocities, rad/s\.\) is unknown here: give"):
        sim2sim.main(run)
    (tmp_path / "own.py").write_text("def dof_vel(robot, term):\n    return robot.joint_velocities\n")
    assert sim2sim.main([*run, f"--terms={tmp_path / 'own.py'}"]) == 0
    (tmp_path / "own.py").write_text("import nowhere")
    with pytest.raises(UserError, match=r"own.py: ModuleNotFoundError: No module named 'nowhere'"):
        sim2sim.main([*run, f"--terms={tmp_path / 'own.py'}"])


MISTAKES = [
    (["--policy=nowhere"], "--policy=nowhere: no ONNX file there"),
    ([f"--policy={ROBOT}"], "only ONNX files run here"),
    (["--policy=a1_flat", "--robot=nowhere.urdf"], "no robot file at nowhere.urdf"),
    (["--policy=go2", f"--robot={ROBOT.replace('a1', 'mini_cheetah')}"], "is of another robot: it has no joint"),
    (["--policy=a1_flat", "--dt=0.003"], "--dt=0.003: the control step of the policy, 0.02 s, is no multiple"),
    (["--policy=a1_flat", "--duration=nan"], "--duration: expected a number, got 'nan'"),
    (["--policy=a1_flat", "--command", "0", "inf", "0"], "--command: expected a finite number, got 'inf'"),
    (["--policy=a1_flat", "--command", "0", "0", "0", "--json=a.json"], "--json: a run that is shown has no score"),
    (["--policy=a1_flat", "--delay=-1"], "--delay: expected a whole number of at least 0, got '-1'"),
    (["--policy=a1_flat", "--video=walk.gif"], "--video=walk.gif: a video is an .mp4 file"),
    (["--policy=a1_flat", "--terms=nowhere.py"], "--terms=nowhere.py: no Python file there"),
]


@pytest.mark.parametrize(("argv", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes_are_told_in_one_line(argv, message):
    with pytest.raises(UserError) as error:
        sim2sim.main(argv)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_robot_of_another_mass_is_told_of(tmp_path, capsys):
    with open(ROBOT, encoding="utf-8") as file:
        (tmp_path / "heavy.urdf").write_text(file.read().replace('mass value="4.713"', 'mass value="6.713"'))
    sim2sim.main(
        ["--policy=a1_flat", f"--robot={tmp_path / 'heavy.urdf'}", "--command", "0", "0", "0", "--duration=0.02"]
    )
    assert "note: heavy.urdf weighs" in capsys.readouterr().out
