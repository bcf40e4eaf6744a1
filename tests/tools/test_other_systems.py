"""The pure parts of the tiers of macOS and Windows. That they confine is not shown: neither is at hand."""

from __future__ import annotations

import base64
import ctypes
import re
import sys
from pathlib import Path

import pytest

from orchestrator.tools import sandbox
from orchestrator.tools.confinement import job_object, seatbelt
from orchestrator.tools.confinement.seatbelt import Seatbelt
from orchestrator.tools.confinement.windows import JobObject
from orchestrator.tools.shell_line import powershell_argv

ROOT = Path("/Users/me/heron")


def rules(**more: object) -> list[str]:
    given = {
        "secrets": [Path("/Users/me/.ssh"), Path("/Users/me/.config"), Path("/Users/me/heron/keys")],
        "kept": [Path("/Users/me/.config/git")],
        "guarded": [ROOT / ".git", ROOT / ".orchestrator", ROOT / "lib/sub/.git"],
        "writable": True,
    }
    return seatbelt.profile(ROOT, "/private/tmp/t", **given | more).splitlines()  # type: ignore[arg-type]


def decided(lines: list[str], operation: str, path: str) -> bool:
    """What a profile says: the last rule that fits wins."""
    verdict = False
    for line in lines:
        found = re.match(r"\((allow|deny) ([^(]*)\((subpath|literal) \"(.*)\"\)\)", line)
        if found:
            how, what, kind, where = found.groups()
            fits = path == where or (kind == "subpath" and path.startswith(f"{where}/"))
            if fits and any(re.fullmatch(name.replace("*", ".*"), operation) for name in what.split()):
                verdict = how == "allow"
        elif line.startswith("(allow file-read*") and operation.startswith("file-read"):
            verdict = True
    return verdict


@pytest.mark.parametrize(
    ("path", "reads", "writes"),
    [
        ("/etc/hosts", True, False),
        ("/Users/me/.ssh/id", False, False),
        ("/Users/me/.config/gh/hosts.yml", False, False),
        ("/Users/me/.config/git/ignore", True, False),
        ("/Users/me/heron/a.txt", True, True),
        ("/Users/me/heron/keys/k", False, False),
        ("/Users/me/heron/.git/config", True, False),
        ("/Users/me/heron/lib/sub/.git/config", True, False),
        ("/Users/me/heronry/a", True, False),
        ("/private/tmp/t/x", True, True),
    ],
)
def test_what_a_seatbelt_profile_says_of_a_path(path: str, reads: bool, writes: bool) -> None:
    assert (decided(rules(), "file-read-data", path), decided(rules(), "file-write-data", path)) == (
        reads,
        writes,
    )
    assert not decided(rules(writable=False), "file-write-data", path) or path.startswith("/private/tmp/t")


def test_a_profile_begins_with_denial_and_opens_the_network_only_when_told() -> None:
    assert rules()[:2] == ["(version 1)", "(deny default)"]
    assert "(allow network*)" not in rules()
    assert "(allow network*)" in rules(network=True)
    assert not decided(rules(), "file-write-unlink", "/Users/me/heron/lib"), (
        "it could be moved with its guard"
    )


def test_no_path_leaves_its_string() -> None:
    evil = Path('/x") (allow file-write* (subpath "/')
    assert '(deny file-read* file-write* (subpath "/x\\") (allow' in "\n".join(rules(secrets=[evil]))


def test_a_command_under_seatbelt(project: Path) -> None:
    argv = Seatbelt(project / "node").wrap(["ls", "a b"], project=project, writable=True)
    assert argv[0] == "/usr/bin/env"
    assert argv[3:5] == [seatbelt.PROGRAM, "-p"]
    assert argv[-3:] == ["sh", "ls", "a b"]


def test_a_command_in_a_job_object(project: Path) -> None:
    box = JobObject()
    assert box.tier == "none", "it confines nothing, so each command is asked for"
    argv = box.wrap(["ls"], project=project, writable=True)
    assert argv[:3] == [sys.executable, "-I", "-S"]
    assert argv[-2:] == ["--", "ls"]


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="sizes of 64 bits")
def test_a_job_objects_structures_are_as_large_as_windows_has_them() -> None:
    assert ctypes.sizeof(job_object.Basic) == 64
    assert ctypes.sizeof(job_object.Extended) == 144
    assert job_object.limits(7, 9).basic.flags == 0x2608


def test_powershell_gets_the_command_as_it_is() -> None:
    argv = powershell_argv("pwsh", "Write-Output \"a 'b'\" | Out-Null")
    text = base64.b64decode(argv[-1]).decode("utf-16-le")
    assert argv[-2] == "-EncodedCommand"
    assert text.splitlines()[1] == "Write-Output \"a 'b'\" | Out-Null"


def test_what_does_not_work_here_is_not_used(orch_home: object) -> None:
    if sys.platform != "darwin":
        assert sandbox.tried("seatbelt").tier == "none"
    assert sandbox._fails(Seatbelt(Path("/none"), program="/nonesuch"))
