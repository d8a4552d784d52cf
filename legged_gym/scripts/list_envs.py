"""list_tasks.py by another name."""

from __future__ import annotations

import os
import runpy

if __name__ == "__main__":
    runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "list_tasks.py"), run_name="__main__")
