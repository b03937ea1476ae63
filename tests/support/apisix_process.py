"""A real `gatepass apisix`, started as APISIX does it or beside it.

APISIX's own way: umask 0, four variables, a pipe for stdin and another one for everything that is
written, nginx's descriptors left open.
"""

import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.gates import settings_file
from support.kong_process import SECONDS, KongServed

BESIDE = {"LC_CTYPE": "C.UTF-8"}


class ApisixServed(KongServed):
    """A running runner; `errors` is what it wrote so far."""

    def stop_in_time(self, seconds: float) -> int:
        """End it as APISIX does, and kill it as APISIX does; return the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def variables_of_apisix(address: str) -> dict[str, str]:
    """Return all that a runner finds in its environment when APISIX starts it."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "NGINX_BPF_MAPS": "0",
        "APISIX_LISTEN_ADDRESS": address,
        "APISIX_CONF_EXPIRE_TIME": "3600",
    }


@contextmanager
def apisix_process(
    folder: Path,
    *inside: str,
    command: str = "apisix",
    log: str = "stderr",
    **sections: object,
) -> Iterator[ApisixServed]:
    """Start a runner beside APISIX, on apisix.sock in the folder.

    `inside` is a command that runs it in surroundings of its own.
    """
    path = folder / "apisix.sock"
    sections = {"doors": {"apisix": {"socket": str(path)}}} | sections
    words = [*inside, *_words(command, settings_file(folder, **sections))]
    with (folder / log).open("w") as out:
        process = subprocess.Popen(
            words, stdout=out, stderr=out, text=True, cwd="/", umask=0, env=BESIDE
        )
    with _ended(process):
        yield ApisixServed(process, path, folder / log)


@contextmanager
def spawned_process(
    folder: Path,
    *,
    log: str = "stderr",
    output: int | None = None,
    leaked: Collection[int] = (),
    inside: Sequence[str] = (),
    **sections: object,
) -> Iterator[ApisixServed]:
    """Start a runner as APISIX does, on spawned.sock in the folder, with `leaked` descriptors.

    `output` is a descriptor that takes what it writes, in place of a file called `log`. `inside` is
    a command that starts it, as APISIX's agent does.
    """
    path = folder / "spawned.sock"
    sections = {"doors": {"apisix": {}}} | sections
    words = [*inside, *_words("apisix", settings_file(folder, **sections))]
    with (folder / log).open("w") as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=out if output is None else output,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            umask=0,
            env=variables_of_apisix(f"unix:{path}"),
            pass_fds=tuple(leaked),
            restore_signals=False,
        )
    with _ended(process):
        yield ApisixServed(process, path, folder / log)


def refused_at(path: Path, address: str | None = None) -> str:
    """Start a runner that cannot start, spawned if there is an address; return what it says."""
    ended = subprocess.run(
        _words("apisix", path),
        capture_output=True,
        text=True,
        check=False,
        env=BESIDE if address is None else variables_of_apisix(address),
        timeout=SECONDS,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("gatepass: ")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def _words(command: str, settings: Path) -> list[str]:
    return [sys.executable, "-m", "gatepass.plugin", command, "-c", str(settings)]


@contextmanager
def _ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    with process:
        try:
            yield
        finally:
            process.kill()
