"""MuJoCo Warp repeats bit for bit under `deterministic`, in whatever order contacts and constraint rows come.

A GPU lets threads come in any order. Warp's CPU device does not, so the tests shuffle what the engine has made, before
it is put in order, as a GPU may: contacts all together, rows of a world by the joint or contact that they belong to,
among those of the same kind.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.terrain.heightfield import HeightField
from tests.sim.worlds import A1_POSE, a1_cfg, build

wp = pytest.importorskip("warp")
pytest.importorskip("mujoco_warp")

ROBOTS, STEPS = 4, 100
JACOBIANS = {"dense": mujoco.mjtJacobian.mjJAC_DENSE, "sparse": mujoco.mjtJacobian.mjJAC_SPARSE}
Callback = Callable[[Any, Any], None]


def rough_ground() -> HeightField:
    heights = np.random.default_rng(2).uniform(size=(81, 81)).astype(np.float32)
    return HeightField(heights, (2.0, 2.0, 0.06, 1.0), (0.0, 0.0, 0.0))


class Stumblers:
    """Robots that are thrown onto rough ground in random poses and thrash about; joints have friction and limits."""

    def __init__(self, jacobian: str) -> None:
        from legged_gym.sim.mujoco_warp import WarpEngine
        from legged_gym.sim.warp.contacts import contact_sizes

        cfg = a1_cfg()
        cfg.asset.self_collisions = 0
        robot = build(cfg, ground=rough_ground())
        robot.model.opt.jacobian = JACOBIANS[jacobian]
        robot.model.dof_frictionloss[6:] = 0.1
        device = torch.device("cpu")
        self.engine = WarpEngine(robot.model, ROBOTS, device, [], contact_sizes(robot, 1.5), deterministic=True)
        # launched anew in every step, so that the shuffling takes part
        self.engine.run = lambda key, work: work()
        callback = self.engine.engine_model.callback
        self.orders: Dict[str, Callback] = {"contacts": callback.contactfilter, "rows": callback.control}
        assert self.engine.engine_model.is_sparse == (jacobian == "sparse")

    def run(
        self, seed: Optional[int], ordered: str = "contacts rows", after: Callable[[], None] = lambda: None
    ) -> np.ndarray:
        """(STEPS, ROBOTS, nq + nv) positions and velocities, with contacts and rows shuffled by a seed."""
        rng = np.random.default_rng(seed)
        engine, callback = self.engine, self.engine.engine_model.callback

        def before(shuffle: Callable[[Any, Any], None], name: str) -> Callback:
            def work(model: Any, data: Any) -> None:
                if seed is not None:
                    shuffle(data, rng)
                if name in ordered:
                    self.orders[name](model, data)

            return work

        callback.contactfilter, callback.control = before(shuffle_contacts, "contacts"), before(shuffle_rows, "rows")
        self._throw()
        noise = torch.Generator().manual_seed(5)
        states = []
        for _ in range(STEPS):
            engine.arrays.ctrl.copy_(A1_POSE + 0.8 * torch.randn(ROBOTS, 12, generator=noise))
            engine.advance(1)
            after()
            states.append(torch.cat((engine.arrays.qpos, engine.arrays.qvel), dim=1).numpy().copy())
        return np.stack(states)

    def _throw(self) -> None:
        generator, arrays = torch.Generator().manual_seed(3), self.engine.arrays
        self.engine.reset(torch.arange(ROBOTS))
        arrays.qpos[:, :3] = torch.tensor([0.0, 0.0, 0.3])
        arrays.qpos[:, 3:7] = torch.nn.functional.normalize(torch.randn(ROBOTS, 4, generator=generator), dim=1)
        arrays.qpos[:, 7:] = A1_POSE + 0.5 * torch.randn(ROBOTS, 12, generator=generator)
        arrays.qvel[:, 2] = -2.0


def shuffle_contacts(data: Any, rng: np.random.Generator) -> None:
    count = int(data.nacon.numpy()[0])
    order = rng.permutation(count)
    for array in vars(data.contact).values():
        values = array.numpy()  # on the CPU device, the engine's own memory
        if values.shape[:1] == (data.naconmax,):
            values[:count] = values[order]


def shuffle_rows(data: Any, rng: np.random.Generator) -> None:
    arrays = {name: array.numpy() for name, array in vars(data.efc).items()}
    heads, lengths, blocks = arrays.pop("jtdaj_adr"), arrays.pop("jtdaj_nrow"), arrays.pop("jtdaj_nblock")
    of_contacts, of_joints = data.contact.efc_address.numpy(), data.dof_frictionadr.numpy()
    worlds = data.contact.worldid.numpy()
    for world, count in enumerate(np.minimum(data.nefc.numpy(), data.njmax)):
        owners = [*zip(arrays["type"][world, :count], arrays["id"][world, :count])]
        keys = {owner: (owner[0], rng.random()) for owner in set(owners)}
        order = np.array(sorted(range(count), key=lambda row: (*keys[owners[row]], row)), dtype=int)
        place = np.argsort(order)
        for values in arrays.values():
            if values.ndim > 1 and values.shape[1] >= data.njmax:
                values[world, :count] = values[world, order]
        mine = (worlds == world)[:, None] & (np.arange(len(worlds)) < data.nacon.numpy()[0])[:, None]
        mine = mine & (of_contacts >= 0)
        of_contacts[mine] = place[of_contacts[mine]]
        joints = of_joints[world] >= 0
        of_joints[world, joints] = place[of_joints[world, joints]]
        shuffled = rng.permutation(blocks[world])
        heads[world, : blocks[world]] = place[heads[world, shuffled]]
        lengths[world, : blocks[world]] = lengths[world, shuffled]


@pytest.fixture(scope="module", params=["dense", pytest.param("sparse", marks=pytest.mark.slow)])
def stumblers(request):
    return Stumblers(request.param)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.tobytes() == other.tobytes()


def test_any_order_gives_the_same_bits(stumblers):
    expected = stumblers.run(seed=None)
    assert np.isfinite(expected).all() and np.abs(expected[:, :, 19:]).max() > 3.0
    for seed in (1, 2):
        assert same_bits(stumblers.run(seed), expected)


@pytest.mark.parametrize("ordered", ["", "contacts", "rows"])
def test_neither_order_is_enough_alone(stumblers, ordered):
    """Which also shows that the shuffling does something."""
    assert not same_bits(stumblers.run(1, ordered), stumblers.run(2, ordered))


def test_order_is_by_environment_shapes_and_number(stumblers):
    data, worlds, kinds_seen = stumblers.engine.data, [], set()

    def check() -> None:
        contact, count = data.contact, int(data.nacon.numpy()[0])
        places = contact.worldid.numpy()[:count]
        keys = np.column_stack((places, contact.geom.numpy()[:count], contact.geomcollisionid.numpy()[:count])).tolist()
        assert keys == sorted(keys)
        kinds, ids = data.efc.type.numpy(), data.efc.id.numpy()
        for world, rows in enumerate(data.nefc.numpy()):
            owners = [*zip(kinds[world, :rows].tolist(), ids[world, :rows].tolist())]
            assert owners == sorted(owners)
            kinds_seen.update(kinds[world, :rows].tolist())
        for number, rows in enumerate(contact.efc_address.numpy()[:count]):
            assert (ids[places[number], rows[rows >= 0]] == number).all()
        worlds.append(len(set(places.tolist())))

    stumblers.run(seed=1, after=check)
    names = mujoco.mjtConstraint
    expected = (names.mjCNSTR_FRICTION_DOF, names.mjCNSTR_LIMIT_JOINT, names.mjCNSTR_CONTACT_PYRAMIDAL)
    assert kinds_seen == {int(kind) for kind in expected}
    assert max(worlds) == ROBOTS
