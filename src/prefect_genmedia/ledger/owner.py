"""Who works on a job, and whether that worker still lives."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """The kernel's start time of a process: tells a reused pid apart. Empty where there is no /proc."""
    stat = _read(f"/proc/{pid}/stat")
    # The command name may hold spaces and brackets; the fields that follow its last bracket do not.
    fields = stat.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


@cache
def _machine(_pid: int) -> str:
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}|{_read('/proc/sys/kernel/random/boot_id')[:8]}|{namespace}"


@cache
def this_process() -> str:
    """Names this process among all processes of all machines, before and after a restart."""
    pid = os.getpid()
    return f"{_machine(pid)}|{pid}|{_started(pid)}"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=this_process.cache_clear)


def is_dead(process: str) -> bool | None:
    """Has that process surely ended? None when it ran elsewhere and cannot be asked: its lease then decides."""
    machine, pid, started = process.rsplit("|", 2)
    if machine != _machine(os.getpid()):
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return started != _started(int(pid))


def ran_before_restart(process: str) -> bool:
    """Did a process of this machine run before its last start? Says nothing of another machine's."""
    ours, theirs = this_process().split("|"), process.split("|")
    return len(theirs) == len(ours) and theirs[1] != ours[1]


def uptime() -> float:
    """Seconds since this machine started, time asleep included. Never set back; the same for all its processes."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS's monotonic clock counts sleep by itself
    return time.clock_gettime(clock)
