"""What enters a sandbox: limits, control groups, no descriptors but three; then the command.

A process of its own, started by `start` with the standard library only. Its interpreter starts in 10 ms
without `site`; every import costs, so there are few. Whatever fails ends it before the command.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` makes enums of them all: 5 ms
import json
import os
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: 5 ms
    from typing import Any

FAILED = 125
FILTER = 3
"""The descriptor on which bubblewrap finds the filter of system calls."""


def main() -> None:
    """`sys.argv`: this folder, the settings as JSON, "--", and the command."""
    try:
        settings = json.loads(sys.argv[2])
        command = sys.argv[4:]
        if "landlock" in settings:
            __import__("landlocked").run(settings, command)  # beside this file, not in a package
        join(settings["groups"])
        limit(settings["limits"])
        keep_open(_filter(bytes.fromhex(settings["filter"])) if settings["filter"] else 2)
        execute(command)
    except (OSError, ValueError, KeyError) as error:
        fail(error)


def execute(command: list[str]) -> None:
    """Become the command, with the signals that Python ignores as they were."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)
    os.execvp(command[0], command)


def fail(error: Exception) -> None:
    os.write(2, f"orch: the sandbox could not be entered: {error}\n".encode(errors="replace"))
    os._exit(FAILED)


def join(groups: list[Any]) -> None:
    """Enter each group, making it. Somebody who sweeps may remove it in between: then again."""
    for group in groups:
        for attempt in range(10):
            try:
                _enter_group(group["path"], group["values"])
                break
            except FileNotFoundError:
                if attempt == 9:
                    raise
                time.sleep(0.001 * attempt)


def _enter_group(path: str, values: dict[str, str]) -> None:
    os.makedirs(path, exist_ok=True)
    for name, value in values.items():
        try:
            _put(f"{path}/{name}", value)
        except FileNotFoundError:
            if os.path.isdir(path) and name.startswith(("memory.swap", "memory.oom")):
                continue  # a kernel without swap accounting
            raise
    _put(f"{path}/cgroup.procs", str(os.getpid()))


def _put(path: str, value: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, value.encode())
    finally:
        os.close(handle)


def limit(limits: dict[str, int]) -> None:
    for name, wanted in limits.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))


def keep_open(last: int) -> None:
    """Nothing that we inherited goes on to the command."""
    os.closerange(last + 1, 1 << 20)


def _filter(program: bytes) -> int:
    handle = os.memfd_create("filter", 0)
    os.write(handle, program)
    os.lseek(handle, 0, os.SEEK_SET)
    if handle != FILTER:
        os.dup2(handle, FILTER)
        os.close(handle)
    os.set_inheritable(FILTER, True)
    return FILTER
