"""The options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

SettingsPath = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file.", show_default=True)
]
LogLevel = Annotated[str, typer.Option(help="error, warning, info or debug.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DEFAULT_SETTINGS = Path("gatepass.yaml")
