"""Configs of terrain as a user would write them, small where a test does not care."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable

import pytest


@pytest.fixture()
def make_cfg() -> Callable[..., SimpleNamespace]:
    """Makes the `terrain` group of a config; keyword arguments replace values."""

    def make(**changes: Any) -> SimpleNamespace:
        values = dict(
            mesh_type="trimesh",
            horizontal_scale=0.1,
            vertical_scale=0.005,
            border_size=2.0,
            curriculum=True,
            selected=False,
            terrain_kwargs=None,
            terrain_length=8.0,
            terrain_width=8.0,
            num_rows=10,
            num_cols=20,
            terrain_proportions=[0.1, 0.1, 0.35, 0.25, 0.2],
            slope_treshold=0.75,
            tile_types=None,
            difficulty_range=None,
            easy_rows=0,
            roughness=None,
        )
        unknown = set(changes) - set(values)
        assert not unknown, unknown
        return SimpleNamespace(**{**values, **changes})

    return make
