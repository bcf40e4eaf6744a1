"""The filter of system calls, as a classic BPF program. Pure.

A filter sees numbers and arguments, never what a pointer points at: so `clone3` is refused (its flags
lie in memory; the C library falls back to `clone`), and `openat2` likewise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.tools.confinement.syscalls import Architecture

EPERM, ENOSYS, ENOTTY, EAFNOSUPPORT = 1, 38, 25, 97
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _AND, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_ALL = 0xFFFFFFFF
_NAMESPACES = 0x7E020080
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_DGRAM = 2


@dataclass(frozen=True, slots=True)
class Test:
    """About the low 32 bits of an argument: what the kernel itself looks at where it takes an int."""

    argument: int
    how: Literal["is", "not", "any"]
    value: int
    mask: int = _ALL


@dataclass(frozen=True, slots=True)
class Rule:
    """Refuse `call` with `error` when all of `when` hold, or, with `unless`, when none of these holds."""

    call: str
    error: int = EPERM
    when: tuple[Test, ...] = ()
    unless: tuple[Test, ...] = ()


def _each(*names: str, error: int = EPERM) -> list[Rule]:
    return [Rule(name, error) for name in names]


_KERNEL = [
    *_each("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise"),
    *_each("process_mrelease", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"),
    *_each("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick"),
    *_each("move_mount", "open_tree", "open_tree_attr", "mount_setattr", "swapon", "swapoff", "reboot"),
    *_each("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "setns"),
    *_each("open_by_handle_at", "name_to_handle_at", "syslog", "acct", "quotactl", "quotactl_fd"),
    *_each("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"),
    *_each("iopl", "ioperm", "lookup_dcookie", "nfsservctl", "fanotify_init", "vhangup", "uselib"),
    *_each("_sysctl", "modify_ldt", "migrate_pages", "move_pages"),
    *_each("io_uring_setup", "io_uring_enter", "io_uring_register", "clone3", "openat2", error=ENOSYS),
    Rule("clone", when=(Test(0, "any", _NAMESPACES & ~0x80),)),  # its low byte is a signal
    Rule("unshare", when=(Test(0, "any", _NAMESPACES),)),
    *(Rule("ioctl", when=(Test(1, "is", number),)) for number in (0x5412, 0x541C, 0x5423)),
    # TIOCSTI types into a terminal, TIOCLINUX pastes, TIOCSETD loads a line discipline
]
_MODES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2}
_MODES |= {"creat": 1, "mkdir": 1, "mkdirat": 2}
_OPENS = {"open": (1, 2), "openat": (2, 3)}
_SETUID = [
    *(Rule(call, when=(Test(mode, "any", 0o6000),)) for call, mode in _MODES.items()),
    *(
        Rule(call, when=(Test(flags, "any", 0o20000100), Test(mode, "any", 0o6000)))
        for call, (flags, mode) in _OPENS.items()
    ),
]
_METADATA = [
    *_each("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *_each("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr"),
    *_each("fremovexattr", "removexattrat", "file_setattr", "utime", "utimes", "utimensat", "futimesat"),
    # Attributes of files, snapshots and the like are set by ioctl, even on a file opened for reading.
    Rule(
        "ioctl",
        ENOTTY,
        unless=(
            Test(1, "is", 0x5400, 0xFFFFFF00),  # terminals, FIONREAD, FIONBIO, FIOCLEX
            *(Test(1, "is", number) for number in (0x40049409, 0x4020940D, 0x80086601, 0xC020660B)),
        ),
    ),
]
_OWN_PROCESS = [  # of the same user, every process could be changed
    *_each("shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop"),
    *_each("semctl", "semtimedop", "mq_open", "mq_unlink"),
    Rule("prlimit64", when=(Test(0, "not", 0),)),
    Rule("setpriority", when=(Test(0, "not", 0),)),
    Rule("setpriority", when=(Test(1, "not", 0),)),
    Rule("ioprio_set", when=(Test(0, "not", 1),)),
    Rule("ioprio_set", when=(Test(1, "not", 0),)),
    *(
        Rule(call, when=(Test(0, "not", 0),))
        for call in ("sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity")
    ),
]
_SIGNALS = [
    Rule("kill", when=(Test(0, "is", _ALL),)),
    *_each("rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
]


def _sockets(families: Sequence[int]) -> list[Rule]:
    """Sockets of these families, and connected pairs: a pair of datagram sockets could be addressed."""
    rules = [
        Rule("socket", EAFNOSUPPORT, unless=tuple(Test(0, "is", family) for family in families)),
        Rule("socketpair", EAFNOSUPPORT, unless=(Test(0, "is", _UNIX),)),
    ]
    if _UNIX not in families:
        rules.append(Rule("socketpair", EAFNOSUPPORT, when=(Test(1, "is", _DGRAM, 0xF),)))
    if not families:
        rules += _each("connect", "bind", "listen", "accept", "accept4")
    return rules


def in_namespaces(network: bool) -> list[Rule]:
    """What namespaces do not stop: the kernel's own doors, setuid files, sockets that no namespace holds
    (vsock, Bluetooth …); and with the network open, sockets of this machine's other programs."""
    families = (_INET, _INET6, _NETLINK) if network else (_UNIX, _INET, _INET6, _NETLINK)
    return [*_KERNEL, *_SETUID, *_sockets(families)]


def beside_landlock(network: bool, scoped: bool, metadata: bool) -> list[Rule]:
    """What Landlock does not stop. `scoped`: it confines signals. `metadata`: modes and times may change."""
    return [
        *_KERNEL,
        *(_SETUID if metadata else _METADATA),
        *_OWN_PROCESS,
        *(() if scoped else _SIGNALS),
        *_sockets((_INET, _INET6, _NETLINK) if network else ()),
    ]


def program(rules: Sequence[Rule], machine: Architecture) -> bytes:
    """`struct sock_filter[]` for the kernel: the other architectures' calls and unknown ones do not exist."""
    code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _ERRNO | ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_ABOVE, 0, 1, machine.newest),  # x32 begins at 2**30
        (_RETURN, 0, 0, _ERRNO | ENOSYS),
    ]
    for rule in rules:
        if rule.call in machine.numbers:
            code += _compiled(rule, machine.numbers[rule.call])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


Instruction = tuple[int, int, int, int]


def _compiled(rule: Rule, number: int) -> list[Instruction]:
    """Each rule starts and ends with the call's number loaded."""
    refuse = (_RETURN, 0, 0, _ERRNO | rule.error)
    if not rule.when and not rule.unless:
        return [(_EQUAL, 0, 1, number), refuse]
    body: list[Instruction] = []
    if rule.when:
        parts = [list(_check(test)) for test in rule.when]
        total = sum(map(len, parts)) + 1  # and the refusal
        for part in parts:
            total -= len(part)
            code, _, _, value = part[-1]
            yes, no = (total, 0) if _negated(part) else (0, total)
            body += [*part[:-1], (code, yes, no, value)]
    else:
        parts = [list(_check(test)) for test in rule.unless]
        total = sum(map(len, parts)) + 1
        for part in parts:
            total -= len(part)
            code, _, _, value = part[-1]
            body += [*part[:-1], (code, total, 0, value)]
    body += [refuse, (_LOAD, 0, 0, _NUMBER)]
    return [(_EQUAL, 0, len(body), number), *body]


def _check(test: Test) -> Iterator[Instruction]:
    yield (_LOAD, 0, 0, _ARGUMENTS + 8 * test.argument)
    if test.mask != _ALL:
        yield (_AND, 0, 0, test.mask)
    yield (_ANY_BIT if test.how == "any" else _EQUAL, int(test.how == "not"), 0, test.value)


def _negated(part: list[Instruction]) -> bool:
    return bool(part[-1][1])
