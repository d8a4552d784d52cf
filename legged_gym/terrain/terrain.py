"""The map: a grid of tiles, rows of rising difficulty along +x and columns of types along +y, with a flat border."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.settings import SectionOf
from legged_gym.terrain.height_map import HeightMap
from legged_gym.terrain.recipes import RECIPES, cumulative_proportions, type_of_selector
from legged_gym.terrain.sub_terrains import GENERATORS, Tile, fractal_noise_terrain
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.terrain.tile_grid import TileGrid
from rsl_rl.utils.errors import near_matches

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

# difficulties of a map without a curriculum and without a range of its own
_RANDOM_DIFFICULTIES = (0.5, 0.75, 0.9)

# keeps a column's selector off the very edge of a band
_SELECTOR_OFFSET = 0.001

_INT16_MAX = 32767


def uses_height_map(mesh_type: Optional[str]) -> bool:
    """Whether `terrain.mesh_type` asks for a map; None, 'none' and 'plane' do not."""
    return mesh_type not in (None, "none", "plane")


class Terrain:
    """A grid of tiles as one height map.

    Map cell (i, j) is the ground at x = i * horizontal_scale - border_size, y = j * horizontal_scale - border_size.

    A map with `curriculum` has type by column and difficulty row / num_rows. Without, every tile draws its type and one
    of the difficulties 0.5, 0.75, 0.9. Types come in the fractions of `terrain_proportions`, or are all those of
    `tile_types` in turn (without a curriculum, equally likely). With a `difficulty_range` difficulties go in equal
    steps from its start in the first row to its end in the last one (without a curriculum, they are uniform in it).
    In a curriculum, `easy_rows` come before the first of these: of its difficulty, but lower, row by row less so.
    With `roughness`, `fractal_noise_terrain` goes over every tile; its amplitude is linear in the difficulty, which for
    a selected shape is that of the row.

    With `selected`, all tiles are what `terrain_kwargs` says:

    * ``{"type": "pyramid_stairs_terrain", "step_width": 0.31, "step_height": 0.1, "platform_size": 3.0}``: a shape with
      its arguments (`sub_terrains.GENERATORS`);
    * ``{"type": "stairs_up", "difficulty": 0.5}``: a type of tile (`recipes.RECIPES`); without "difficulty" it comes
      from the row or is drawn, as above.

    Attributes:
        height_map: the ground.
        tiles: where which tile is.
        length_x: size of the map along x, m.
        length_y: the same along y.
        height_field, heights, horizontal_scale, vertical_scale: of `height_map`; legged_gym's height_field_raw is the
            first.
        env_origins, finish_x, tile_types, difficulties, tile_length, tile_width: of `tiles`.
        border_size: width of the flat border, m; a whole number of cells.
    """

    def __init__(self, cfg: SectionOf[TerrainCfg], seed: int) -> None:
        """Make the map.

        Args:
            cfg: the `terrain` group of an environment config whose values are checked.
            seed: each tile draws from its own generator, a function of the seed and the tile's row and column alone.

        Raises:
            UserError: for sizes, proportions or types that cannot be together.
        """
        _check_sizes(cfg)
        self._seed = seed
        self.num_rows, self.num_cols = int(cfg.num_rows), int(cfg.num_cols)
        self.horizontal_scale, self.vertical_scale = float(cfg.horizontal_scale), float(cfg.vertical_scale)
        self._cells_x = round(cfg.terrain_length / self.horizontal_scale)
        self._cells_y = round(cfg.terrain_width / self.horizontal_scale)
        self._border = round(cfg.border_size / self.horizontal_scale)
        self._curriculum = bool(cfg.curriculum)
        self._selected = parse_selection(cfg.terrain_kwargs) if cfg.selected else None
        self._band_ends = cumulative_proportions(cfg.terrain_proportions)
        self._types = tuple(cfg.tile_types or ())
        self._difficulty_range, self._roughness = cfg.difficulty_range, cfg.roughness
        self._easy_rows = cfg.easy_rows if self._curriculum else 0

        self.border_size = self._border * self.horizontal_scale
        shape = (self.num_rows * self._cells_x + 2 * self._border, self.num_cols * self._cells_y + 2 * self._border)
        corner = (-self.border_size, -self.border_size)
        length, width = self._cells_x * self.horizontal_scale, self._cells_y * self.horizontal_scale
        self._describe(
            HeightMap(np.zeros(shape, dtype=np.int16), self.horizontal_scale, self.vertical_scale, corner),
            TileGrid(self.num_rows, self.num_cols, length, width),
        )
        for row in range(self.num_rows):
            for col in range(self.num_cols):
                self._add_tile(row, col)
        self.heights = self.height_map.heights

    def _describe(self, height_map: HeightMap, tiles: TileGrid) -> None:
        """What the rest of the world asks a terrain for, by legged_gym's names."""
        self.height_map, self.tiles = height_map, tiles
        self.num_rows, self.num_cols = tiles.difficulties.shape
        self.tile_length, self.tile_width = tiles.tile_length, tiles.tile_width
        self.horizontal_scale, self.vertical_scale = height_map.horizontal_scale, height_map.vertical_scale
        self.length_x, self.length_y = (n * self.horizontal_scale for n in height_map.units.shape)
        self.height_field = self.height_field_raw = height_map.units
        self.env_origins, self.finish_x = tiles.starts, tiles.finish_x
        self.tile_types, self.difficulties = tiles.names, tiles.difficulties
        self.edge_mask = height_map.edge_mask

    def _add_tile(self, row: int, col: int) -> None:
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=(row, col))))
        flat = np.zeros((self._cells_x, self._cells_y), dtype=np.int32)
        tile = Tile(flat, self.horizontal_scale, self.vertical_scale, rng)
        self._shape(tile, row, col)
        highest = int(np.abs(tile.heights).max())
        if highest > _INT16_MAX:
            raise UserError(
                f"terrain: {self.tile_types[row][col]} reaches {highest * self.vertical_scale:g} m, and vertical_scale "
                f"{self.vertical_scale:g} holds at most {_INT16_MAX * self.vertical_scale:g} m; raise vertical_scale"
            )
        x, y = self._border + row * self._cells_x, self._border + col * self._cells_y
        self.height_field[x : x + self._cells_x, y : y + self._cells_y] = tile.heights
        self.tiles.put(row, col, tile)

    def _shape(self, tile: Tile, row: int, col: int) -> None:
        """Choose the type and the difficulty of a tile, note them, and shape it."""
        name, difficulty = self._choose(tile.rng, row, col)
        kwargs: Dict[str, Any] = {}
        if self._selected is not None:
            name, kwargs = self._selected
        self.tile_types[row][col] = name
        if name in GENERATORS:
            GENERATORS[name](tile, **kwargs)
        else:
            difficulty = kwargs.get("difficulty", difficulty)
            self.difficulties[row, col] = difficulty
            RECIPES[name](tile, difficulty)
        if row < self._easy_rows:
            tile.lower((row + 1) / (self._easy_rows + 1))
        if self._roughness is not None:
            easy, hard = self._roughness
            fractal_noise_terrain(tile, easy + (hard - easy) * difficulty)

    def _choose(self, rng: np.random.Generator, row: int, col: int) -> Tuple[str, float]:
        """Type and difficulty of a tile by its place, or drawn, where there is no curriculum."""
        low, high = self._difficulty_range or (0.0, 1.0)
        if self._curriculum:
            selector, index = col / self.num_cols + _SELECTOR_OFFSET, col
            rows, row = self.num_rows - self._easy_rows, max(0, row - self._easy_rows)
            steps = rows if self._difficulty_range is None else max(1, rows - 1)
            difficulty = low + (high - low) * (row / steps)
        else:
            selector = float(rng.uniform())
            index = int(selector * len(self._types))
            drawn = rng.choice(_RANDOM_DIFFICULTIES) if self._difficulty_range is None else rng.uniform(low, high)
            difficulty = float(drawn)
        name = self._types[index % len(self._types)] if self._types else type_of_selector(selector, self._band_ends)
        return name, difficulty


def has_lanes(terrain: Optional[Terrain]) -> TypeGuard[Terrain]:
    """Whether any tile of a map (None for a plane) has a finish line."""
    return terrain is not None and bool(np.isfinite(terrain.finish_x).any())


def parse_selection(terrain_kwargs: Optional[Mapping[str, Any]]) -> Tuple[str, Dict[str, Any]]:
    """Split `terrain.terrain_kwargs` into the name of a type and its arguments; the mapping itself is left alone.

    The type may be written with a module in front, as in "terrain_utils.pyramid_stairs_terrain".

    Raises:
        UserError: for a missing or unknown type and for missing, unknown or non-numeric arguments.
    """
    example = "{'type': 'stairs_up', 'difficulty': 0.5}"
    if not isinstance(terrain_kwargs, Mapping) or not isinstance(terrain_kwargs.get("type"), str):
        raise UserError(f"terrain.selected needs terrain.terrain_kwargs with a type, for example {example}")
    kwargs = {key: value for key, value in terrain_kwargs.items() if key != "type"}
    name = terrain_kwargs["type"].rpartition(".")[2]
    known: Dict[str, Callable[..., None]] = {**RECIPES, **GENERATORS}
    if name not in known:
        raise UserError(f"terrain.terrain_kwargs: type {name!r} is unknown; {near_matches(name, known)}")
    allowed = dict(list(inspect.signature(known[name]).parameters.items())[1:])
    for key, value in kwargs.items():
        if key not in allowed:
            raise UserError(f"terrain.terrain_kwargs: {name} takes no {key!r}; {near_matches(key, allowed)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UserError(f"terrain.terrain_kwargs: {key} must be a number, not {value!r}")
    if name in RECIPES:
        if not 0 <= kwargs.get("difficulty", 0) <= 1:
            raise UserError(f"terrain.terrain_kwargs: difficulty {kwargs['difficulty']:g} must lie between 0 and 1")
        return name, kwargs
    missing = [key for key, par in allowed.items() if par.default is inspect.Parameter.empty and key not in kwargs]
    if missing:
        raise UserError(f"terrain.terrain_kwargs: {name} also needs {', '.join(missing)}")
    return name, kwargs


def _check_sizes(cfg: SectionOf[TerrainCfg]) -> None:
    for name in ("terrain_length", "terrain_width"):
        if getattr(cfg, name) < 2 * cfg.horizontal_scale:
            raise UserError(
                f"terrain.{name} {getattr(cfg, name):g} m is less than two cells of {cfg.horizontal_scale:g} m"
            )
    if cfg.easy_rows >= cfg.num_rows:
        raise UserError(f"terrain.easy_rows is {cfg.easy_rows}; it must be below terrain.num_rows, {cfg.num_rows}")
    for name in cfg.tile_types or ():
        if name not in RECIPES:
            raise UserError(f"terrain.tile_types: {name!r} is unknown; {near_matches(name, RECIPES)}")
