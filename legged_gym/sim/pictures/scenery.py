"""What a picture shows besides the robot: ground pattern, sky, sun. None of it touches physics."""

from __future__ import annotations

from typing import Any

import mujoco

from legged_gym.sim.pictures.camera import FIELD_OF_VIEW

# direction in which sunlight travels, not normalised; in a plane with an axis, as the shadows of OpenGL's depth maps
# come out speckled otherwise
SUN_DIRECTION = (-0.6, 0.0, -1.0)
SUN_COLOR = (0.78, 0.75, 0.68)
SKY_LIGHT = (0.36, 0.39, 0.44)
HEADLIGHT = 0.12

SKY_ZENITH = (0.30, 0.47, 0.70)
SKY_HORIZON = (0.80, 0.86, 0.91)

GROUND_COLORS = ((0.47, 0.50, 0.53), (0.40, 0.43, 0.46))
# side of one square of the checkerboard, m
GROUND_SQUARE = 0.5
OBSTACLE_COLOR = (0.72, 0.45, 0.24)

# shadows fall this far from where the camera looks, m
SHADOW_REACH = 6.0

# the ground fades into the horizon between these distances from the camera, m
HAZE_START, HAZE_END = 5.0, 40.0


def add_scenery(spec: Any) -> None:
    """Add textures, materials, sun and camera settings to a spec that has a geom "ground" and maybe obstacles."""
    flags = {"width": 512, "height": 512}
    # names that robot files do not use: theirs often have a "ground" and a sky of their own
    for texture in [t for t in spec.textures if t.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX]:
        spec.delete(texture)
    spec.add_texture(
        name="scenery_ground", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=list(GROUND_COLORS[0]), rgb2=list(GROUND_COLORS[1]), **flags,
    )  # fmt: skip
    spec.add_texture(
        name="scenery_sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=list(SKY_ZENITH), rgb2=list(SKY_HORIZON), **flags,
    )  # fmt: skip
    # MuJoCo repeats the texture, of two by two squares, this often in two metres
    repeat = 1.0 / GROUND_SQUARE
    ground = spec.add_material(
        name="scenery_ground", texrepeat=[repeat, repeat], texuniform=True, reflectance=0.0, specular=0.1
    )
    ground.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "scenery_ground"
    obstacle = spec.add_material(name="scenery_obstacle", rgba=[*OBSTACLE_COLOR, 1.0], specular=0.1)
    for geom in spec.geoms:
        if geom.name == "ground":
            geom.material = ground.name
        elif str(geom.name).startswith("obstacle_"):
            geom.material = obstacle.name
    spec.worldbody.add_light(
        name="sun", pos=[0, 0, 5], dir=list(SUN_DIRECTION), type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        castshadow=True, diffuse=list(SUN_COLOR), ambient=[0, 0, 0], specular=[0.2, 0.2, 0.2],
    )  # fmt: skip
    _set_camera(spec)


def _set_camera(spec: Any) -> None:
    # MuJoCo measures near plane, far plane, haze and shadows in units of this length; its own guess is the size of
    # the map, with which a robot a metre away would be cut off
    spec.stat.extent = 1.0
    visual = spec.visual
    visual.global_.fovy = FIELD_OF_VIEW
    visual.map.znear, visual.map.zfar = 0.05, 50.0
    visual.map.fogstart, visual.map.fogend = HAZE_START, HAZE_END
    visual.map.shadowclip = SHADOW_REACH
    visual.map.haze = 0.4
    visual.rgba.fog = visual.rgba.haze = [*SKY_HORIZON, 1.0]
    visual.headlight.ambient, visual.headlight.diffuse = list(SKY_LIGHT), [HEADLIGHT] * 3
    visual.headlight.specular = [0.0, 0.0, 0.0]
    visual.quality.shadowsize, visual.quality.offsamples = 4096, 8
