"""Times depth cameras: the sensor, the simulator's rays, and MuJoCo's own rays, on the same pictures in one run.

    python benchmarks/depth_camera.py [--envs 64] [--rounds 5] [--engine-images 1] [--json result.json]

The ground is a map of 20 x 10 tiles of 8 m with cells of 0.05 m: 3300 x 1700 vertices, stairs, blocks and slopes as the
default of rough terrain has them. Robots stand all over it, each turned its own way; every one of them takes a picture
with the camera of the default config: 58 x 87 pixels, up to 2 m away.

What is timed, in turn within each round, so that a change in the clock of the CPU meets all of it:

- sensor: `DepthCamera.update` with every frame due, poses and directions of rays, faults and latency buffer included;
- rays: `Simulator.cast_rays` for the same rays, no farther than the camera sees;
- engine: `mujoco.batch.Batch.ray` for the same rays of the first few robots, on as many threads. It has no limit of
  distance and tests every cell of the rectangle that a ray spans, so a ray towards the horizon takes long.

Rates are medians over the rounds, by the clock and, on one thread, by the time of the CPU, which other programs do not
disturb; the ratios are of the latter where it is known.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs.a1.a1_config import A1RoughCfg
from legged_gym.envs.base.world import sim_spec
from legged_gym.rotations import quat_from_euler
from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sim.factory import make_simulator
from legged_gym.terrain import Terrain
from legged_gym.utils import reports

POLICY_STEP = 0.02


class RaysSeen:
    """Stands between a camera and its simulator, and remembers the last rays."""

    def __init__(self, sim: Any) -> None:
        self.device, self.root_states, self._sim = sim.device, sim.root_states, sim
        self.last: Tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))

    def cast_rays(self, origins: Tensor, directions: Tensor, *rest: Any) -> Tensor:
        """See `Simulator.cast_rays`."""
        self.last = origins, directions
        return self._sim.cast_rays(origins, directions, *rest)


def make_world(envs: int, threads: int, sim: str) -> Any:
    """A simulator with robots all over the map."""
    cfg = A1RoughCfg()
    cfg.sim.num_threads = threads
    terrain = cfg.terrain
    terrain.num_rows, terrain.num_cols = 20, 10
    terrain.horizontal_scale, terrain.border_size = 0.05, 2.5
    ground = Terrain(terrain, 1)
    simulator = make_simulator(sim_spec(cfg, ground.height_map), envs, sim)
    generator = torch.Generator().manual_seed(1)
    tile = torch.randint(200, (envs,), generator=generator)
    place = torch.as_tensor(ground.env_origins).reshape(-1, 3)[tile]
    states = torch.zeros(envs, 13)
    states[:, :2] = place[:, :2] + 6.0 * torch.rand(envs, 2, generator=generator) - 3.0
    cells = ((states[:, :2] + ground.border_size) / ground.horizontal_scale).round().long().numpy()
    states[:, 2] = torch.as_tensor(ground.heights[cells[:, 0], cells[:, 1]]) + 0.3
    tilt = 0.15 * torch.randn(2, envs, generator=generator)
    yaw = 2.0 * math.pi * torch.rand(envs, generator=generator)
    states[:, 3:7] = quat_from_euler(tilt[0], tilt[1], yaw)
    simulator.set_root_states(torch.arange(envs, device=simulator.device), states.to(simulator.device))
    return simulator


def seconds(work: Callable[[], Any], device: torch.device) -> Tuple[float, float]:
    """Time that one call takes, by the clock and by the CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, time.process_time() - cpu


def measure(sim: Any, envs: int, rounds: int, engine_images: int, cpu_clock: bool) -> Dict[str, Any]:
    """Time the three in turn, in a world of `make_world`."""
    seen = RaysSeen(sim)
    cfg = A1RoughCfg().depth_camera
    cfg.period, cfg.period_jitter = POLICY_STEP, 0.0  # a frame at every step
    generator = torch.Generator(device=sim.device).manual_seed(1)
    camera = DepthCamera(cfg, seen, envs, POLICY_STEP, generator)  # type: ignore[arg-type]
    every = torch.arange(envs, device=sim.device)
    camera.reset(every)
    camera.update(sim.root_states)
    origins, directions = seen.last
    # the camera casts for parts of the robots if they are many; those of the last part are timed here
    ids = every[-len(origins) :]
    jobs: Dict[str, Tuple[Callable[[], Any], int]] = {
        "sensor": (lambda: camera.update(sim.root_states), envs),
        "rays": (lambda: sim.cast_rays(origins, directions, ids, max_distance=cfg.far), len(origins)),
    }
    some = min(engine_images, len(origins))
    if some:
        rays, first = (origins[:some].double().numpy(), directions[:some].double().numpy()), ids[:some].numpy()
        groups = np.array([1, 1, 0, 0, 0, 0], np.uint8)  # ground and obstacles
        jobs["engine"] = (lambda: sim.batch.ray(*rays, geomgroup=groups, ids=first), some)
    times: Dict[str, List[Tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (work, _) in jobs.items():
            times[name].append(seconds(work, sim.device))
    field = sim.robot.model
    return {
        "map": [int(field.hfield_ncol[0]), int(field.hfield_nrow[0])],
        "pixels": camera.shape[1] * camera.shape[2],
        "envs": envs,
        "seen_share": round(float((camera.images < 0.5).float().mean()), 3),
        **rates(times, {name: count for name, (_, count) in jobs.items()}, camera, cpu_clock),
    }


def rates(
    times: Dict[str, List[Tuple[float, float]]], images: Dict[str, int], camera: DepthCamera, cpu_clock: bool
) -> Dict[str, Any]:
    """From times of rounds to images and rays a second."""
    clocks = {"second": 0, "cpu_second": 1} if cpu_clock else {"second": 0}
    result: Dict[str, Any] = {}
    for unit, column in clocks.items():
        rate = {name: images[name] / statistics.median(t[column] for t in rounds) for name, rounds in times.items()}
        pixels = camera.shape[1] * camera.shape[2]
        result[f"images_per_{unit}"] = {name: round(value, 2) for name, value in rate.items()}
        result[f"rays_per_{unit}"] = {name: round(value * pixels) for name, value in rate.items()}
        result.update({f"sensor_to_{name}": round(rate["sensor"] / rate[name], 3) for name in rate if name != "sensor"})
    return result


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=64, help="robots with a camera (64)")
    parser.add_argument("--rounds", type=int, default=5, help="(5)")
    parser.add_argument("--engine-images", type=int, default=1, help="images that MuJoCo's own rays make a round (1)")
    parser.add_argument("--threads", type=int, default=1, help="of the simulator and of torch (1)")
    parser.add_argument("--sim", choices=["mujoco", "mujoco_warp"], default="mujoco")
    parser.add_argument("--json", metavar="FILE", help="also write the result to FILE")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    on_cpu = args.sim == "mujoco"
    sim = make_world(args.envs, args.threads, args.sim)
    found = measure(sim, args.envs, args.rounds, args.engine_images if on_cpu else 0, on_cpu and args.threads == 1)
    content = {"kind": "depth_camera", "sim": args.sim, "threads": args.threads, **found}
    content.update(reports.origin(__file__, sys.argv[1:]))
    result = json.dumps(content, indent=2)
    print(result)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            file.write(result + "\n")


if __name__ == "__main__":
    main()
