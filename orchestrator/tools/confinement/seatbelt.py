"""Seatbelt, the sandbox of macOS, entered by its `sandbox-exec`.

Written from its documentation and from profiles that others publish; not seen working. The probe decides
whether it is used.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SandboxError
from orchestrator.tools.confinement import hidden, repositories, start

PROGRAM = "/usr/bin/sandbox-exec"
_PROCESSES = 1024
_BASE = """
(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read* file-test-existence)
(allow file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
(allow file-read* file-write* file-ioctl (regex #"^/dev/ttys[0-9]+$"))
(allow pseudo-tty)
(allow ipc-posix-sem)
(allow iokit-open (iokit-registry-entry-class "RootDomainUserClient"))
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(deny file-write* (literal "/dev/tty"))
""".strip()
_NETWORK = """
(allow network*)
(deny network* (remote unix-socket))
(allow system-socket)
(allow mach-lookup (global-name "com.apple.dnssd.service"))
(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd"))
(allow mach-lookup (global-name "com.apple.trustd.agent"))
""".strip()
_IN_SHELL = (
    'ulimit -c 0; ulimit -f {blocks}; ulimit -u {processes}; mkdir -m 700 "$TMPDIR" || exit 125; '
    '"$@"; code=$?; rm -rf "$TMPDIR"; exit $code'
)


@dataclass(frozen=True, slots=True)
class Seatbelt:
    """`hidden` is the node's home. Later rules of a profile win over earlier ones."""

    hidden: Path
    program: str = PROGRAM
    grouped: bool = False

    @property
    def tier(self) -> str:
        return "seatbelt"

    @property
    def reason(self) -> str:
        return ""

    @property
    def stops(self) -> tuple[str, ...]:
        return (
            "writing outside the project, and to its .git and .orchestrator",
            "reading keys, tokens, browser profiles and the home of orch",
            "the network (until it is opened for one command)",
            "signals to other processes",
            f"files over {start.FILE_BYTES >> 30} GiB, more than {_PROCESSES} processes of this user",
        )

    @property
    def leaves(self) -> tuple[str, ...]:
        return (
            "this tier was written from documentation and has not been verified",
            "reading other files of this user: documents, other projects",
            "seeing other processes with their arguments; leaving one behind in a session of its own",
            "memory; filling the disk from within the project",
            "changing what you run next yourself: a Makefile, a script, a new repository in a subfolder",
        )

    def wrap(
        self,
        argv: Sequence[str],
        *,
        project: Path,
        writable: bool,
        network: bool = False,
        also_readable: Sequence[Path] = (),
        also_writable: Sequence[Path] = (),
    ) -> list[str]:
        root = project.resolve()
        if root == Path("/"):
            raise SandboxError("The root folder cannot be a project.", "Start orch in a project's folder.")
        temporary = f"/private/tmp/orch-tmp-{os.urandom(8).hex()}"
        text = profile(
            root,
            temporary,
            secrets=[*hidden.secret_paths(self.hidden), *hidden.neighbours(root)],
            kept=[*hidden.kept(root), *also_readable],
            guarded=repositories.unwritable(root),
            writable=writable and not hidden.too_wide(root),
            also_writable=also_writable,
            network=network,
        )
        script = _IN_SHELL.format(blocks=start.FILE_BYTES // 512, processes=_PROCESSES)
        command = [self.program, "-p", text, "/bin/sh", "-c", script, "sh", *argv]
        return ["/usr/bin/env", f"TMPDIR={temporary}", f"XDG_CACHE_HOME={temporary}/.cache", *command]

    @contextlib.contextmanager
    def guard(self, project: Path):  # type: ignore[no-untyped-def]
        """Nothing of ours is left in a project here."""
        yield


def profile(
    root: Path,
    temporary: str,
    *,
    secrets: Iterable[Path],
    kept: Iterable[Path],
    guarded: Sequence[Path],
    writable: bool,
    also_writable: Iterable[Path] = (),
    network: bool = False,
) -> str:
    """The profile's text. A folder on the way to a guarded one may not be moved away with it."""
    hiding = [path for path in secrets if path != root]
    outside = [path for path in hiding if not hidden.within(path, root)]
    rules = [_BASE]
    rules += [f"(deny file-read* file-write* {_below(path)})" for path in outside]
    seen = [*kept, root]
    rules += [f"(allow file-read* {_below(path)})" for path in seen]
    again = [path for path in hiding if any(hidden.within(path, one) for one in seen)]
    rules += [f"(deny file-read* {_below(path)})" for path in again]
    if writable:
        rules.append(f"(allow file-write* {_below(root)})")
        rules += [f"(deny file-write* {_below(path)})" for path in guarded]
        ways = {way for path in guarded for way in path.parents if root in way.parents or way == root}
        rules += [f"(deny file-write-unlink (literal {_quoted(way)}))" for way in sorted(ways)]
    rules += [f"(allow file-write* {_below(path)})" for path in (*also_writable, Path(temporary))]
    rules += [f"(deny file-write* {_below(path)})" for path in again]
    rules += [_NETWORK] * network
    return "\n".join(rules)


def _below(path: Path) -> str:
    return f"(subpath {_quoted(path)})"


def _quoted(path: Path) -> str:
    """A string of the profile's language; no path may end it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
