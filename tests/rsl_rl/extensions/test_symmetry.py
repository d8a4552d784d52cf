"""Left-right symmetry."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.extensions.symmetry import Mirror
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.ppo_helpers import DIMS, collect, gradients, make_ppo, random_rollout

# The halves of the observations change places, the last of the critic's stays; the middle action changes sign.
MAPS = {
    "policy": (torch.tensor([3, 4, 5, 0, 1, 2]), torch.tensor([1.0, -1, 1, 1, -1, 1])),
    "critic": (torch.tensor([3, 4, 5, 0, 1, 2, 6]), torch.tensor([1.0, -1, 1, 1, -1, 1, 1])),
    "actions": (torch.tensor([2, 1, 0]), torch.tensor([1.0, -1, 1])),
}
CPU = torch.device("cpu")


def test_image() -> None:
    mirror = Mirror(MAPS, DIMS, CPU)
    x = torch.arange(6.0).expand(2, 6)
    assert mirror.image("policy", x)[1].tolist() == [3, -4, 5, 0, -1, 2]
    for name, (index, _) in MAPS.items():
        x = torch.randn(5, len(index))
        assert torch.equal(mirror.image(name, mirror.image(name, x)), x)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (None, "knows no mirror_maps"),
        ({"policy": MAPS["policy"], "critic": MAPS["critic"]}, "lacks 'actions'"),
        ({**MAPS, "actions": (torch.tensor([1, 2, 0]), torch.ones(3))}, "mirror_maps['actions'] is no mirror"),
        ({**MAPS, "actions": (torch.tensor([2, 1, 0]), torch.tensor([1.0, 1, -1]))}, "'actions'] is no mirror"),
    ],
)
def test_bad_maps(maps: Any, message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        make_ppo(symmetry="loss", mirror_maps=maps)
    assert message in str(caught.value)


def test_two_settings_of_the_symmetry_are_refused() -> None:
    both: Any = {"symmetry": "loss", "mirror_maps": MAPS}
    with pytest.raises(RslRlError, match=r"settings of its own; set algorithm.symmetry to none"):
        make_ppo(**both, extensions={"symmetry": {"loss_coef": 2.0}})
    assert not make_ppo(**both, extensions={"symmetry": None}).extensions.tensors()


def asymmetry(algorithm: Any) -> float:
    """Greatest difference between the image of an action and the action in the image."""
    mirror = Mirror(MAPS, DIMS, CPU)
    obs = {name: torch.randn(500, *shape) for name, shape in DIMS.items()}
    images = {name: mirror.image(name, x) for name, x in obs.items()}
    with torch.no_grad():
        actions, of_images = algorithm.policy.actor(obs)[0], algorithm.policy.actor(images)[0]
    return float((mirror.image("actions", actions) - of_images).abs().max())


def test_loss_makes_the_policy_symmetric() -> None:
    algorithm = make_ppo(symmetry="loss", symmetry_loss_coef=100.0, mirror_maps=MAPS, schedule="fixed")
    before = asymmetry(algorithm)
    for seed in range(40):
        collect(algorithm, random_rollout(seed))
        metrics = algorithm.update()
    assert asymmetry(algorithm) < 0.2 * before
    assert metrics["symmetry"] < 1e-3


@pytest.mark.parametrize("clipping", [True, False])
def test_augmented_gradients_do_not_tell_left_from_right(clipping: bool) -> None:
    # A batch and its image, each with its images added, hold the same samples.
    mirror = Mirror(MAPS, DIMS, CPU)
    results = []
    for mirrored in (False, True):
        torch.manual_seed(0)
        algorithm = make_ppo(symmetry="augment", mirror_maps=MAPS, use_clipped_value_loss=clipping)
        collect(algorithm, random_rollout())
        batch = next(algorithm.storage.mini_batches(1, 1))
        if mirrored:
            images = {name: mirror.image(name, x) for name, x in batch.observations.items()}
            batch = batch._replace(observations=images, actions=mirror.image("actions", batch.actions))
        terms = algorithm._compute_gradients(batch, algorithm.policy.distribution.log_std.detach())
        results.append((terms["surrogate"], terms["value_function"], gradients(algorithm)))
    torch.testing.assert_close(*results)


def test_augmentation_learns_from_images() -> None:
    algorithm = make_ppo(symmetry="augment", mirror_maps=MAPS)
    collect(algorithm, random_rollout())
    metrics = algorithm.update()
    assert metrics["symmetry"] > 0
    assert metrics["skipped_updates"] == 0


def surrogate_gradients(iteration: int, **settings: Any) -> Any:
    torch.manual_seed(0)
    algorithm = make_ppo(mirror_maps=MAPS, **settings)
    algorithm.set_progress(iteration, 10)
    collect(algorithm, random_rollout())
    batch = next(algorithm.storage.mini_batches(1, 1))
    algorithm._compute_gradients(batch, algorithm.policy.distribution.log_std.detach())
    return gradients(algorithm)


@pytest.mark.parametrize("mode", ["augment", "loss"])
def test_symmetry_is_left_out_from_until_on(mode: str) -> None:
    settings: Any = {"symmetry": mode, "symmetry_loss_coef": 3.0}
    for iteration, like in ((5, settings), (6, {"symmetry": "none"}), (20, {"symmetry": "none"})):
        found = surrogate_gradients(iteration, symmetry_until=0.6, **settings)
        torch.testing.assert_close(found, surrogate_gradients(iteration, **like))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(surrogate_gradients(20, **settings), surrogate_gradients(20, symmetry="none"))
