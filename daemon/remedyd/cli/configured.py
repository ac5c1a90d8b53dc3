"""The option that names the settings file, alike in every command that reads the settings."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="YAML settings file (env: REMEDYD_CONFIG)"),
]
