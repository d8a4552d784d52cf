"""play.py --viewer=web by another name: robots in a browser, of which each can be clicked and driven."""

from __future__ import annotations

import os
import runpy
import sys

if __name__ == "__main__":
    sys.argv.append("--viewer=web")
    runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "play.py"), run_name="__main__")
