"""What enters a sandbox: limits, control groups, no descriptors but three; then the command.

A process of its own, started by `start` with the standard library only. Its interpreter starts in 10 ms
without `site`; every import costs, so there are few. Whatever fails ends it before the command.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` makes enums of them all: 5 ms
import marshal  # not json, which loads `re`: 10 ms of 20
import os
import resource
import sys

FAILED = 125


def main() -> None:
    """`sys.argv`: this folder, the settings, "--", and the command."""
    try:
        settings = marshal.loads(bytes.fromhex(sys.argv[2]))
        command = sys.argv[4:]
        if "landlock" in settings:
            __import__("landlocked").run(settings, command)  # beside this file, not in a package
        limit(settings["limits"])
        kernel = __import__("kernel")
        if settings["pipes"]["abi"]:
            kernel.narrow(settings["pipes"])
        if settings["filter"]:
            kernel.load_filter(bytes.fromhex(settings["filter"]))
        keep_open(2)
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


def limit(limits: dict[str, int]) -> None:
    for name, wanted in limits.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))


def keep_open(last: int) -> None:
    """Nothing that we inherited goes on to the command."""
    os.closerange(last + 1, 1 << 20)
