"""Runs in place of a shell: `python -I -S _guard.py PARENT REACH LIMITS PROGRAM ARG ...` becomes PROGRAM, in a jail.

A child outlives a killed parent unless the kernel is told otherwise, so this asks Linux to kill it with the process
PARENT (PR_SET_PDEATHSIG, prctl(2)). It then gives up everything that the program does not need: files but those of
REACH (Landlock), sockets and other ways out (seccomp), more CPU, memory, bytes in a file and open files than LIMITS
says. What a kernel can't do is left out; ``--rung`` in place of a program prints what it can. A file of its own,
standard library only: it must start in milliseconds and run before anything of the package is imported.

REACH is JSON: ``read``, ``write`` and ``execute`` are lists of paths, files or whole folders; null means no jail.
LIMITS is JSON: ``cpu_s``, ``file_bytes``, ``memory_bytes`` and ``open_files``, null where there is none.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
libc = ctypes.CDLL(None, use_errno=True)
Reach = dict[str, list[str]]
# Between the signal that asks a child to stop for its CPU time and the one that makes it, in seconds.
_CPU_GRACE_S = 5

# Landlock (include/uapi/linux/landlock.h). Its calls have the same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
# How many access rights each version of it knows: bits 0 to n-1.
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FS_RIGHTS = 16
_NET_RIGHTS_FROM, _SCOPES_FROM = 4, 6
_ALL_NET, _ALL_SCOPES = 3, 3
# What exists for a file that is no folder.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL


def _syscall(number: int, *arguments: object) -> int:
    return int(libc.syscall(number, *arguments))


def landlock_version() -> int:
    """0 where this kernel has none."""
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))


def landlock(reach: Reach) -> bool:
    """Leave nothing but the files of ``reach`` within reach; False where the kernel can't."""
    version = landlock_version()
    if version < 1:
        return False
    handled = (1 << _FS_RIGHTS.get(version, _NEWEST_FS_RIGHTS)) - 1
    fields = [handled]
    if version >= _NET_RIGHTS_FROM:
        fields.append(_ALL_NET)
    if version >= _SCOPES_FROM:
        fields.append(_ALL_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    reading = _READ_FILE | _READ_DIR
    rights = {"read": reading, "execute": reading | _EXECUTE, "write": handled & ~_EXECUTE}
    for kind, allowed in rights.items():
        for path in reach[kind]:
            _allow(ruleset, path, allowed & handled)
    done = _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return done


def _allow(ruleset: int, path: str, allowed: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        allowed &= _OF_FILES
    rule = struct.pack("=Qi", allowed, opened)
    _syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    os.close(opened)


# What no encoder needs: sockets, other processes' memory, mounts, namespaces, kernel modules, and ways around a filter.
# (number on x86_64, number on aarch64)
_DENIED = {
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "sendto": (44, 206), "recvfrom": (45, 207),
    "sendmsg": (46, 211), "recvmsg": (47, 212), "bind": (49, 200), "listen": (50, 201), "socketpair": (53, 199),
    "accept4": (288, 242), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "clock_settime": (227, 112), "settimeofday": (164, 170), "acct": (163, 89),
}  # fmt: skip
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_CLONE, _CLONE3 = (56, 220), 435
_NAMESPACES = 0x7E020000
_X32 = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_FILTER_MODE = 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def seccomp() -> bool:
    """Deny the calls of ``_DENIED``; False where this machine has no filter for it."""
    which = _ARCHITECTURES.get(os.uname().machine)
    if which is None:
        return False
    column, audit = which
    denied = [numbers[column] for numbers in _DENIED.values()]
    tests = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _ERROR | _EPERM), (_LOAD, 0, 0, 0)]
    tests += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERROR | _EPERM)]
    # Its flags stand in memory, where a filter can't look; told it does not exist, everyone falls back to clone.
    tests += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERROR | _ENOSYS)]
    for number in denied:
        tests += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | _EPERM)]
    tests += [(_EQUAL, 0, 3, _CLONE[column]), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NAMESPACES)]
    tests += [(_RETURN, 0, 0, _ERROR | _EPERM), (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", c, t, f, k) for c, t, f, k in tests))
    program = _Program(len(tests), ctypes.cast(code, ctypes.c_void_p))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) == 0)


def jailed(reach: Reach) -> tuple[int, bool]:
    """Give everything up that ``reach`` does not name: (Landlock's version or 0, whether seccomp filters)."""
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = landlock_version() if landlock(reach) else 0
    return version, seccomp()


def limit(limits: dict[str, int | None]) -> None:
    """Take no more than ``limits``, nor than what this process was left with itself."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu_s = limits["cpu_s"]
    _limit(resource.RLIMIT_CPU, cpu_s, None if cpu_s is None else cpu_s + _CPU_GRACE_S)
    _limit(resource.RLIMIT_NOFILE, limits["open_files"])
    _limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _limit(resource.RLIMIT_AS, limits["memory_bytes"])
    # Python has it ignored, and what is ignored stays so in the program: it shall end there and be told apart.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _limit(kind: int, soft: int | None, hard: int | None = None) -> None:
    if soft is None:
        return
    allowed = resource.getrlimit(kind)[1]
    most = sys.maxsize if allowed == resource.RLIM_INFINITY else allowed
    resource.setrlimit(kind, (min(soft, most), min(hard or soft, most)))


def main(parent: int, reach: Reach | None, limits: dict[str, int | None], argv: list[str]) -> None:
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the request was in force.
        if os.getppid() != parent:
            sys.exit(1)
    limit(limits)
    rung = jailed(reach) if reach is not None and sys.platform == "linux" else (0, False)
    if argv == ["--rung"]:
        print(json.dumps({"landlock": rung[0], "seccomp": rung[1]}))
        return
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])
