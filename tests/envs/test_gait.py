"""The reference gait: generator, file, look-up, and where it takes the foot."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from legged_gym.envs.mini_cheetah.gait import ReferenceGait, generate_gait, read_gait
from legged_gym.errors import UserError

CPU = torch.device("cpu")


def write(path, rows, header=" HAA , HFE,KFE"):
    path.write_text("\n".join([header, *(",".join(repr(float(x)) for x in row) for row in rows)]) + "\n")
    return str(path)


def test_generated_gait_has_the_extremes_of_the_published_one():
    """Of the published table within the deviations of the formula: 0.016 rad (HFE), 0.033 rad (KFE)."""
    gait = generate_gait()
    assert gait.shape == (140, 3)
    np.testing.assert_allclose(gait[:, 0].mean(), -0.0056, atol=0.002)
    np.testing.assert_allclose((gait[:, 1].min(), gait[:, 1].max()), (-0.1207, 0.0555), atol=0.016)
    np.testing.assert_allclose((gait[:, 2].min(), gait[:, 2].max()), (-0.0836, 0.3173), atol=0.033)
    assert abs(int(gait[:, 2].argmax()) - 32) <= 3
    assert (gait[68:] == gait[-1]).all(), "the second half stands"


def test_the_gait_lifts_the_foot_by_six_centimetres_and_steps_in_place():
    hip, knee = (angle + generate_gait()[:, k] for k, angle in ((1, -0.785398), (2, 1.596976)))
    forward = 0.2085 * np.sin(hip) + 0.196 * np.sin(hip + knee)
    height = -0.2085 * np.cos(hip) - 0.196 * np.cos(hip + knee)
    assert height.max() - height[-1] == pytest.approx(0.059, abs=0.01)
    assert np.ptp(forward) < 0.02


def test_file_and_generator_are_the_same_gait(tmp_path):
    rows = generate_gait()
    path = write(tmp_path / "gait.csv", rows)
    np.testing.assert_array_equal(read_gait(path), rows)
    phase = torch.rand(100) * 2 * math.pi
    assert torch.equal(ReferenceGait(path, CPU)(phase), ReferenceGait(None, CPU)(phase))


def test_look_up_is_linear_and_goes_round(tmp_path):
    """Four rows are a quarter of a cycle apart."""
    gait = ReferenceGait(write(tmp_path / "g.csv", [[0, 0, 1], [1, 0, 1], [3, 0, 1], [5, 0, 1]]), CPU)
    quarter = math.pi / 2
    phases = torch.tensor([[0.0, quarter, 1.5 * quarter], [3.0 * quarter, 3.5 * quarter, 4.0 * quarter]])
    torch.testing.assert_close(gait(phases)[..., 0], torch.tensor([[0.0, 1.0, 2.0], [5.0, 2.5, 0.0]]))
    assert (gait(phases)[..., 2] == 1.0).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HAA,KFE,HFE\n1,2,3\n1,2,3\n", "needs the header HAA,HFE,KFE"),
        ("HAA,HFE,KFE\n1,2,3\n", "two rows"),
        ("HAA,HFE,KFE\n1,2\n1,2\n", "needs the header"),
        ("HAA,HFE,KFE\n1,2,nan\n1,2,3\n", "rows of numbers"),
        ("HAA,HFE,KFE\n1,2,x\n1,2,3\n", "no table of numbers"),
        ("HAA,HFE,KFE\n1,2,3\n1,2\n", "no table of numbers"),
        ("", "no table of numbers"),
    ],
)
def test_files_that_are_no_gait(tmp_path, text, message):
    path = tmp_path / "gait.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        ReferenceGait(str(path), CPU)


def test_a_missing_file():
    with pytest.raises(UserError, match=r"control\.gait_file: cannot read nowhere\.csv"):
        read_gait("nowhere.csv")
