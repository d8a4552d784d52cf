"""What the fit of an actuator network leaves behind: the network, numbers, a plot."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from legged_gym.actuators.files import save_network, save_script
from legged_gym.sysid.fitting import Fit
from legged_gym.utils import reports
from legged_gym.utils.files import saved_figure, whole_file

# s of held-out torque in the plot
_SHOWN = 2.0


def write(result: Fit, path: str, torchscript: bool, data: Sequence[str], origin: Dict[str, Any]) -> List[str]:
    """Write a fit.

    Args:
        result: the fit.
        path: of the network, .pt; the others stand beside it.
        torchscript: write the network as TorchScript too.
        data: paths of the recordings.
        origin: where the result comes from, from `reports.origin`.

    Returns:
        The paths written.

    Raises:
        UserError: the disk refuses.
    """
    stem = os.path.splitext(path)[0]
    with whole_file(path) as file:
        save_network(file, result.network, result.spec)
    content = {"kind": "actuator_fit", "data": [reports.short_path(name) for name in data], **result.report(), **origin}
    reports.write_json(f"{stem}.json", content)
    save_plot(result, f"{stem}.png")
    paths = [path, f"{stem}.json", f"{stem}.png"]
    if torchscript:
        with whole_file(f"{stem}_script.pt") as file:
            save_script(file, result.network, result.spec)
        paths.append(f"{stem}_script.pt")
    return paths


def as_text(result: Fit) -> str:
    """The errors as a table."""
    rows = [("network", result.rmse), ("best PD controller", result.pd_rmse), ("torque, RMS", result.torque_rms)]
    lines = [f"{'held out':20s} {'RMSE, N m':>10s} {'of the torque':>14s}"]
    lines += [f"{name:20s} {value:10.4f} {value / result.torque_rms:14.1%}" for name, value in rows]
    stiffness, damping = result.pd_gains
    lines.append(f"{result.pd_rmse / result.rmse:.1f} times better than PD (Kp {stiffness:.2f}, Kd {damping:.3f})")
    return "\n".join(lines)


def save_plot(result: Fit, path: str) -> None:
    """Held-out torque of one joint over time with what network and PD make of it, and their errors."""
    # Not pyplot: this neither needs a display nor touches one.
    with saved_figure(path, (10, 6), dpi=80) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True)
        traces = result.traces
        shown = traces["time"] <= _SHOWN
        upper.plot(traces["time"][shown], traces["torque"][shown], "k", label="recorded", linewidth=1.0)
        for name, style in (("pd", "C1:"), ("network", "C0--")):
            upper.plot(traces["time"][shown], traces[name][shown], style, label=name, linewidth=1.2)
            lower.plot(traces["time"][shown], (traces[name] - traces["torque"])[shown], style[:2], label=name)
        upper.set(ylabel="torque [N m]", title="held-out samples of one joint")
        lower.set(ylabel="error [N m]", xlabel="time [s]")
        for axis in (upper, lower):
            axis.grid(alpha=0.3)
            axis.legend(fontsize="small", loc="upper right")
