"""Times the API of Isaac Gym against the seam: the same A1, the same torques, one sub-step a call.

    python benchmarks/isaacgym.py [--envs 512] [--rounds 10] [--threads 1]

In turn within each round, so that a change in the clock of the CPU meets both: through the seam, PD torques from the
state and `Simulator.step_torques`; through the API, the same torques, `set_dof_actuation_force_tensor`, `simulate` and
`refresh_dof_state_tensor` each sub-step, and all other tensors once in four. Times are medians over the rounds, of the
CPU where one thread works, which other programs do not disturb.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any, Callable, List, Tuple

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.isaacgym import gymapi, gymtorch
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.spec import SimSpec, Solver

ROBOT = os.path.join(os.path.dirname(__file__), "..", "resources", "robots", "a1", "urdf", "a1.urdf")
POSE = torch.tensor([0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5])
HEIGHT, SUBSTEPS, DECIMATION = 0.32, 100, 4
KP, KD = 40.0, 1.0


def seam(count: int, threads: int) -> Tuple[Callable[[], None], Callable[[], None]]:
    """A function that puts robots on their feet, and one that lets them stand for half a second."""
    spec = SimSpec(
        ROBOT, foot_name="foot", position_control=False, num_threads=threads, solver=Solver(integrator="implicitfast")
    )
    sim, every = make_simulator(spec, count, "mujoco"), torch.arange(count)
    upright = torch.tensor([[0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0, 1.0] + [0.0] * 6]).repeat(count, 1)

    def begin() -> None:
        sim.reset(every)
        sim.set_root_states(every, upright)
        sim.set_dof_states(every, POSE.repeat(count, 1), torch.zeros(count, 12))

    def stand() -> None:
        for _ in range(SUBSTEPS):
            sim.step_torques(KP * (POSE - sim.dof_pos) - KD * sim.dof_vel)

    return begin, stand


def api(count: int) -> Tuple[Callable[[], None], Callable[[], None]]:
    """The same through the API."""
    gym, params = gymapi.acquire_gym(), gymapi.SimParams()
    params.dt, params.substeps, params.up_axis, params.gravity = 0.005, 1, gymapi.UP_AXIS_Z, gymapi.Vec3(0, 0, -9.81)
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
    plane = gymapi.PlaneParams()
    plane.normal = gymapi.Vec3(0, 0, 1)
    gym.add_ground(sim, plane)
    options = gymapi.AssetOptions(collapse_fixed_joints=True, density=0.001, default_dof_drive_mode=3)
    asset = gym.load_asset(sim, os.path.dirname(ROBOT), os.path.basename(ROBOT), options)
    nowhere, pose = gymapi.Vec3(), gymapi.Transform(gymapi.Vec3(0, 0, HEIGHT))
    for number in range(count):
        gym.create_actor(gym.create_env(sim, nowhere, nowhere, 1), asset, pose, "a1", number, 0)
    gym.prepare_sim(sim)
    root = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
    dof = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
    upright, joints = root.clone(), torch.stack((POSE, torch.zeros(12)), 1).repeat(count, 1)
    q, qd = dof.view(count, 12, 2).unbind(-1)

    def begin() -> None:
        gym.set_actor_root_state_tensor(sim, upright)
        gym.set_dof_state_tensor(sim, joints)
        gym.refresh_dof_state_tensor(sim)

    def stand() -> None:
        for step in range(SUBSTEPS):
            torques = KP * (POSE - q) - KD * qd
            gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(torques))
            gym.simulate(sim)
            gym.fetch_results(sim, True)
            gym.refresh_dof_state_tensor(sim)
            if step % DECIMATION == DECIMATION - 1:
                gym.refresh_actor_root_state_tensor(sim)
                gym.refresh_net_contact_force_tensor(sim)

    return begin, stand


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    clock = time.process_time if args.threads == 1 else time.perf_counter
    torch.set_num_threads(args.threads)
    if hasattr(os, "sched_setaffinity"):  # the API takes all CPUs of the process
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    jobs: List[Any] = [seam(args.envs, args.threads), api(args.envs)]
    times: List[List[float]] = [[], []]
    for _ in range(args.rounds):
        for (begin, stand), own in zip(jobs, times):
            begin()
            before = clock()
            stand()
            own.append((clock() - before) / SUBSTEPS)
    one, two = (statistics.median(own) for own in times)
    print(f"{args.envs} A1, {args.threads} threads: seam {1e3 * one:.2f} ms a sub-step, API {1e3 * two:.2f} ms")
    print(f"overhead of the API {100 * (two / one - 1):+.1f} % of the seam's step")


if __name__ == "__main__":
    main()
