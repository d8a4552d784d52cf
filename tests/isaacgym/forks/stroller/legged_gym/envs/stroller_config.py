class StrollerFlatCfg:
    class env:
        num_envs = 8
        num_observations = 24
        num_privileged_obs = None
        num_actions = 4
        episode_length_s = 0.5

    class terrain:
        mesh_type = "plane"
        static_friction = 1.0

    class init_state:
        pos = [0.0, 0.0, 0.42]
        default_joint_angles = {"left_hip": 0.1, "left_knee": -0.2, "right_hip": 0.1, "right_knee": -0.2}

    class control:
        stiffness = {"hip": 40.0, "knee": 30.0}
        damping = {"hip": 1.0, "knee": 0.5}
        action_scale = 0.25
        decimation = 4

    class asset:
        file = "{LEGGED_GYM_ROOT_DIR}/resources/stroller.urdf"
        foot_name = "foot"
        terminate_after_contacts_on = ["trunk"]
        thickness = 0.01

    class rewards:
        class scales:
            orientation = -1.0
            upright = 1.0

    class domain_rand:
        friction_range = [0.5, 1.25]
        push_interval = 10

    class sim:
        dt = 0.005
        substeps = 1
        gravity = [0.0, 0.0, -9.81]
        up_axis = 1

        class physx:
            num_threads = 4
            contact_collection = 2


class StrollerRoughCfg(StrollerFlatCfg):
    class terrain(StrollerFlatCfg.terrain):
        mesh_type = "trimesh"


class StrollerPPO:
    seed = 3

    class runner:
        experiment_name = "strollers"
