"""A job object of Windows: limits on memory and processes, and the end of all that was started.

Run by path as a program: it makes the job, enters it, and starts the command in it. Written from Microsoft's
documentation of `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`; not seen working.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys

FAILED = 125
_ACTIVE_PROCESSES, _JOB_MEMORY, _NO_ERROR_BOX, _KILL_ON_CLOSE = 0x8, 0x200, 0x400, 0x2000
_EXTENDED_LIMITS, _UI_RESTRICTIONS, _ALL_OF_THE_UI = 9, 4, 0xFF


class Basic(ctypes.Structure):
    _fields_ = (
        *(("process_time", ctypes.c_int64), ("job_time", ctypes.c_int64), ("flags", ctypes.c_uint32)),
        *(("least_set", ctypes.c_size_t), ("most_set", ctypes.c_size_t), ("processes", ctypes.c_uint32)),
        *(("affinity", ctypes.c_size_t), ("priority", ctypes.c_uint32), ("scheduling", ctypes.c_uint32)),
    )


class Extended(ctypes.Structure):
    _fields_ = (
        *(("basic", Basic), ("io", ctypes.c_uint64 * 6), ("process_memory", ctypes.c_size_t)),
        *(("job_memory", ctypes.c_size_t), ("peak_process", ctypes.c_size_t), ("peak_job", ctypes.c_size_t)),
    )


def limits(processes: int, memory: int) -> Extended:
    """What the kernel is told; `memory` in bytes, of all processes together."""
    told = Extended()
    told.basic.flags = _ACTIVE_PROCESSES | _JOB_MEMORY | _NO_ERROR_BOX | _KILL_ON_CLOSE
    told.basic.processes = processes
    told.job_memory = memory
    return told


def enter(processes: int, memory: int) -> None:
    """This process enters a job of its own, for good. Raises `OSError`."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    job = kernel.CreateJobObjectW(None, None)
    told, screen = limits(processes, memory), ctypes.c_uint32(_ALL_OF_THE_UI)
    handle = ctypes.c_void_p(job)
    made = (
        job
        and kernel.SetInformationJobObject(handle, _EXTENDED_LIMITS, ctypes.byref(told), ctypes.sizeof(told))
        and kernel.SetInformationJobObject(
            handle, _UI_RESTRICTIONS, ctypes.byref(screen), ctypes.sizeof(screen)
        )
        and kernel.AssignProcessToJobObject(handle, ctypes.c_void_p(kernel.GetCurrentProcess()))
    )
    if not made:
        raise OSError(ctypes.get_last_error(), "the job object was refused")  # type: ignore[attr-defined]


def main() -> None:
    """`sys.argv`: processes, bytes, "--", and the command."""
    try:
        enter(int(sys.argv[1]), int(sys.argv[2]))
        code = subprocess.call(sys.argv[4:])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"orch: the job object could not be entered: {error}\n")
        code = FAILED
    sys.exit(code)


if __name__ == "__main__":
    main()
