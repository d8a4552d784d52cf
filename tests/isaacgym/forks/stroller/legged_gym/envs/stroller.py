import os

from isaacgym import gymapi, gymtorch, gymutil, terrain_utils
from isaacgym.torch_utils import *  # noqa: F403 - as forks do; `np` and `torch` come with it

from legged_gym import LEGGED_GYM_ROOT_DIR

# ruff: noqa: F405


@torch.jit.script
def heading_of(quats: torch.Tensor):
    forward = quat_apply(quats, torch.tensor([1.0, 0.0, 0.0]).repeat(quats.shape[0], 1))
    return normalize_angle(torch.atan2(forward[:, 1], forward[:, 0]))


class Stroller:
    def __init__(self, cfg, sim_params, physics_engine, sim_device, headless):
        self.cfg, self.headless, self.sim_params = cfg, headless, sim_params
        self.gym = gymapi.acquire_gym()
        kind, number = gymutil.parse_device_str(sim_device)
        self.device = sim_device if kind == "cuda" and sim_params.use_gpu_pipeline else "cpu"
        self.num_envs, self.num_obs = cfg.env.num_envs, cfg.env.num_observations
        self.num_actions = cfg.env.num_actions
        self.dt = cfg.control.decimation * sim_params.dt
        self.max_episode_length = np.ceil(cfg.env.episode_length_s / self.dt)
        torch._C._jit_set_profiling_mode(False)
        self.sim = self.gym.create_sim(number, -1 if headless else number, physics_engine, sim_params)
        self._create_ground()
        self._create_envs()
        self.gym.prepare_sim(self.sim)
        self.viewer = None
        if not headless:
            self.viewer = self.gym.create_viewer(self.sim, gymapi.CameraProperties())
            self.gym.subscribe_viewer_keyboard_event(self.viewer, gymapi.KEY_ESCAPE, "QUIT")
            self.gym.viewer_camera_look_at(self.viewer, None, gymapi.Vec3(2, 0, 1), gymapi.Vec3(0, 0, 0.4))
        self._init_buffers()

    def _create_ground(self):
        ground = self.cfg.terrain
        if ground.mesh_type == "plane":
            plane = gymapi.PlaneParams()
            plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
            plane.static_friction = plane.dynamic_friction = ground.static_friction
            self.gym.add_ground(self.sim, plane)
            return
        piece = terrain_utils.SubTerrain("ground", width=80, length=60, vertical_scale=0.005, horizontal_scale=0.1)
        terrain_utils.random_uniform_terrain(piece, -0.02, 0.02, step=0.005, downsampled_scale=0.2)
        vertices, triangles = terrain_utils.convert_heightfield_to_trimesh(piece.height_field_raw, 0.1, 0.005, 0.75)
        mesh = gymapi.TriangleMeshParams()
        mesh.nb_vertices, mesh.nb_triangles = vertices.shape[0], triangles.shape[0]
        mesh.transform.p.x = mesh.transform.p.y = -2.0
        mesh.static_friction = ground.static_friction
        self.gym.add_triangle_mesh(self.sim, vertices.flatten(order="C"), triangles.flatten(order="C"), mesh)

    def _create_envs(self):
        path = self.cfg.asset.file.format(LEGGED_GYM_ROOT_DIR=LEGGED_GYM_ROOT_DIR)
        options = gymapi.AssetOptions()
        options.default_dof_drive_mode = int(gymapi.DOF_MODE_EFFORT)
        options.collapse_fixed_joints, options.density, options.thickness = True, 0.001, self.cfg.asset.thickness
        asset = self.gym.load_asset(self.sim, os.path.dirname(path), os.path.basename(path), options)
        self.num_dof = self.gym.get_asset_dof_count(asset)
        self.dof_names, names = self.gym.get_asset_dof_names(asset), self.gym.get_asset_rigid_body_names(asset)
        assert self.gym.get_asset_rigid_body_count(asset) == len(names)
        dofs, shapes = self.gym.get_asset_dof_properties(asset), self.gym.get_asset_rigid_shape_properties(asset)
        start = gymapi.Transform()
        frictions = torch_rand_float(*self.cfg.domain_rand.friction_range, (64, 1), device="cpu")
        self.envs, self.actors = [], []
        self.origins = torch.zeros(self.num_envs, 3, device=self.device)
        for i in range(self.num_envs):
            env = self.gym.create_env(self.sim, gymapi.Vec3(0, 0, 0), gymapi.Vec3(0, 0, 0), int(self.num_envs**0.5))
            self.origins[i, :2] = torch.tensor([0.7 * (i % 4), 0.7 * (i // 4)])
            start.p = gymapi.Vec3(*(self.origins[i] + to_torch(self.cfg.init_state.pos, device=self.device)))
            for shape in shapes:
                shape.friction = frictions[i % 64]
            self.gym.set_asset_rigid_shape_properties(asset, shapes)
            actor = self.gym.create_actor(env, asset, start, "stroller", i, 0, 0)
            self.gym.set_actor_dof_properties(env, actor, dofs)
            bodies = self.gym.get_actor_rigid_body_properties(env, actor)
            bodies[0].mass += np.random.uniform(-0.5, 0.5, size=(1,))
            bodies[0].com += gymapi.Vec3(0.01, 0.0, 0.0)
            self.gym.set_actor_rigid_body_properties(env, actor, bodies, recomputeInertia=True)
            self.envs.append(env)
            self.actors.append(actor)
        find = self.gym.find_actor_rigid_body_handle
        self.feet = torch.tensor(
            [find(self.envs[0], self.actors[0], name) for name in names if self.cfg.asset.foot_name in name]
        )
        self.ends = torch.tensor([find(self.envs[0], self.actors[0], name) for name in
                                  self.cfg.asset.terminate_after_contacts_on])  # fmt: skip

    def _init_buffers(self):
        gym, sim, device = self.gym, self.sim, self.device
        roots, dofs = gym.acquire_actor_root_state_tensor(sim), gym.acquire_dof_state_tensor(sim)
        contacts, bodies = gym.acquire_net_contact_force_tensor(sim), gym.acquire_rigid_body_state_tensor(sim)
        self._refresh()
        self.root_states = gymtorch.wrap_tensor(roots)
        self.dof_state = gymtorch.wrap_tensor(dofs)
        self.dof_pos = self.dof_state.view(self.num_envs, self.num_dof, 2)[..., 0]
        self.dof_vel = self.dof_state.view(self.num_envs, self.num_dof, 2)[..., 1]
        self.base_quat = self.root_states[:, 3:7]
        self.contact_forces = gymtorch.wrap_tensor(contacts).view(self.num_envs, -1, 3)
        self.bodies = gymtorch.wrap_tensor(bodies).view(self.num_envs, -1, 13)
        self.gravity = to_torch(get_axis_params(-1.0, 2), device=device).repeat((self.num_envs, 1))
        angles = self.cfg.init_state.default_joint_angles
        self.default_dof_pos = torch.tensor([angles[name] for name in self.dof_names], device=device)

        def gains(table):
            return torch.tensor([next(v for k, v in table.items() if k in n) for n in self.dof_names], device=device)

        self.p_gains, self.d_gains = gains(self.cfg.control.stiffness), gains(self.cfg.control.damping)
        self.actions = torch.zeros(self.num_envs, self.num_actions, device=device)
        self.reset_buf = torch.ones(self.num_envs, device=device, dtype=torch.long)
        self.episode_length_buf = torch.zeros(self.num_envs, device=device, dtype=torch.long)
        self.extras, self.common_step = {}, 0

    def _refresh(self):
        for refresh in (self.gym.refresh_actor_root_state_tensor, self.gym.refresh_dof_state_tensor):
            refresh(self.sim)
        self.gym.refresh_net_contact_force_tensor(self.sim)
        self.gym.refresh_rigid_body_state_tensor(self.sim)

    def get_observations(self):
        return self.obs_buf

    def reset(self):
        self.reset_idx(torch.arange(self.num_envs, device=self.device))
        return self.step(torch.zeros(self.num_envs, self.num_actions, device=self.device))[:2]

    def step(self, actions):
        self.actions = torch.clip(actions, -5.0, 5.0).to(self.device)
        self.render()
        for _ in range(self.cfg.control.decimation):
            target = self.cfg.control.action_scale * self.actions + self.default_dof_pos
            torques = self.p_gains * (target - self.dof_pos) - self.d_gains * self.dof_vel
            self.gym.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(torques))
            self.gym.simulate(self.sim)
            if self.device == "cpu":
                self.gym.fetch_results(self.sim, True)
            self.gym.refresh_dof_state_tensor(self.sim)
        self._refresh()
        self.episode_length_buf += 1
        self.common_step += 1
        if self.common_step % self.cfg.domain_rand.push_interval == 0:
            self.root_states[:, 7:9] = torch_rand_float(-0.2, 0.2, (self.num_envs, 2), device=self.device)
            self.gym.set_actor_root_state_tensor(self.sim, gymtorch.unwrap_tensor(self.root_states))
        up = quat_rotate_inverse(self.base_quat, self.gravity)
        fallen = torch.any(torch.norm(self.contact_forces[:, self.ends, :], dim=-1) > 1.0, dim=1)
        self.time_outs = self.episode_length_buf > self.max_episode_length
        self.reset_buf = (fallen | self.time_outs).long()
        rewards = self.cfg.rewards.scales.upright - torch.sum(torch.square(up[:, :2]), dim=1)
        self.extras["time_outs"] = self.time_outs
        self.extras["episode_length"] = self.episode_length_buf.float().mean().item()
        self.reset_idx(self.reset_buf.nonzero(as_tuple=False).flatten())
        contacts = (self.contact_forces[:, self.feet, 2] > 1.0).float()
        self.obs_buf = torch.cat(
            (
                quat_rotate_inverse(self.base_quat, self.root_states[:, 7:10]), up, self.dof_pos - self.default_dof_pos,
                self.dof_vel, self.actions, contacts, heading_of(self.base_quat)[:, None],
                self.bodies[:, self.feet, 2], self.root_states[:, 2:3],
            ),
            dim=-1,
        )  # fmt: skip
        return self.obs_buf, None, rewards, self.reset_buf, self.extras

    def reset_idx(self, env_ids):
        if len(env_ids) == 0:
            return
        self.dof_pos[env_ids] = self.default_dof_pos * torch_rand_float(
            0.5, 1.5, (len(env_ids), self.num_dof), device=self.device
        )
        self.dof_vel[env_ids] = 0.0
        self.root_states[env_ids, :3] = self.origins[env_ids] + to_torch(self.cfg.init_state.pos, device=self.device)
        self.root_states[env_ids, 3:7] = to_torch([0.0, 0.0, 0.0, 1.0], device=self.device)
        self.root_states[env_ids, 7:] = 0.0
        ids = env_ids.to(dtype=torch.int32)
        self.gym.set_dof_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.dof_state), gymtorch.unwrap_tensor(ids), len(ids)
        )
        self.gym.set_actor_root_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.root_states), gymtorch.unwrap_tensor(ids), len(ids)
        )
        self.episode_length_buf[env_ids] = 0

    def render(self):
        if self.viewer is None:
            return
        if self.gym.query_viewer_has_closed(self.viewer):
            raise SystemExit
        assert self.gym.query_viewer_action_events(self.viewer) == []
        self.gym.step_graphics(self.sim)
        self.gym.draw_viewer(self.viewer, self.sim, True)
        self.gym.sync_frame_time(self.sim)
        self.gym.poll_viewer_events(self.viewer)
        self.gym.clear_lines(self.viewer)
        ball = gymutil.WireframeSphereGeometry(0.02, 4, 4, None, color=(1, 1, 0))
        pose = gymapi.Transform(gymapi.Vec3(*self.root_states[0, :3]), r=None)
        gymutil.draw_lines(ball, self.gym, self.viewer, self.envs[0], pose)
