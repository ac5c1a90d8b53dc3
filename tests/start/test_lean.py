"""Importing the daemon's libraries costs no more than it must."""

import subprocess
import sys

PROGRAM = """
import gc, sys
from remedyd import lean
with lean.imports():
    inside = gc.isenabled(), "rich" in sys.modules and sys.modules["rich"] is None
    import json.tool
after = gc.isenabled(), "rich" in sys.modules, gc.get_freeze_count() > 0
print(*inside, *after)
"""


def test_the_collector_rests_while_modules_are_loaded_and_leaves_them_alone_afterwards() -> None:
    """What stays is not looked through; what was hidden meanwhile can be imported again."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "True", "False", "True"]
