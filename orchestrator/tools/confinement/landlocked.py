"""The helper's part under Landlock: a keeper outside, and inside the rules one that starts the command.

The keeper makes a private folder for temporary files, waits, and removes it. The inner one gives up
capabilities, enters Landlock and the filter, starts the command, and when that ends, or the keeper dies,
kills whatever the command started: inside Landlock, "all processes" are those under its rules.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import tempfile

import enter  # type: ignore[import-not-found]  # beside this file, on the helper's path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
_MAKE_DEVICES = 1 << 6 | 1 << 9 | 1 << 11  # character, socket, block: never granted
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
_READ = EXECUTE | READ_FILE | READ_DIR
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_NO_NEW_PRIVS, _DEATH_SIGNAL, _SUBREAPER, _SECCOMP, _DROP, _AMBIENT = 38, 1, 36, 22, 24, 47
_PREFIX = "orch-tmp-"
_libc = ctypes.CDLL(None, use_errno=True)
_NOTHING = (ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def run(settings: dict[str, Any], command: list[str]) -> None:
    """Never returns: the exit code is the command's, 128 and more after a signal, as in a shell."""
    parent = os.getppid()
    _prctl(_SUBREAPER, 1)
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    _sweep()
    folder = _temporary()
    waiting = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    inner = os.fork()
    if inner == 0:
        try:
            _inside(settings, command, folder, waiting)
        except (OSError, ValueError, KeyError) as error:
            enter.fail(error)
    code = _keep(inner, waiting, parent)
    _end_rest()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(code)


def narrow(settings: dict[str, Any]) -> None:
    """Inside bubblewrap: what a read-only mount lets through, writing into named pipes, and the filter."""
    rules = settings["pipes"]
    if rules["abi"]:
        # Moving between folders is refused unless it is granted, even where it is not ruled.
        moving = REFER if rules["abi"] >= 2 else 0
        ruleset = _ruleset(rules["abi"], WRITE_FILE | moving)
        if moving:
            _grant(ruleset, "/", moving)
        for path in rules["writable"]:
            _grant(ruleset, path, WRITE_FILE)
        _call(_RESTRICT, ruleset, 0)
    if settings["filter"]:
        _load_filter(bytes.fromhex(settings["filter"]))


def _temporary() -> str:
    """A folder of ours alone, locked as long as this process lives."""
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX)
        try:
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(held, fcntl.LOCK_EX)
            if os.fstat(held).st_ino == os.stat(folder).st_ino:
                return folder
        except FileNotFoundError:
            continue  # swept by another before it was locked


def _keep(inner: int, waiting: set[signal.Signals], parent: int) -> int:
    """Pass polite signals on, until the inner one ends. If orch itself died, so do we, and that ends it."""
    while True:
        number = signal.sigwait(waiting)
        if os.getppid() != parent:
            os._exit(enter.FAILED)
        if number != signal.SIGCHLD:
            _signal(-inner, signal.SIGTERM)
            _signal(inner, signal.SIGTERM)
        ended, status = os.waitpid(inner, os.WNOHANG)
        if ended:
            return _code(status)


def _end_rest() -> None:
    """What outlived the inner one has become ours."""
    for _ in range(1000):
        for child in _children():
            _signal(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.01)


def _children() -> list[int]:
    own, found = str(os.getpid()), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[1].decode() == own:
                found.append(int(name))
    return found


def _inside(settings: dict[str, Any], command: list[str], folder: str, waiting: set[signal.Signals]) -> None:
    rules, keeper = settings["landlock"], os.getppid()
    os.setsid()  # no controlling terminal, and a signal to the keeper's group does not end us
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    enter.limit(settings["limits"])
    _drop_capabilities()
    ruleset = _ruleset(rules["abi"], _handled(rules["abi"]), network=rules["network"])
    _grant_all(ruleset, rules, folder)
    terminal = [number for number in (0, 1, 2) if os.isatty(number)]
    for number in terminal:  # it is open already; opened again as /dev/stdout it stays usable
        _add(ruleset, number, READ_FILE | WRITE_FILE | (IOCTL_DEVICE if rules["abi"] >= 5 else 0))
    _call(_RESTRICT, ruleset, 0)
    enter.keep_open(2)
    _load_filter(bytes.fromhex(settings["filter"]))
    os.environ["TMPDIR"] = folder
    os.environ["XDG_CACHE_HOME"] = f"{folder}/.cache"
    os.chdir(rules["project"])
    if not rules["scoped"]:  # without scopes there is no killing "all of ours": the keeper does it
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, waiting)
        enter.execute(command)
    _start(command, folder, waiting, keeper)


def _start(command: list[str], folder: str, waiting: set[signal.Signals], keeper: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, waiting)
            enter.execute(command)
        except OSError as error:
            enter.fail(error)
    code = 0
    while True:
        number = signal.sigwait(waiting)
        if number != signal.SIGCHLD:
            if os.getppid() != keeper:
                break  # it died
            _signal(-child, signal.SIGTERM)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = _code(status)
            break
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    if os.getppid() != keeper:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(code)


def _grant_all(ruleset: int, rules: dict[str, Any], folder: str) -> None:
    hidden = set(rules["hidden"])
    above = {parent for path in hidden for parent in _parents(path)}
    _grant_tree(ruleset, "/", hidden, above)
    for path in rules["readable"]:
        _grant_tree(ruleset, path, hidden - set(_parents(path)) - {path}, above)
    every = _handled(rules["abi"]) & ~_MAKE_DEVICES
    for path in (*rules["writable"], folder):
        _grant(ruleset, path, every & ~IOCTL_DEVICE)
    for device in _DEVICES:
        _grant(ruleset, device, READ_FILE | WRITE_FILE)


def _grant_tree(ruleset: int, path: str, hidden: set[str], above: set[str]) -> None:
    """Reading of everything below `path` but what is hidden. A folder above a hidden one is not granted
    itself, since a grant reaches all that is below: it cannot be listed."""
    if path in hidden:
        return
    if path not in above:
        _grant(ruleset, path, _READ)
        return
    try:
        with os.scandir(path) as entries:
            names = [entry.path for entry in entries if not entry.is_symlink()]
    except OSError:
        return
    for name in names:
        _grant_tree(ruleset, name, hidden, above)


def _parents(path: str) -> list[str]:
    found = []
    while path != "/":
        path = os.path.dirname(path)
        found.append(path)
    return found


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile: not granted
    try:
        _add(ruleset, handle, rights)
    finally:
        os.close(handle)


def _add(ruleset: int, handle: int, rights: int) -> None:
    if not os.path.isdir(f"/proc/self/fd/{handle}"):
        rights &= _FILE_RIGHTS

    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("rights", ctypes.c_uint64), ("handle", ctypes.c_int32))

    rule = Beneath(rights, handle)
    _call(_ADD, ruleset, 1, ctypes.byref(rule), 0)


def _handled(abi: int) -> int:
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    return (1 << bits) - 1


def _ruleset(abi: int, rights: int, network: bool = True) -> int:
    class Attributes(ctypes.Structure):
        _fields_ = (
            ("files", ctypes.c_uint64),
            ("network", ctypes.c_uint64),
            ("scoped", ctypes.c_uint64),
        )

    attributes = Attributes(rights, 0 if network or abi < 4 else 3, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    return _call(_CREATE, ctypes.byref(attributes), size, 0)


def _drop_capabilities() -> None:
    """All sets, also what a program of root's would gain."""
    number = 0
    while (
        _libc.prctl(_DROP, ctypes.c_ulong(number), *_NOTHING) == 0
    ):  # fails where we have no right to, and at the last one
        number += 1
    _libc.prctl(_AMBIENT, ctypes.c_ulong(4), *_NOTHING)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")
    _prctl(_NO_NEW_PRIVS, 1)


def _load_filter(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    loaded = Program(len(program) // 8, program)
    if _libc.prctl(_SECCOMP, ctypes.c_ulong(2), ctypes.byref(loaded), *_NOTHING[1:]) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), *_NOTHING) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _call(number: int, *arguments: Any) -> int:
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return result


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _sweep() -> None:
    """Folders whose keeper was killed: nobody holds their lock."""
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        if not name.startswith(_PREFIX):
            continue
        path = os.path.join(base, name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if os.fstat(handle).st_uid == os.getuid():
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(handle)
