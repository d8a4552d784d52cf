import inspect

from isaacgym import gymapi, gymutil


def get_args():
    parameters = [
        {"name": "--task", "type": str, "default": "stroller_flat", "help": "what to learn"},
        {"name": "--headless", "action": "store_true", "default": False, "help": "no viewer"},
        {"name": "--rl_device", "type": str, "default": "cuda:0", "help": "of the policy"},
        {"name": "--num_envs", "type": int, "help": "robots"},
        {"name": "--max_iterations", "type": int, "default": 3, "help": "updates"},
    ]
    args = gymutil.parse_arguments(description="Strollers", custom_parameters=parameters)
    args.sim_device = args.sim_device_type
    if args.sim_device == "cuda":
        args.sim_device += f":{args.compute_device_id}"
    return args


def to_dict(section):
    values = {}
    for name in dir(section):
        value = getattr(section, name)
        if not name.startswith("_"):
            values[name] = to_dict(value) if inspect.isclass(value) else value
    return values


class TaskRegistry:
    def __init__(self):
        self.task_classes, self.env_cfgs, self.train_cfgs = {}, {}, {}

    def register(self, name, task_class, env_cfg, train_cfg):
        self.task_classes[name], self.env_cfgs[name], self.train_cfgs[name] = task_class, env_cfg, train_cfg

    def make_env(self, args):
        cfg = self.env_cfgs[args.task]
        if args.num_envs is not None:
            cfg.env.num_envs = args.num_envs
        params = gymapi.SimParams()
        params.use_gpu_pipeline = args.use_gpu_pipeline
        params.physx.use_gpu, params.physx.num_subscenes = args.use_gpu, args.subscenes
        gymutil.parse_sim_config(to_dict(cfg.sim), params)
        return self.task_classes[args.task](cfg, params, args.physics_engine, args.sim_device, args.headless)


task_registry = TaskRegistry()
