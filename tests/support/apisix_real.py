"""A real APISIX without a database, with the files that `gatepass apisix config` prints.

Nothing is written to where it is installed: its launcher takes the folder that it is called in for
APISIX's own when the Lua is there. So that folder is a new one, with links to the Lua and a copy of
`conf`. What is added to the printed config.yaml keeps APISIX in the foreground, and lets go of the
ports that several of them would share.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gatepass.plugin.gateways.apisix.names import AUTHORIZATION_VARIABLE
from support.raw_http import NoReply, ask
from support.servers import free_port, running, wait_until

USAGE_TOKEN = "0123456789abcdef0123456789abcdef"
AUTHORIZATION = f"Bearer {USAGE_TOKEN}"
PACKAGED = Path("/usr/local/apisix")
LAUNCHER = Path("bin/apisix")
LUA = Path("apisix/cli/apisix.lua")
_STALE = ("*.sock", ".customized_config_path", "nginx.conf", "apisix.yaml", "config.yaml")
_MAIN = """\
nginx_config:
  main_configuration_snippet: daemon off;
  worker_processes: 1
  error_log: stderr
"""
_APISIX = """
apisix:
  node_listen: [{{ip: 127.0.0.1, port: {port}}}]
  enable_control: false
  ssl: {{enable: false}}

plugin_attr:
  prometheus: {{enable_export_server: false}}
"""


def doors(folder: Path, desk_port: int) -> Mapping[str, object]:
    """Return the doors of a settings file: a socket in the folder, and where usage is reported."""
    return {
        "http": {"listen": f"127.0.0.1:{desk_port}", "usage_token": USAGE_TOKEN},
        "apisix": {"socket": str(folder / "apisix.sock")},
    }


@contextmanager
def running_real_apisix(
    program: str, folder: Path, settings: Path, upstream_port: int
) -> Iterator[int]:
    """Run APISIX in a new folder, from its first refusal to the end of the block; give its port."""
    port = free_port()
    launcher = Path(shutil.which(program) or program).absolute()
    _furnish(_home_of(launcher), folder)
    _write_configuration(folder / "conf", settings, upstream_port, port)
    environ = {AUTHORIZATION_VARIABLE: AUTHORIZATION, "APISIX_PROFILE": ""}
    with running([launcher, "start"], folder, _refuses(port), environ=environ):
        yield port
    wait_until(lambda: not (folder / "logs" / "nginx.pid").exists())


def _home_of(launcher: Path) -> Path:
    """Return where APISIX is installed: above its launcher, or where its packages put it."""
    for home in (launcher.resolve().parent.parent, PACKAGED):
        if (home / LUA).is_file():
            return home
    raise FileNotFoundError(f"{LUA}: neither above {launcher} nor in {PACKAGED}")


def _furnish(home: Path, folder: Path) -> None:
    shutil.copytree(home / "conf", folder / "conf", ignore=shutil.ignore_patterns(*_STALE))
    for name in ("apisix", "deps"):
        if (home / name).exists():
            (folder / name).symlink_to(home / name)


def _write_configuration(conf: Path, settings: Path, upstream_port: int, port: int) -> None:
    """Write what users are told to write, and the little that a test needs beside it."""
    service = f"llm=http://127.0.0.1:{upstream_port}"
    (conf / "apisix.yaml").write_text(_printed(settings, "--service", service, "--route", "/"))
    lines = _printed(settings, "--print", "config.yaml", "--program", "/usr/local/bin/gatepass")
    assert lines.count("\nnginx_config:\n") == 1
    lines = lines.replace("nginx_config:\n", _MAIN) + _APISIX.format(port=port)
    (conf / "config.yaml").write_text(lines)


def _printed(settings: Path, *options: str) -> str:
    command = [sys.executable, "-m", "gatepass.plugin", "apisix", "config", "-c", str(settings)]
    run = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout


def _refuses(port: int) -> Callable[[], bool]:
    """Return whether it asks Gatepass; before it has read its routes, it answers 404."""

    def refuses() -> bool:
        try:
            return ask(port, "GET", "/v1/models").status == 401
        except NoReply:
            return False

    return refuses
