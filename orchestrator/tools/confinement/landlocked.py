"""The helper's part under Landlock: a keeper outside, and inside the rules one that starts the command.

The keeper makes a private folder for temporary files, waits, and removes it. The inner one gives up
capabilities, enters Landlock and the filter, starts the command, and when that ends, or the keeper dies,
kills whatever the command started: inside Landlock, "all processes" are those under its rules.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` makes enums of them all: 5 ms
import fcntl
import os

import enter  # type: ignore[import-not-found]  # beside this file, on the helper's path
import kernel  # type: ignore[import-not-found]

_READ = kernel.EXECUTE | kernel.READ_FILE | kernel.READ_DIR
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PREFIX = "orch-tmp-"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(settings: dict[str, Any], command: list[str]) -> None:
    """Never returns: the exit code is the command's, 128 and more after a signal, as in a shell."""
    parent = os.getppid()
    kernel.prctl(kernel.SUBREAPER, 1)
    kernel.prctl(kernel.DEATH_SIGNAL, signal.SIGTERM)
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
    _remove(folder)
    os._exit(code)


def _temporary() -> str:
    """A folder of ours alone, locked as long as this process lives."""
    while True:
        folder = f"{_base()}/{_PREFIX}{os.urandom(8).hex()}"
        os.mkdir(folder, 0o700)
        try:
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(held, fcntl.LOCK_EX)
            if os.fstat(held).st_ino == os.stat(folder).st_ino:
                return folder
        except FileNotFoundError:
            continue  # swept by another before it was locked


def _keep(inner: int, waiting: set[int], parent: int) -> int:
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


def _inside(settings: dict[str, Any], command: list[str], folder: str, waiting: set[int]) -> None:
    rules, keeper = settings["landlock"], os.getppid()
    os.setsid()  # no controlling terminal, and a signal to the keeper's group does not end us
    kernel.prctl(kernel.DEATH_SIGNAL, signal.SIGTERM)
    enter.limit(settings["limits"])
    kernel.drop_capabilities()
    ruleset = kernel.ruleset(rules["abi"], kernel.handled(rules["abi"]), network=rules["network"])
    _grant_all(ruleset, rules, folder)
    terminal = [number for number in (0, 1, 2) if os.isatty(number)]
    for number in terminal:  # it is open already; opened again as /dev/stdout it stays usable
        kernel.add(
            ruleset,
            number,
            kernel.READ_FILE | kernel.WRITE_FILE | (kernel.IOCTL_DEVICE if rules["abi"] >= 5 else 0),
        )
    kernel.restrict(ruleset)
    enter.keep_open(2)
    kernel.load_filter(bytes.fromhex(settings["filter"]))
    kept, mark = rules["mark"]
    os.environ[mark] = os.environ.pop(kept, "")
    os.environ.update(rules["environment"])
    os.environ["TMPDIR"] = folder
    os.environ["XDG_CACHE_HOME"] = f"{folder}/.cache"
    os.chdir(rules["project"])
    if not rules["scoped"]:  # without scopes there is no killing "all of ours": the keeper does it
        kernel.prctl(kernel.DEATH_SIGNAL, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, waiting)
        enter.execute(command)
    _start(command, folder, waiting, keeper)


def _start(command: list[str], folder: str, waiting: set[int], keeper: int) -> None:
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
    _signal(-1, signal.SIGKILL)
    if os.getppid() != keeper:
        _remove(folder)
    os._exit(code)


def _grant_all(ruleset: int, rules: dict[str, Any], folder: str) -> None:
    hidden = set(rules["hidden"])
    above = {parent for path in hidden for parent in _parents(path)}
    _grant_tree(ruleset, "/", hidden, above)
    for path in rules["readable"]:
        _grant_tree(ruleset, path, hidden - set(_parents(path)) - {path}, above)
    every = kernel.handled(rules["abi"]) & ~kernel.MAKE_DEVICES
    for path in (*rules["writable"], folder):
        kernel.grant(ruleset, path, every & ~kernel.IOCTL_DEVICE)
    for device in _DEVICES:
        kernel.grant(ruleset, device, kernel.READ_FILE | kernel.WRITE_FILE)


def _grant_tree(ruleset: int, path: str, hidden: set[str], above: set[str]) -> None:
    """Reading of everything below `path` but what is hidden. A folder above a hidden one is not granted
    itself, since a grant reaches all that is below: it cannot be listed."""
    if path in hidden:
        return
    if path not in above:
        kernel.grant(ruleset, path, _READ)
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


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _sweep() -> None:
    """Folders whose keeper was killed: nobody holds their lock."""
    base = _base()
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
                _remove(path)
        except OSError:
            pass
        finally:
            os.close(handle)


def _base() -> str:
    return os.environ.get("TMPDIR") or "/tmp"


def _remove(folder: str) -> None:
    """With all that is in it, however deep: what lies in a folder of it is first moved up beside that."""
    try:
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    names = os.listdir(top)
    while names:
        name = names.pop()
        try:
            os.unlink(name, dir_fd=top)
            continue
        except OSError:
            pass
        _quietly(lambda name=name: os.chmod(name, 0o700, dir_fd=top))  # a command may have closed it
        names += _emptied(top, name)
        _quietly(lambda name=name: os.rmdir(name, dir_fd=top))
    os.close(top)
    _quietly(lambda: os.rmdir(folder))


def _emptied(top: int, name: str) -> list[str]:
    """Remove the files of this folder and move its folders up; returns their new names."""
    try:
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    except OSError:
        return []
    moved = []
    for entry in os.listdir(below):
        try:
            os.unlink(entry, dir_fd=below)
        except OSError:
            _quietly(lambda entry=entry: os.chmod(entry, 0o700, dir_fd=below))
            other = os.urandom(12).hex()
            try:
                os.rename(entry, other, src_dir_fd=below, dst_dir_fd=top)
            except OSError:
                continue
            moved.append(other)
    os.close(below)
    return moved


def _quietly(act: Any) -> None:
    try:
        act()
    except OSError:
        return
