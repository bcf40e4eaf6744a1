"""Numbers of the system calls that a filter names, by architecture; from the kernel's tables."""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

_NEWEST = 469  # file_setattr, Linux 6.17: what came later is not known here, so it is refused
_BOTH = {
    **{"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427},
    **{"open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433},
    **{"clone3": 435, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442},
    **{"quotactl_fd": 443, "process_mrelease": 448, "fchmodat2": 452, "setxattrat": 463},
    **{"removexattrat": 466, "open_tree_attr": 467, "file_setattr": 469, "pidfd_send_signal": 424},
}
_X86_64 = _BOTH | {
    **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "keyctl": 250},
    **{"add_key": 248, "request_key": 249, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323},
    **{"mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "swapon": 167, "swapoff": 168},
    **{"reboot": 169, "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246},
    **{"kexec_file_load": 320, "unshare": 272, "setns": 308, "clone": 56, "open_by_handle_at": 304},
    **{"name_to_handle_at": 303, "syslog": 103, "acct": 163, "quotactl": 179, "settimeofday": 164},
    **{"clock_settime": 227, "clock_adjtime": 305, "adjtimex": 159, "sethostname": 170},
    **{"setdomainname": 171, "iopl": 172, "ioperm": 173, "lookup_dcookie": 212, "nfsservctl": 180},
    **{"fanotify_init": 300, "vhangup": 153, "uselib": 134, "_sysctl": 156, "modify_ldt": 154},
    **{"migrate_pages": 256, "move_pages": 279, "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92},
    **{"fchown": 93, "lchown": 94, "fchownat": 260, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190},
    **{"removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "utime": 132, "utimes": 235},
    **{"utimensat": 280, "futimesat": 261, "socket": 41, "socketpair": 53, "connect": 42, "bind": 49},
    **{"listen": 50, "accept": 43, "accept4": 288, "shmget": 29, "shmat": 30, "shmctl": 31, "msgget": 68},
    **{"msgsnd": 69, "msgrcv": 70, "msgctl": 71, "semget": 64, "semop": 65, "semctl": 66},
    **{"semtimedop": 220, "mq_open": 240, "mq_unlink": 241, "prlimit64": 302, "setpriority": 141},
    **{
        "sched_setscheduler": 144,
        "sched_setparam": 142,
        "sched_setattr": 314,
        "sched_setaffinity": 203,
        "ioprio_set": 251,
    },
    **{"kill": 62, "sched_setaffinity": 203, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "ioctl": 16},
    **{
        "mknod": 133,
        "mknodat": 259,
        "open": 2,
        "openat": 257,
        "creat": 85,
        "mkdir": 83,
        "mkdirat": 258,
        "ioctl": 16,
    },
}
_GENERIC = _BOTH | {
    **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "keyctl": 219},
    **{"add_key": 217, "request_key": 218, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282},
    **{"mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "swapon": 224, "swapoff": 225},
    **{"reboot": 142, "init_module": 105, "finit_module": 273, "delete_module": 106, "kexec_load": 104},
    **{"kexec_file_load": 294, "unshare": 97, "setns": 268, "clone": 220, "open_by_handle_at": 265},
    **{"name_to_handle_at": 264, "syslog": 116, "acct": 89, "quotactl": 60, "settimeofday": 170},
    **{"clock_settime": 112, "clock_adjtime": 266, "adjtimex": 171, "sethostname": 161},
    **{"setdomainname": 162, "lookup_dcookie": 18, "nfsservctl": 42, "fanotify_init": 262, "vhangup": 58},
    **{"migrate_pages": 238, "move_pages": 239, "fchmod": 52, "fchmodat": 53, "fchown": 55},
    **{"fchownat": 54, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14},
    **{"lremovexattr": 15, "fremovexattr": 16, "utimensat": 88, "socket": 198, "socketpair": 199},
    **{"connect": 203, "bind": 200, "listen": 201, "accept": 202, "accept4": 242, "shmget": 194},
    **{"shmat": 196, "shmctl": 195, "msgget": 186, "msgsnd": 189, "msgrcv": 188, "msgctl": 187},
    **{"semget": 190, "semop": 193, "semctl": 191, "semtimedop": 192, "mq_open": 180, "mq_unlink": 181},
    **{"prlimit64": 261, "setpriority": 140, "sched_setscheduler": 119, "sched_setparam": 118},
    **{"sched_setattr": 274, "sched_setaffinity": 122, "ioprio_set": 30, "kill": 129, "rt_sigqueueinfo": 138},
    **{"rt_tgsigqueueinfo": 240, "mknodat": 33, "openat": 56, "mkdirat": 34, "ioctl": 29},
}
NAMES = frozenset(_X86_64)


@dataclass(frozen=True, slots=True)
class Architecture:
    """`audit` is the kernel's AUDIT_ARCH value, `newest` the last number that the table knows."""

    audit: int
    numbers: dict[str, int]
    newest: int = _NEWEST


_KNOWN = {
    "x86_64": Architecture(0xC000003E, _X86_64),
    "aarch64": Architecture(0xC00000B7, _GENERIC),
    "riscv64": Architecture(0xC00000F3, _GENERIC),
}


def architecture(machine: str | None = None) -> Architecture | None:
    """This machine's, or None where no table is known (or the Python is a 32-bit one)."""
    return _KNOWN.get(machine or platform.machine()) if struct.calcsize("P") == 8 else None
