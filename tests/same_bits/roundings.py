"""Says how this machine rounds: a program that prints one digest of sums of numpy, torch, MuJoCo and Warp.

Two machines that print the same digest are taken to compute the same bits. Nothing of this project is in it, so a
change of the project cannot change the digest.
"""

import hashlib

import mujoco
import mujoco.batch
import numpy as np
import torch
import warp as wp

ARM = """
<mujoco><worldbody><geom type="plane" size="5 5 1"/><body pos="0 0 .5"><freejoint/><geom type="capsule" size=".05 .2"/>
<body pos="0 0 .25"><joint name="a" axis="0 1 0" damping=".1" armature=".01"/><geom type="box" size=".05 .03 .2"/>
<body pos="0 0 .3"><joint name="b" axis="1 0 0"/><geom type="sphere" size=".06"/></body></body></body></worldbody>
<actuator><position joint="a" kp="20"/><position joint="b" kp="20"/></actuator></mujoco>
"""


@wp.kernel
def chain(values: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    """A chain of what kernels of rays are made of."""
    i = wp.tid()
    x = values[i]
    for _ in range(20):
        x = wp.sqrt(wp.abs(wp.sin(x) * 1.7 + 0.3 / (1.0 + x * x)) + x * x * 0.9) - 0.1 * x
    out[i] = x


def main() -> None:
    """Print the digest."""
    digest = hashlib.sha256()
    rng = np.random.default_rng(0)
    values = rng.standard_normal((96, 200)).astype(np.float32)
    digest.update((np.sin(values) + np.exp(values) @ values.T[:, :1]).tobytes())
    x = torch.from_numpy(values).requires_grad_()
    weight = torch.from_numpy(rng.standard_normal((64, 200)).astype(np.float32))
    hidden = torch.nn.functional.elu(x @ weight.T).tanh().sigmoid()
    image = torch.nn.functional.conv2d(x.view(4, 1, 24, 200), weight[:8, :25].reshape(8, 1, 5, 5), stride=2)
    (hidden.exp().log1p().sum() + image.relu().square().mean() + x.sin().norm()).backward()
    digest.update(x.grad.numpy().tobytes() + hidden.detach().numpy().tobytes())
    parameter = torch.nn.Parameter(x.detach().clone())
    optimizer = torch.optim.AdamW([parameter], fused=True)
    for _ in range(3):
        parameter.grad = parameter.detach().cos() + x.grad
        optimizer.step()
    digest.update(parameter.detach().numpy().tobytes())
    model = mujoco.MjModel.from_xml_string(ARM)
    data = mujoco.MjData(model)
    for step in range(300):
        data.ctrl[:] = np.sin(step / 20.0)
        mujoco.mj_step(model, data)
    digest.update(data.qpos.tobytes())
    wp.config.log_level = wp.LOG_WARNING
    source = wp.array(values.ravel(), dtype=wp.float32, device="cpu")
    out = wp.zeros_like(source)
    wp.launch(chain, len(source), [source, out], device="cpu")
    digest.update(out.numpy().tobytes())
    print(digest.hexdigest()[:32])


if __name__ == "__main__":
    main()
