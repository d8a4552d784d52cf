"""Tables and sources of numbers for pages that are made from measurements."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

Result = Dict[str, Any]
Named = List[Tuple[str, Result]]


def of_kind(results: Named, kind: str) -> Named:
    """Those that say they are of a kind."""
    return [(name, result) for name, result in results if result.get("kind") == kind]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    """A Markdown table; the columns after the first `text_columns` are numbers, to the right."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def with_interval(estimate: Optional[Result]) -> str:
    """A mean and its interval."""
    if estimate is None or estimate["mean"] is None:
        return ""
    if None in estimate["ci95"]:
        return f"{estimate['mean']:.3f}"
    low, high = estimate["ci95"]
    return f"**{estimate['mean']:.3f}** ({low:.3f}–{high:.3f})"


def device_of(result: Result) -> str:
    """The machine in a few words: its GPU if the physics ran there, else its CPU."""
    machine = result["machine"]
    if machine["gpu"] and str(result.get("sim_device", "")).startswith("cuda"):
        return machine["gpu"]
    return f"{machine['cpu']}, {machine['cores']} cores"


def provenance_list(results: Named) -> str:
    """Where each number comes from."""
    lines = ["Measured with:", ""]
    for _, result in results:
        versions = result["versions"]
        commit = (result["commit"] or "unknown")[:10]
        changes = " with changes" if result["uncommitted_changes"] else ""
        lines.append(
            f"- `{result['command']}` — {device_of(result)}; mujoco {versions.get('mujoco')}, torch "
            f"{versions.get('torch')}; commit {commit}{changes}, {result['created'][:10]}"
        )
    return "\n".join(lines)
