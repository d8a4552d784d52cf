"""What a stereo depth camera gets wrong: noise that grows with depth, ragged edges, and holes."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.sensors.depth_camera_config import DepthCameraCfg
from legged_gym.settings import SectionOf

# rows and columns to the four neighbours of a pixel
_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


class DepthNoise:
    """Disturbs depth images; every number comes from one generator.

    Three disturbances, in this order:

    - edges: a pixel reads one of its four neighbours instead of itself with probability `edge_noise`. On a surface
      nothing much changes; where near and far meet, the edge becomes ragged, as stereo matching makes it.
    - depth: Gaussian noise of standard deviation `gaussian_noise` * depth^2, as triangulation gives it: depth is
      focal length * baseline / disparity, and the disparity is off by some fraction of a pixel anywhere.
    - holes: single pixels with probability `hole_pixels`, and `hole_patches` rectangles a frame, each half of the
      time, of up to `hole_patch_size` of the image's height and width; they read `hole_depth`.
    """

    def __init__(self, cfg: SectionOf[DepthCameraCfg.noise], generator: torch.Generator) -> None:
        """Take the settings of a `depth_camera.noise` section, and the generator."""
        self._cfg = cfg
        self._generator = generator
        self._neighbours = torch.tensor(_NEIGHBOURS, device=generator.device)

    def apply(self, depth: Tensor) -> Tensor:
        """Disturb depth (n, H, W), m, in place, and return it."""
        cfg = self._cfg
        # one number a pixel decides on both: the lowest are ragged, the highest are holes
        draw = self._uniform(*depth.shape)
        if cfg.edge_noise > 0.0:
            self._roughen_edges(depth, draw)
        if cfg.gaussian_noise > 0.0:
            noise = torch.randn(depth.shape, generator=self._generator, device=depth.device)
            depth.addcmul_(noise.mul_(depth), depth, value=cfg.gaussian_noise)
        if cfg.hole_pixels > 0.0:
            depth.masked_fill_(draw >= 1.0 - cfg.hole_pixels, cfg.hole_depth)
        if cfg.hole_patches > 0:
            depth.masked_fill_(self._patches(*depth.shape), cfg.hole_depth)
        return depth

    def _roughen_edges(self, depth: Tensor, draw: Tensor) -> None:
        """Pixels with a number (n, H, W) below `edge_noise` read a neighbour, or themselves where the image ends."""
        share = self._cfg.edge_noise
        image, row, column = (draw < share).nonzero().unbind(1)
        # evenly distributed below the share, so the number also tells which neighbour
        which = (draw[image, row, column] * (len(_NEIGHBOURS) / share)).long().clamp_(max=len(_NEIGHBOURS) - 1)
        step = self._neighbours[which]
        height, width = depth.shape[1:]
        there = (row + step[:, 0]).clamp_(0, height - 1), (column + step[:, 1]).clamp_(0, width - 1)
        depth[image, row, column] = depth[(image, *there)]

    def _patches(self, count: int, height: int, width: int) -> Tensor:
        """(n, H, W) bool: inside of one of each image's rectangles."""
        draw = self._uniform(5, count, int(self._cfg.hole_patches), 1)
        half = 0.5 * self._cfg.hole_patch_size * draw[2:4]
        half[0].masked_fill_(draw[4] < 0.5, -1.0)  # the half of them that is left out
        centres = ((torch.arange(size, device=draw.device) + 0.5) / size for size in (height, width))
        inside = [(places - draw[axis]).abs_() <= half[axis] for axis, places in enumerate(centres)]
        return (inside[0][..., :, None] & inside[1][..., None, :]).any(dim=1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._generator, device=self._generator.device)
