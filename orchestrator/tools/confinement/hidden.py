"""What no command may read: keys and tokens of the user and the system, and the node's own home."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from orchestrator import durable
from orchestrator.tools.confinement import secret_names as names

PRIVATE = ("/tmp", "/var/tmp", "/run", "/var/run")
"""Folders in which other programs keep sockets and temporary files."""
_NEIGHBOURS = 200
"""Folders beside the project, and as many in the home folder, that are looked into."""
_SECRET_NAME = re.compile(
    r"^id_(rsa|dsa|ecdsa|ed25519)|\.(pem|key|kdbx?|p12|pfx|jks|keystore|ovpn|gpg|age)$"
    r"|password|passwd|credential|secret|token|^\.?env$|^\.env\.|_?history$",
    re.IGNORECASE,
)
_PASSWORD = re.compile(
    rb"://[^\s/@:]+:[^\s/@]+@|(password|passwd|token|secret|api_?key|extraheader)\w*[\"']?\s*[:=]",
    re.IGNORECASE,
)
_STORED = re.compile(r"store\s+--file[=\s]+[\"']?([^\s\"']+)")
_MOST_BYTES = 100_000


_BOUND = re.compile(r"^\S+: \S+ \S+ \S+ \S+ \S+ +\d+ ([^@].*)$", re.MULTILINE)


def secret_paths(node_home: Path) -> list[Path]:
    """All of it, the node's home among it, as it exists now; links resolved. See `kept`."""
    homes = _homes()
    wanted = [f"{home}/{name}" for home in homes for name in names.IN_HOME]
    for variable, prefix in (("XDG_CONFIG_HOME", ".config/"), ("XDG_DATA_HOME", ".local/share/")):
        if (moved := os.environ.get(variable, "")).startswith("/"):
            wanted += [f"{moved}/{name[len(prefix) :]}" for name in names.IN_HOME if name.startswith(prefix)]
    wanted += names.SYSTEM
    wanted += glob.glob("/etc/ssh/ssh_host_*_key")
    wanted += [value for name in names.VARIABLES if (value := os.environ.get(name, "")).startswith("/")]
    wanted.append(str(node_home))
    for home in homes | _homes_of_others():
        wanted += _unknown(home)
    configuration = [f"{home}/{name}" for home in homes for name in names.CONFIGURATION]
    for path in (*configuration, *names.SYSTEM_CONFIGURATION):
        if os.path.isfile(path):
            wanted += _told_in(Path(path))
    found = {os.path.realpath(path) for path in wanted if os.path.exists(path)}
    return sorted(path for path in map(Path, found) if not _holds_system(path, homes))


def kept(root: Path) -> list[Path]:
    """Folders in hidden ones that are seen again: tools and their packages."""
    found = []
    for home in _homes():
        for folder, seen in names.HALF_HIDDEN.items():
            found += [f"{home}/{folder}/{name}" for name in seen | _in_path(home / folder)]
    places = map(Path, {os.path.realpath(path) for path in found if os.path.exists(path)})
    return sorted(path for path in places if not within(root, path) and not within(path, root))


def neighbours(root: Path) -> list[Path]:
    """Files with secrets of other projects: those beside `root`, and those in the home folder."""
    found = set()
    for base in {root.parent, *_homes()}:
        try:
            with os.scandir(base) as entries:
                folders = [
                    entry.path for entry in islice(entries, _NEIGHBOURS) if not entry.name.startswith(".")
                ]
        except OSError:
            continue
        for folder in (str(base), *folders):
            found |= {path for name in names.OF_NEIGHBOURS if os.path.isfile(path := f"{folder}/{name}")}
    return sorted(path for path in map(Path, map(os.path.realpath, found)) if not within(path, root))


def _unknown(home: Path) -> Iterator[str]:
    """What begins with a dot in a home folder and is not known as harmless; other files whose names tell."""
    tools = names.TOOLS | _in_path(home)
    try:
        with os.scandir(home) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    if entry.name not in tools and _inside(entry, home):
                        yield entry.path
                elif _SECRET_NAME.search(entry.name) and entry.is_file() and _inside(entry, home):
                    yield entry.path
    except OSError:
        return
    for name in names.HALF_HIDDEN:
        if (home / name).is_dir() and within(Path(os.path.realpath(home / name)), home):
            yield f"{home}/{name}"


def _inside(entry: os.DirEntry[str], home: Path) -> bool:
    """A link out of the home folder may lead to a whole system; what is named above is hidden there, too."""
    return not entry.is_symlink() or within(Path(os.path.realpath(entry.path)), home)


def _in_path(folder: Path) -> set[str]:
    """Names in `folder` below which programs lie, by PATH: ".deno" for ~/.deno/bin."""
    found = set()
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry.startswith(f"{folder}/"):
            found.add(entry[len(str(folder)) + 1 :].split("/")[0])
    return {name for name in found if name not in names.IN_HOME and name not in (".config", ".local")}


def _told_in(path: Path) -> Iterator[str]:
    """A file of settings in which a password stands, and a file of passwords that it names."""
    try:
        text = durable.read(path, _MOST_BYTES)
    except OSError:
        return
    if _PASSWORD.search(text):
        yield str(path)
    for name in _STORED.findall(text.decode(errors="surrogateescape")):
        yield os.path.expanduser(name)


def _holds_system(path: Path, homes: set[Path]) -> bool:
    """A variable that names the root or a whole home would hide everything."""
    return path == Path("/") or any(within(home.resolve(), path) for home in homes)


def sockets(root: Path, hidden: Sequence[Path]) -> list[Path]:
    """Sockets in the file system on which programs of this machine listen, where a command would see them.

    A read-only mount does not stop a connection. What commands themselves open under an own network
    is not in this list.
    """
    try:
        lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    bound = set(_BOUND.findall(lines))
    found = {Path(name) for name in bound if name[0] == "/" and os.path.exists(name)}
    if relative := [name for name in bound if name[0] != "/"]:
        found |= {
            path for folder in _working_folders() for name in relative if (path := folder / name).is_socket()
        }
    return sorted(
        path
        for path in found
        if within(path, root) or not (private(path) or any(within(path, secret) for secret in hidden))
    )


def _working_folders() -> set[Path]:
    """Of all processes that we may look at: a socket with a relative name lies in one of them, or did."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found.add(Path(os.readlink(f"/proc/{entry}/cwd")))
    return found


def within(path: Path, folder: Path | str) -> bool:
    """Whether it is that folder or lies in it, by their names; `parents` would be ten times slower."""
    inner, outer = str(path), str(folder).rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")


def private(path: Path) -> bool:
    return any(within(path, folder) for folder in PRIVATE)


def too_wide(root: Path) -> bool:
    """A home folder, or what holds it: commands could rewrite start-up files, so they only read."""
    return any(within(home.resolve(), root) for home in _homes())


def _homes() -> set[Path]:
    """The one of this environment, the account's own, and that of whoever became root."""
    homes = {Path.home()}
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):  # a user without an entry, as in a container
            homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
        with contextlib.suppress(KeyError):
            homes.add(Path(pwd.getpwnam(os.environ.get("SUDO_USER", "")).pw_dir))
    return {home for home in homes if home != Path("/")}


def _homes_of_others() -> set[Path]:
    """Those that we may look into."""
    found = {Path("/root")}
    for folder in ("/home", "/Users"):
        with contextlib.suppress(OSError):
            found |= {Path(folder, name) for name in os.listdir(folder)[:_NEIGHBOURS]}
    return {home for home in found if os.access(home, os.R_OK | os.X_OK)}


def name_servers() -> list[Path]:
    """Where the names of hosts are resolved by a file in a hidden folder, that file."""
    target = Path(os.path.realpath("/etc/resolv.conf"))
    return [target] if private(target) and target.is_file() else []
