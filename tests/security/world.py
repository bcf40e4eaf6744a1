"""The world around the attacked project: secrets, files, sockets, pipes and a victim, all watched.

`World.breaches` tells what an attack achieved: a secret that was read, in whatever coding, a file that
changed, something that reached a socket, a process that was touched, one that stayed behind.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import resource
import selectors
import shutil
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

SECRETS = (
    *(".ssh/id_ed25519", ".netrc", ".aws/credentials", ".config/gh/hosts.yml", ".mozilla/firefox/key4.db"),
    *(
        ".gnupg/private.key",
        ".git-credentials",
        ".docker/config.json",
        ".bash_history",
        "orch/journal.sqlite3",
    ),
    # nothing in a list of secrets names these
    *(
        ".config/some-new-tool/auth.json",
        ".ollama/id_ed25519",
        ".local/share/atuin/key",
        ".local/state/x/token",
    ),
    *(".wgetrc", ".irb_history", "vpn.ovpn", "passwords.txt", "tokens"),
)
GITCONFIG = (
    '[user]\nname = me\n[credential]\nhelper = store --file {home}/tokens\n[url "https://me:{token}@h/"]\n'
)
KEPT = (".git", ".gitmodules", ".orchestrator", "a.txt", "kit.py", "evil", "inside.sock", "lib", "tools")
GUARDED = (".git/", ".orchestrator/", "lib/sub/.git/", "tools/nested/.git/")
PLANTED = ("/etc/orch-evil", "/tmp/orch-evil", "/var/tmp/orch-evil", "/run/orch-evil", "/dev/shm/orch-evil")
PLANTED += ("/usr/local/bin/orch-evil", "/etc/cron.d/orch-evil", "/root/orch-evil", "/orch-evil")
_VICTIM = (
    "import os, sys, time\n"
    "secret = os.environ['VICTIM_SECRET']; held = open(sys.argv[1]); print('up', flush=True); time.sleep(900)"
)


def git(folder: Path, *args: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


@dataclass
class World:
    """`outside` holds everything, `project` is what the attack may use."""

    outside: Path
    token: str = field(default_factory=lambda: f"CANARY{os.urandom(8).hex()}")

    def build(self) -> None:
        self.project = self.outside / "project"
        self.home = self.outside / "home"
        for name in SECRETS:
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{self.token}\n")
        (self.home / ".bashrc").write_text("# mine\n")
        settings = GITCONFIG.format(home=self.home, token=self.token)
        (self.home / ".gitconfig").write_text(settings)
        (self.outside / "neighbour").mkdir()
        (self.outside / "neighbour/.env").write_text(f"KEY={self.token}\n")
        (self.outside / "plain.txt").write_text("plain\n")
        (self.outside / "folder").mkdir()
        (self.outside / "folder/inner.txt").write_text("inner\n")
        os.mkfifo(self.outside / "pipe")
        self._repository()
        self.template = Path("/tmp") / f"{self.outside.name}-template"  # out of sight in every tier
        subprocess.run(["cp", "-a", str(self.outside), str(self.template)], check=True)
        (self.template / "pipe").unlink()
        self.temporary = Path("/tmp", f"{self.outside.name}-tmp")
        self.temporary.mkdir()
        self._listen()
        self._hand_down()
        self._victim()
        self.before = self.state()

    def _repository(self) -> None:
        library = self.outside / "library"
        for folder in (library, self.project):
            folder.mkdir()
            (folder / "a.txt").write_text("one\n")
            git(folder, "init", "-q", "-b", "main", "--template=")
            (folder / ".git/hooks").mkdir()
            git(folder, "add", "-A")
            git(folder, "commit", "-qm", "first")
        git(self.project, "submodule", "--quiet", "add", str(library), "lib/sub")
        git(self.project, "commit", "-qm", "with a submodule")
        git(self.outside, "clone", "-q", "--template=", str(library), "project/tools/nested")
        (self.project / "tools/nested/.git/hooks").mkdir()
        (self.project / ".orchestrator").mkdir()
        (self.project / ".orchestrator/project.toml").write_text('id = "x"\n')
        shutil.copy(Path(__file__).with_name("kit.py"), self.project)
        (self.project / "evil").write_text(f"#!/bin/sh\necho ran > {self.outside}/ran\ncat\n")
        (self.project / "evil").chmod(0o755)

    def _listen(self) -> None:
        self._arrived: list[str] = []
        self._listening = selectors.DefaultSelector()
        self.ports: dict[str, int] = {}
        self.abstract = f"orch-test-{os.urandom(6).hex()}"
        plans = [
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.abstract}"),
            ("abstract-dgram", socket.AF_UNIX, socket.SOCK_DGRAM, f"\0{self.abstract}-dgram"),
            ("stream", socket.AF_UNIX, socket.SOCK_STREAM, str(self.outside / "stream.sock")),
            ("dgram", socket.AF_UNIX, socket.SOCK_DGRAM, str(self.outside / "dgram.sock")),
            ("relative", socket.AF_UNIX, socket.SOCK_STREAM, "relative.sock"),
            ("inside", socket.AF_UNIX, socket.SOCK_STREAM, str(self.project / "inside.sock")),
        ]
        os.chdir(self.outside)  # where the relative one lies, as with a server that was started there
        for name, family, kind, address in plans:
            listener = socket.socket(family, kind)
            try:
                listener.bind(address)
            except OSError:
                if name != "tcp6":
                    raise
                continue  # a machine without IPv6
            if kind == socket.SOCK_STREAM:
                listener.listen()
            listener.setblocking(False)
            self._listening.register(listener, selectors.EVENT_READ, name)
            if family in (socket.AF_INET, socket.AF_INET6):
                self.ports[name] = listener.getsockname()[1]
        pipe = os.open(self.outside / "pipe", os.O_RDWR | os.O_NONBLOCK)
        self._listening.register(pipe, selectors.EVENT_READ, "pipe")

    def _hand_down(self) -> None:
        """What a careless parent leaves to its children: a descriptor, a variable, a key, shared memory."""
        os.environ["ORCH_TEST_SECRET"] = self.token
        self.descriptor = os.dup2(os.open(self.home / ".netrc", os.O_RDONLY), 57, inheritable=True)
        libc = ctypes.CDLL(None, use_errno=True)
        payload = self.token.encode()
        numbers = (248, 250) if os.uname().machine == "x86_64" else (217, 219)
        libc.syscall(numbers[1], 1, None)  # a session keyring of its own
        self.has_key = libc.syscall(numbers[0], b"user", b"orch-canary", payload, len(payload), -3) > 0
        self.key = int(self.token[6:13], 16)
        number = self._segment = libc.shmget(self.key, 4096, 0o1600)
        libc.shmat.restype = ctypes.c_void_p
        address = libc.shmat(number, None, 0)
        ctypes.memmove(address, payload, len(payload))
        self.scattered = [Path(folder, self.outside.name) for folder in ("/dev/shm", "/tmp", "/var/tmp")]
        for path in self.scattered:
            path.write_text(self.token)

    def _victim(self) -> None:
        secret = self.home / ".ssh/id_ed25519"
        self.victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _VICTIM, str(secret)],
            cwd=secret.parent,
            env={"VICTIM_SECRET": self.token},
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert self.victim.stdout is not None
        assert self.victim.stdout.readline() == b"up\n"
        self._limits = resource.prlimit(self.victim.pid, resource.RLIMIT_NOFILE)
        self._nice = os.getpriority(os.PRIO_PROCESS, self.victim.pid)
        self._processors = os.sched_getaffinity(self.victim.pid)
        self._processes = self.processes()

    def processes(self) -> dict[int, str]:
        """All others of this PID namespace that are alive."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and int(entry.name) != os.getpid():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def state(self) -> dict[str, str]:
        """All that must stay as it is: outside the project, and git's and orch's folders in it."""
        inside, guarded = f"{self.project}/", tuple(f"{self.project}/{name}" for name in GUARDED)
        found = {name: str(os.path.lexists(name)) for name in PLANTED}
        for folder, folders, files in os.walk(self.outside):
            if folder == str(self.project):
                folders[:] = [name for name in folders if name in (".git", ".orchestrator", "lib", "tools")]
                files = []
            for name in [*folders, *files]:
                path = f"{folder}/{name}"
                if f"{path}/".startswith(guarded) or not f"{path}/".startswith(inside):
                    found[path] = _fingerprint(path)
        return found

    def breaches(self, output: str) -> list[str]:
        """What was achieved since the world was built; the world is as before when there is none."""
        found = [f"the secret was read ({how})" for how in _readable(self.token, output)]
        for path in self.project.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
                    found += [
                        f"the secret lies in {path.name}"
                        for _ in _readable(self.token, path.read_text("latin-1"))
                    ]
        if "OPEN" in output:
            found.append(f"a door is open: {output.strip()[:200]}")
        found += [f"something reached {name}" for name in self._reached()]
        now = self.state()
        found += [
            f"{path} changed: {self.before.get(path)} -> {now.get(path)}"
            for path in sorted({*now, *self.before})
            if now.get(path) != self.before.get(path)
        ]
        found += self._of_victim()
        left = {pid: name for pid, name in self.processes().items() if pid not in self._processes}
        return found + [f"left behind: {name}" for name in left.values()]

    def _of_victim(self) -> list[str]:
        if self.victim.poll() is not None:
            return ["the victim is dead"]
        found = []
        if resource.prlimit(self.victim.pid, resource.RLIMIT_NOFILE) != self._limits:
            found.append("the victim's limits changed")
        if os.getpriority(os.PRIO_PROCESS, self.victim.pid) != self._nice:
            found.append("the victim's priority changed")
        if os.sched_getaffinity(self.victim.pid) != self._processors:
            found.append("the victim's processors changed")
        if "T" in Path(f"/proc/{self.victim.pid}/stat").read_text().rpartition(")")[2].split()[0].upper():
            found.append("the victim was stopped")
        return found

    def users_git(self) -> None:
        """What the user does next, in a shell of their own; git is the user's, unhardened."""
        for command in (
            "status",
            "-c diff.autoRefreshIndex=false diff",
            "log -1 -p",
            "-C tools/nested status",
        ):
            subprocess.run(
                ["git", *command.split()],
                cwd=self.project,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                env={"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_OPTIONAL_LOCKS": "0"},
            )

    def _reached(self) -> list[str]:
        found = []
        for key, _ in self._listening.select(0):
            found.append(str(key.data))
            with contextlib.suppress(OSError):
                if isinstance(key.fileobj, int):
                    os.read(key.fileobj, 4096)
                elif key.fileobj.type == socket.SOCK_STREAM:  # type: ignore[union-attr]
                    key.fileobj.accept()[0].close()  # type: ignore[union-attr]
                else:
                    key.fileobj.recv(4096)  # type: ignore[union-attr]
        return found

    def repair(self) -> None:
        """Put back what an attack changed, as it was built."""
        now = self.state()
        changed = {path for path in {*now, *self.before} if now.get(path) != self.before.get(path)}
        tops = {self._top(Path(path)) for path in changed if Path(path).is_relative_to(self.outside)}
        for top in {*tops, "project/kit.py", "project/evil"}:
            there, whole = self.outside / top, self.template / top
            if os.path.lexists(there) and not _special(there):
                shutil.rmtree(there) if there.is_dir() and not there.is_symlink() else there.unlink()
            if whole.exists():
                subprocess.run(["cp", "-a", str(whole), str(there)], check=True)
        self.restore()
        if "home" in tops or self._of_victim():
            self.victim.kill()  # its working folder may be no longer there
            self.victim.wait()
            self._victim()
        self.before = self.state() if tops else self.before

    def _top(self, path: Path) -> str:
        """The entry to copy anew: below `outside`, or below the project, whose sockets stay."""
        parts = path.relative_to(self.outside).parts
        return "/".join(parts[:2] if parts[0] == "project" else parts[:1])

    def restore(self) -> None:
        """Only what the attack left in the project, so that the next one starts from the same."""
        for path in self.project.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        (self.project / "a.txt").write_text("one\n")

    def end(self) -> None:
        self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()
        for path in self.scattered:
            path.unlink(missing_ok=True)
        ctypes.CDLL(None).shmctl(self._segment, 0, None)
        shutil.rmtree(self.outside, ignore_errors=True)
        shutil.rmtree(self.template, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)


def _fingerprint(name: str | Path) -> str:
    path, found = Path(name), os.lstat(name)
    about = f"{found.st_mode:o} {found.st_uid} {found.st_gid} {found.st_nlink} {found.st_mtime_ns}"
    with contextlib.suppress(OSError):
        about += " ".join(os.listxattr(path, follow_symlinks=False))
    if stat.S_ISLNK(found.st_mode):
        return f"{about} {os.readlink(path)}"
    return f"{about} {hash(path.read_bytes())}" if stat.S_ISREG(found.st_mode) else about


def _special(path: Path) -> bool:
    return stat.S_ISSOCK(path.lstat().st_mode) or stat.S_ISFIFO(path.lstat().st_mode)


def _readable(token: str, text: str) -> list[str]:
    """In which codings the secret is in there."""
    half = token[6:]
    plain = {"plain": half, "hex": half.encode().hex(), "reversed": half[::-1]}
    squeezed = "".join(text.split())
    found = [how for how, value in plain.items() if value.lower() in squeezed.lower()]
    for shift in range(3):  # base64 depends on where in a group of three it starts
        coded = base64.b64encode(b"x" * shift + half.encode()).decode()[4:-4]
        found += ["base64"] * (coded in squeezed)
    return found
