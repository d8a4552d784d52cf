from legged_gym.envs.stroller import Stroller
from legged_gym.envs.stroller_config import StrollerFlatCfg, StrollerPPO, StrollerRoughCfg
from legged_gym.utils.task_registry import task_registry

task_registry.register("stroller_flat", Stroller, StrollerFlatCfg(), StrollerPPO())
task_registry.register("stroller_rough", Stroller, StrollerRoughCfg(), StrollerPPO())
