"""The kernel's own calls for confining oneself, by number: Landlock, the filter, capabilities.

Only what a helper needs: `ctypes` itself takes 10 ms to load, most other modules are left alone.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
MAKE_DEVICES = 1 << 6 | 1 << 9 | 1 << 11  # character, socket, block
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
NO_NEW_PRIVS, DEATH_SIGNAL, SUBREAPER = 38, 1, 36
_SECCOMP, _DROP, _AMBIENT = 22, 24, 47
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_libc = ctypes.CDLL(None, use_errno=True)
_NOTHING = (ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("handle", ctypes.c_int32))


class _Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def narrow(rules: dict[str, Any]) -> None:
    """Inside bubblewrap: no writing into named pipes elsewhere, which a read-only mount lets through."""
    # Moving between folders is refused unless it is granted, even where it is not ruled.
    moving = REFER if rules["abi"] >= 2 else 0
    made = ruleset(rules["abi"], WRITE_FILE | moving)
    if moving:
        grant(made, "/", moving)
    for path in rules["writable"]:
        grant(made, path, WRITE_FILE)
    restrict(made)


def handled(abi: int) -> int:
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    return (1 << bits) - 1


def ruleset(abi: int, rights: int, network: bool = True) -> int:
    attributes = _Attributes(rights, 0 if network or abi < 4 else 3, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    return _call(_CREATE, ctypes.byref(attributes), size, 0)


def grant(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile: not granted
    try:
        add(ruleset, handle, rights)
    finally:
        os.close(handle)


def add(ruleset: int, handle: int, rights: int) -> None:
    if not os.path.isdir(f"/proc/self/fd/{handle}"):
        rights &= _FILE_RIGHTS

    rule = _Beneath(rights, handle)
    _call(_ADD, ruleset, 1, ctypes.byref(rule), 0)


def drop_capabilities() -> None:
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
    prctl(NO_NEW_PRIVS, 1)


def load_filter(program: bytes) -> None:
    loaded = _Program(len(program) // 8, program)
    if _libc.prctl(_SECCOMP, ctypes.c_ulong(2), ctypes.byref(loaded), *_NOTHING[1:]) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


def prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), *_NOTHING) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _call(number: int, *arguments: Any) -> int:
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return result


def restrict(made: int) -> None:
    """Lay the rules upon this process, and all that it starts. For good."""
    _call(_RESTRICT, made, 0)
