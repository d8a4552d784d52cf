"""A robot in plain MuJoCo as a video or in MuJoCo's own viewer."""

from __future__ import annotations

import time
from typing import Any, List

import numpy as np

from legged_gym.playing.frames import FRAMES_PER_SECOND, HEIGHT, WIDTH, FollowCamera, Overlay, VideoWriter
from legged_gym.sim.pictures.camera import Camera
from legged_gym.sim.pictures.rendering import SceneRenderer, SceneState
from legged_gym.sim2sim.model import GROUND_GROUP, ROBOT_GROUP, VISUAL_GROUP, build_model
from legged_gym.sim2sim.robot import Robot, World


def film(robot: Robot, world: World, path: str, steps: int, caption: str) -> None:
    """Let a robot go on for so many control steps, and write a video of them, in real time."""
    dt = robot.description["control_dt"]
    stride = max(1, round(1.0 / (FRAMES_PER_SECOND * dt)))
    scene = SceneRenderer(
        lambda: build_model(world.robot_file, robot.description, world.ground, dt, visual=True), _shown_groups
    )
    camera, overlay, none = FollowCamera(Camera()), Overlay(), np.zeros((0, 3))
    title = ["lin_vel_x", "lin_vel_y", "ang_vel_yaw"]
    with VideoWriter(path, 1.0 / (dt * stride)) as video:
        for step in range(steps):
            robot.step()
            w, x, y, z = robot.data.qpos[3:7]
            view = camera.follow([*robot.position, x, y, z, w], dt)
            if step % stride:
                continue
            frame = scene.render(SceneState(robot.data.qpos, none, np.zeros((0, 4)), none), view, WIDTH, HEIGHT)
            measured = [*robot.velocity[:2], robot.angular_velocity[2]]
            rows = [("command", [robot.command[name] for name in title]), ("measured", measured)]
            video.add(overlay.draw(frame, f"plain MuJoCo   {caption}   {robot.time:.1f} s", "", rows))
    scene.close()


def window(robot: Robot, steps: int) -> None:
    """Show a robot in MuJoCo's viewer, in real time, until the time is over or the window is closed."""
    import mujoco.viewer

    with mujoco.viewer.launch_passive(robot.model, robot.data) as viewer:
        for _ in range(steps):
            began = time.monotonic()
            if not viewer.is_running():
                return
            robot.step()
            viewer.sync()
            time.sleep(max(0.0, robot.description["control_dt"] - (time.monotonic() - began)))


def _shown_groups(model: Any) -> List[int]:
    robot = VISUAL_GROUP if (model.geom_group == VISUAL_GROUP).any() else ROBOT_GROUP
    return [GROUND_GROUP, robot]
