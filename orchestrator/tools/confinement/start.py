"""The command line that enters a sandbox: our helper, its settings, the command."""

from __future__ import annotations

import marshal
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.tools.confinement import cgroup
from orchestrator.tools.runner import MARK

KEPT = "ORCH_KEPT_MARK"
FILE_BYTES = 4 << 30
FOLDER = Path(__file__).resolve().parent
_PROCESSES = 4096
_ENTER = "import sys; sys.path.insert(0, sys.argv[1]); import enter; enter.main()"


def entering(command: Sequence[str], settings: Mapping[str, Any]) -> list[str]:
    """`command` behind the helper."""
    python = sys.executable or "python3"
    told = marshal.dumps({"limits": limits(), **settings}).hex()  # read by the same Python
    return [python, "-I", "-S", "-c", _ENTER, str(FOLDER), told, "--", *command]


def unmarked(command: Sequence[str]) -> list[str]:
    """`command` without the runner's mark in its environment, but told of it.

    The runner kills what bears the mark; who must outlive that, to end what does not, hands it on.
    """
    take = f'{KEPT}="${MARK}"; export {KEPT}; unset {MARK}; exec "$@"'
    return ["/bin/sh", "-c", take, "sh", *command]


def in_groups(command: Sequence[str], groups: Sequence[cgroup.Group]) -> list[str]:
    """`command` in these control groups, by a shell: the cheapest program that can make and enter one."""
    steps = []
    for group in groups:
        folder = shlex.quote(group.path)
        steps.append(f"mkdir -p {folder} 2>/dev/null")
        for name, value in group.values:
            may_lack = " || :" if name in cgroup.MAY_LACK else ""
            steps.append(f"{{ echo {shlex.quote(value)} > {folder}/{name}{may_lack}; }} 2>/dev/null")
        steps.append(f"{{ echo $$ > {folder}/cgroup.procs; }} 2>/dev/null")
    tries = f'for try in 1 2 3 4 5; do {" && ".join(steps)} && exec "$@"; done'
    return [
        "/bin/sh",
        "-c",
        f"{tries}; echo 'orch: no control group could be made' >&2; exit 125",
        "sh",
        *command,
    ]


def limits() -> dict[str, int]:
    """Per process, by name in `resource`. RLIMIT_AS would break node and Java; NPROC does not bind root.

    With 1 there is no core dump: with 0 the kernel would still start the machine's program for them, outside.
    """
    return {
        "RLIMIT_CORE": 1,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_NPROC": _PROCESSES,
        "RLIMIT_DATA": max(2 << 30, cgroup.memory_limit()),
    }
