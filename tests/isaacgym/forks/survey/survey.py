"""A robot, a box, a ball and a pill in every environment, and all calls but those that trainings make."""

import os

import isaacgym
import numpy as np
import torch
from isaacgym import gymapi, gymtorch, gymutil

assert isaacgym
args = gymutil.parse_arguments(description="Survey", headless=True, no_graphics=True)
ENVS, ROBOT_DOFS, DEVICE = 2, 4, "cpu"
gym = gymapi.acquire_gym()
assert gym.initialize()


def wrapped(name, *more):
    return gymtorch.wrap_tensor(getattr(gym, f"acquire_{name}_tensor")(sim, *more))


def raw(tensor):
    return gymtorch.unwrap_tensor(tensor)


# the world ------------------------------------------------------------------------------------------------------------
params = gymapi.SimParams()
params.dt, params.substeps, params.up_axis, params.gravity = 0.005, 2, gymapi.UP_AXIS_Z, gymapi.Vec3(0, 0, -9.81)
sim = gym.create_sim(args.compute_device_id, args.graphics_device_id, args.physics_engine, params)
field = gymapi.HeightFieldParams()
field.nbRows, field.nbColumns, field.row_scale, field.column_scale, field.vertical_scale = 80, 60, 0.1, 0.1, 0.005
field.transform.p = gymapi.Vec3(-4.0, -3.0, 0.0)
gym.add_heightfield(sim, np.zeros((60, 80), dtype=np.int16).flatten(), field)

# assets ---------------------------------------------------------------------------------------------------------------
options = gymapi.AssetOptions()
options.collapse_fixed_joints, options.density, options.disable_gravity = True, 1000.0, False
resources = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stroller", "resources")
robot = gym.load_asset(sim, resources, "stroller.urdf", options)
box, ball, pill = (
    gym.create_box(sim, 0.2, 0.2, 0.2, options), gym.create_sphere(sim, 0.1, options),
    gym.create_capsule(sim, 0.05, 0.2, options),
)  # fmt: skip
names = ["left_hip", "left_knee", "right_hip", "right_knee"]
assert gym.get_asset_dof_names(robot) == names == list(gym.get_asset_dof_dict(robot))
assert [gym.get_asset_dof_name(robot, k) for k in range(ROBOT_DOFS)] == names
assert [gym.find_asset_dof_index(robot, name) for name in names] == [0, 1, 2, 3]
assert gym.get_dof_type_string(gym.get_asset_dof_type(robot, 0)) == "Rotation"
bodies = ["trunk", "left_thigh", "left_shank", "left_foot", "right_thigh", "right_shank", "right_foot"]
assert gym.get_asset_rigid_body_names(robot) == bodies == list(gym.get_asset_rigid_body_dict(robot))
assert (
    gym.get_asset_rigid_body_name(robot, 3) == "left_foot" and gym.find_asset_rigid_body_index(robot, "left_foot") == 3
)
assert gym.get_asset_rigid_shape_count(robot) == 7
assert [(shape.start, shape.count) for shape in gym.get_asset_rigid_body_shape_indices(robot)] == [
    (k, 1) for k in range(7)
]
assert gym.get_asset_joint_count(robot) == len(gym.get_asset_joint_names(robot)) >= ROBOT_DOFS
assert gym.get_asset_soft_body_count(robot) == gym.get_asset_tendon_count(robot) == 0
assert gym.get_asset_actuator_count(robot) == len(gym.get_asset_actuator_properties(robot)) == 0
sensing = gymapi.ForceSensorProperties()
sensing.enable_forward_dynamics_forces, sensing.use_world_frame = False, True
assert gym.create_asset_force_sensor(robot, 3, gymapi.Transform(), sensing) == 0
assert gym.get_asset_force_sensor_count(robot) == 1

# environments ---------------------------------------------------------------------------------------------------------
start = [gymapi.Transform(gymapi.Vec3(x, 0.0, z)) for x, z in ((0.0, 0.45), (1.0, 0.1), (1.5, 0.1), (2.0, 0.05))]
start[3].r = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 1, 0), 0.0)
envs, cameras = [], []
for i in range(ENVS):
    env = gym.create_env(sim, gymapi.Vec3(0, 0, 0), gymapi.Vec3(0, 0, 0), 2)
    assert gym.begin_aggregate(env, 10, 10, True)
    actors = [
        gym.create_actor(env, asset, pose, name, i, 0, segmentationId=k + 1)
        for k, (asset, pose, name) in enumerate(zip((robot, box, ball, pill), start, ("robot", "box", "ball", "pill")))
    ]
    assert gym.end_aggregate(env) and actors == [0, 1, 2, 3]
    dofs = gym.get_actor_dof_properties(env, 0)
    dofs["driveMode"], dofs["stiffness"], dofs["damping"] = gymapi.DOF_MODE_POS, 60.0, 2.0
    dofs["driveMode"][3], dofs["damping"][3] = gymapi.DOF_MODE_VEL, 5.0
    assert gym.set_actor_dof_properties(env, 0, dofs) and gym.enable_actor_dof_force_sensors(env, 0)
    gym.set_rigid_body_color(env, 1, 0, gymapi.MESH_VISUAL_AND_COLLISION, gymapi.Vec3(1, 0, 0))
    assert gym.get_rigid_body_color(env, 1, 0, gymapi.MESH_VISUAL).x == 1.0
    gym.set_rigid_body_segmentation_id(env, 1, 0, 7)
    gym.set_rigid_body_texture(env, 1, 0, gymapi.MESH_VISUAL, gym.create_texture_from_file(sim, "none.png"))
    seen = gymapi.CameraProperties()
    seen.width, seen.height, seen.enable_tensors = 16, 12, True
    cameras.append([gym.create_camera_sensor(env, seen) for _ in range(3)])
    envs.append(env)
assert gym.set_actor_scale(envs[0], 3, 1.0) and gym.get_actor_scale(envs[0], 3) == 1.0
gym.set_light_parameters(sim, 0, gymapi.Vec3(1, 1, 1), gymapi.Vec3(1, 1, 1), gymapi.Vec3(0, 0, 1))
assert gym.prepare_sim(sim)

# who is who -----------------------------------------------------------------------------------------------------------
last = envs[1]
assert gym.get_env_count(sim) == ENVS and gym.get_env(sim, 1) is last and gym.get_env_origin(last).x == 0.0
assert gym.get_actor_count(last) == 4 and gym.get_sim_actor_count(sim) == 8
assert [gym.get_actor_name(last, gym.get_actor_handle(last, k)) for k in range(4)] == ["robot", "box", "ball", "pill"]
assert gym.find_actor_handle(last, "ball") == 2 and gym.get_actor_asset(last, 0) is not None
assert gym.get_actor_index(last, 1, gymapi.DOMAIN_SIM) == 5 and gym.get_actor_index(last, 1, gymapi.DOMAIN_ENV) == 1
assert (gym.get_actor_dof_count(last, 0), gym.get_env_dof_count(last), gym.get_sim_dof_count(sim)) == (4, 4, 8)
assert (gym.get_actor_rigid_body_count(last, 0), gym.get_env_rigid_body_count(last)) == (7, 10)
assert gym.get_sim_rigid_body_count(sim) == 20 and gym.get_sim_force_sensor_count(sim) == ENVS
assert gym.get_actor_dof_names(last, 0) == names == list(gym.get_actor_dof_dict(last, 0))
assert gym.get_actor_rigid_body_names(last, 0) == bodies == list(gym.get_actor_rigid_body_dict(last, 0))
assert gym.find_actor_dof_handle(last, 0, "right_hip") == gym.get_actor_dof_handle(last, 0, 2) == 2
assert gym.find_actor_dof_index(last, 0, "right_hip", gymapi.DOMAIN_SIM) == 6
assert gym.get_actor_dof_index(last, 0, 2, gymapi.DOMAIN_ACTOR) == 2
assert gym.find_actor_rigid_body_handle(last, 1, "box") in (-1, 7)
assert gym.get_actor_root_rigid_body_handle(last, 1) == gym.get_actor_rigid_body_handle(last, 1, 0) == 7
assert gym.find_actor_rigid_body_index(last, 0, "left_foot", gymapi.DOMAIN_SIM) == 13
assert gym.get_actor_rigid_body_index(last, 0, 3, gymapi.DOMAIN_ENV) == 3
assert gym.get_actor_rigid_shape_count(last, 0) == len(gym.get_actor_rigid_body_shape_indices(last, 0)) == 7
assert gym.get_actor_joint_count(last, 0) == len(gym.get_actor_joint_names(last, 0))
assert gym.get_sim_joint_count(sim) >= 8 and gym.get_actor_force_sensor_count(last, 0) == 1
assert gym.get_actor_soft_body_count(last, 0) == gym.get_actor_tendon_count(last, 0) == 0
assert gym.get_actor_actuator_count(last, 0) == len(gym.get_actor_actuator_properties(last, 0)) == 0

# states and drives ----------------------------------------------------------------------------------------------------
roots, dofs = wrapped("actor_root_state"), wrapped("dof_state").view(ENVS, ROBOT_DOFS, 2)
states, contacts = wrapped("rigid_body_state").view(ENVS, 10, 13), wrapped("net_contact_force").view(ENVS, 10, 3)
torques, forces = wrapped("dof_force"), wrapped("force_sensor")
jacobian, inertia = wrapped("jacobian", "robot"), wrapped("mass_matrix", "robot")


def refresh():
    for name in ("actor_root_state", "dof_state", "rigid_body_state", "net_contact_force", "dof_force", "force_sensor"):
        getattr(gym, f"refresh_{name}_tensor")(sim)
    gym.refresh_jacobian_tensors(sim)
    gym.refresh_mass_matrix_tensors(sim)


robots = torch.tensor([0, 4], dtype=torch.int32)
target = torch.tensor([0.1, -0.2, 0.1, 0.0]).repeat(ENVS)
assert gym.set_dof_position_target_tensor(sim, raw(target))
assert gym.set_dof_position_target_tensor_indexed(sim, raw(target), raw(robots), 2)
assert gym.set_dof_velocity_target_tensor(sim, raw(torch.zeros(8)))
assert gym.set_dof_velocity_target_tensor_indexed(sim, raw(torch.zeros(8)), raw(robots), 2)
assert gym.set_dof_actuation_force_tensor_indexed(sim, raw(torch.zeros(8)), raw(robots), 2)
for _ in range(40):
    gym.simulate(sim)
    gym.fetch_results(sim, True)
refresh()
assert all(
    torch.isfinite(tensor).all() for tensor in (roots, dofs, states, contacts, torques, forces, jacobian, inertia)
)
torch.testing.assert_close(contacts[:, 7, 2], torch.full((2,), 8.0 * 9.81), rtol=0.05, atol=0.0)  # the box's weight
torch.testing.assert_close(forces[:, 2], contacts[:, 3, 2], rtol=0.2, atol=0.0)
torch.testing.assert_close(states[:, 0], roots.view(ENVS, 4, 13)[:, 0])
assert (inertia.transpose(1, 2) - inertia).abs().max() < 1e-4 and jacobian.shape[:3] == (ENVS, 7, 6)
assert abs(gym.get_sim_time(sim) - 0.2) < 1e-6 and gym.get_frame_count(sim) == 40 and gym.get_elapsed_time(sim) > 0.0
dofs[..., 0], dofs[..., 1] = 0.1, 0.0
assert gym.set_dof_state_tensor(sim, raw(dofs))
gym.refresh_dof_state_tensor(sim)
assert (dofs[..., 0] - 0.1).abs().max() < 1e-6

# pushes, gravity, properties ------------------------------------------------------------------------------------------
push = torch.zeros(ENVS * 10, 3)
push[8::10, 0] = 50.0  # the ball
places = states[..., :3].reshape(-1, 3).clone()
before = roots.view(ENVS, 4, 13)[:, 2, 7].clone()
for space in (gymapi.ENV_SPACE, gymapi.LOCAL_SPACE, gymapi.GLOBAL_SPACE):
    assert gym.apply_rigid_body_force_tensors(sim, forceTensor=raw(push), torqueTensor=None, space=space)
    assert gym.apply_rigid_body_force_at_pos_tensors(sim, raw(push), raw(places), gymapi.ENV_SPACE)
    gym.simulate(sim)
refresh()
assert (roots.view(ENVS, 4, 13)[:, 2, 7] > before).all()
shapes = gym.get_actor_rigid_shape_properties(last, 1)
shapes[0].friction = torch.tensor([[0.3]])
assert gym.set_actor_rigid_shape_properties(last, 1, shapes)
assert abs(gym.get_actor_rigid_shape_properties(last, 1)[0].friction - 0.3) < 1e-6
params = gym.get_sim_params(sim)
params.gravity = gymapi.Vec3(0.0, 0.0, 0.0)
gym.set_sim_params(sim, params)
pushed = roots.view(ENVS, 4, 13)
pushed[:, 1, :3] = torch.tensor([1.0, 0.0, 1.0])
pushed[:, 1, 7:] = 0.0
boxes = torch.tensor([1, 5], dtype=torch.int32)
assert gym.set_actor_root_state_tensor_indexed(sim, raw(roots), raw(boxes), 2)
gym.simulate(sim)
refresh()
assert (pushed[:, 1, 2] - 1.0).abs().max() < 1e-6  # nothing pulls

# cameras --------------------------------------------------------------------------------------------------------------
for env, (down, carried, other) in zip(envs, cameras):
    pose = gymapi.Transform(gymapi.Vec3(-2.0, 0.0, 1.5), gymapi.Quat.from_euler_zyx(0, np.pi / 2, 0))
    gym.set_camera_transform(down, env, pose)
    gym.attach_camera_to_body(carried, env, 7, gymapi.Transform(gymapi.Vec3(0, 0, 1)), gymapi.FOLLOW_TRANSFORM)
    gym.set_camera_location(other, env, gymapi.Vec3(3, 2, 1), gymapi.Vec3(0, 0, 0))
gym.step_graphics(sim)
gym.render_all_camera_sensors(sim)
gym.start_access_image_tensors(sim)
depth = gymtorch.wrap_tensor(gym.get_camera_image_gpu_tensor(sim, last, cameras[1][0], gymapi.IMAGE_DEPTH))
gym.end_access_image_tensors(sim)
torch.testing.assert_close(depth, torch.full((12, 16), -1.5), rtol=0.01, atol=0.0)
colour = gym.get_camera_image(sim, last, cameras[1][2], gymapi.IMAGE_COLOR)
assert colour.reshape(12, 16, 4).dtype == np.uint8
assert gym.get_camera_view_matrix(sim, last, cameras[1][0]).shape == (4, 4)
assert gym.get_camera_proj_matrix(sim, last, cameras[1][0]).shape == (4, 4)
assert abs(gym.get_camera_transform(sim, last, cameras[1][0]).p.z - 1.5) < 1e-6
gym.write_camera_image_to_file(sim, last, cameras[1][2], gymapi.IMAGE_COLOR, "seen.png")
gym.destroy_camera_sensor(sim, last, cameras[1][2])

# a viewer that shows nothing ------------------------------------------------------------------------------------------
viewer = gym.create_viewer(sim, gymapi.CameraProperties())
gym.subscribe_viewer_mouse_event(viewer, gymapi.MOUSE_LEFT_BUTTON, "click")
gym.viewer_camera_look_at(viewer, last, gymapi.Vec3(1, 0, 1), gymapi.Vec3(0, 0, 0))
assert gym.get_viewer_camera_transform(viewer, last) is not None and gym.get_viewer_camera_handle(viewer) is not None
assert gym.get_viewer_size(viewer) is not None and gym.get_viewer_mouse_position(viewer) is not None
gym.add_lines(viewer, last, 1, np.zeros((2, 3), dtype=np.float32), np.zeros((1, 3), dtype=np.float32))
gym.draw_env_rigid_contacts(viewer, last, gymapi.Vec3(1, 0, 0), 0.1, True)
gym.write_viewer_image_to_file(viewer, "viewed.png")
gym.destroy_viewer(viewer)
gym.destroy_sim(sim)
print("all is well")
