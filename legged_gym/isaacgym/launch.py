"""What the launcher asks of the layer, kept where asking imports nothing else of it.

Attributes:
    strict: what is accepted without doing what the original does is an error.
    make_screen: makes a screen for a viewer; None shows nothing.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

strict = False
make_screen: Optional[Callable[[Any], Any]] = None
