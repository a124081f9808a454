"""Another host on this machine: network, UTS, PID and mount namespaces of its own, and a wall clock that is wrong.

Nothing leads out of its network. What it may reach has a listener on its loopback that is served from outside: a
socket belongs to the network in which it was made, whoever listens.
"""

from __future__ import annotations

import contextlib
import ctypes
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.rig import Stable
from tests.patience import PATIENCE

UNSHARE = ("unshare", "--net", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child")
START = 'echo "$0" > /proc/sys/kernel/hostname && ip link set lo up && exec "$@"'
GONE = 2**31 - 1  # no process has this pid


def why_not() -> str:
    """Why there can be no such host here; empty when there can."""
    if missing := [tool for tool in ("cc", "ip", "nsenter", "unshare") if shutil.which(tool) is None]:
        return f"hosts in namespaces need {' and '.join(missing)}"
    tried = subprocess.run([*UNSHARE, "sh", "-c", START, "probe", "true"], capture_output=True, text=True)
    return f"namespaces cannot be made here (are you root?): {tried.stderr.strip()}" if tried.returncode else ""


class Network:
    """That of a host, which a process of ours is in."""

    process: subprocess.Popen[bytes]

    def listen(self, port: int) -> socket.socket:
        """A listener on its loopback."""
        with self._inside():
            return socket.create_server(("127.0.0.1", port))

    def lead_to(self, address: tuple[str, int], port: int) -> socket.socket:
        """From now on this port of its loopback is that server, until the listener is closed."""
        listener = self.listen(port)
        threading.Thread(target=_serve, args=(listener, address), daemon=True).start()
        return listener

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        """This thread is in its network."""
        with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{self.process.pid}/ns/net") as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())


class Machine(Network):
    """A host on which nothing runs yet."""

    def __init__(self, name: str) -> None:
        command = [*UNSHARE, "sh", "-c", START, name, "sh", "-c", "echo up && read -r _"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "the host did not come up"

    @property
    def within(self) -> tuple[str, ...]:
        """What goes before a command that is to run there."""
        kinds = {"net": "net", "uts": "uts", "mount": "mnt", "pid": "pid_for_children"}
        return ("nsenter", *(f"--{kind}=/proc/{self.process.pid}/ns/{file}" for kind, file in kinds.items()))

    def cut(self) -> None:
        """Its power: whatever runs there is killed with it."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


class Host(Network, Stable):
    """A stable of workers without Prefect; its wall clock is so many seconds ahead of ours."""

    def __init__(self, folder: Path, name: str, library: Path, ahead: float) -> None:
        env = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": f"{ahead:.0f}"}
        super().__init__(folder, env, "core", within=(*UNSHARE, "sh", "-c", START, name))

    def pid_here(self, said: int) -> int:
        space = Path(f"/proc/{self.process.pid}/ns/pid_for_children").readlink()
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                named = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:"))
                if named.split()[-1] == str(said) and (status.parent / "ns" / "pid").readlink() == space:
                    return int(status.parent.name)
        return GONE


def _enter(namespace: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), "setns")


def _serve(listener: socket.socket, address: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # it is closed
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(address)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
