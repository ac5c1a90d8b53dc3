"""The console weighs nothing on a daemon that nobody looks at."""

import subprocess
import sys


def test_the_template_engine_comes_with_the_first_page() -> None:
    """Building the application imports neither Jinja nor reads a template."""
    program = "import sys, remedyd.server.asgi; print('jinja2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
