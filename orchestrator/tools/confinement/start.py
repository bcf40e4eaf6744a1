"""The command line that enters a sandbox: our helper, its settings, the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.tools.confinement import cgroup

FILE_BYTES = 4 << 30
_PROCESSES = 4096
_ENTER = "import sys; sys.path.insert(0, sys.argv[1]); import enter; enter.main()"


def entering(command: Sequence[str], settings: Mapping[str, Any], grouped: bool) -> list[str]:
    """`command` behind the helper. `grouped`: in control groups of its own as well."""
    own = {"limits": limits(), "groups": cgroup.groups() if grouped else [], "filter": ""}
    folder = str(Path(__file__).parent)
    python = sys.executable or "python3"
    return [python, "-I", "-S", "-c", _ENTER, folder, json.dumps({**own, **settings}), "--", *command]


def limits() -> dict[str, int]:
    """Per process, by name in `resource`. RLIMIT_AS would break node and Java; NPROC does not bind root."""
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_NPROC": _PROCESSES,
        "RLIMIT_DATA": max(2 << 30, cgroup.memory_limit()),
    }
