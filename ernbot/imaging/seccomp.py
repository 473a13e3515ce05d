"""A filter on the system calls of the sandbox: a list of those that decoding needs, and no other.

What is not listed answers "not implemented", as an older kernel would, so that libraries take their other way. Files
open for reading alone, a new process is refused and a thread is not, and no signal reaches another process. A file
without a name in it (a socket, a pipe, shared memory) cannot be made, and neither can a connection.

Written for Linux on x86-64 and ARM64, as classic BPF (Documentation/userspace-api/seccomp_filter.rst of Linux).
Runs in the sandbox only.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

# Numbers of x86-64 and ARM64; None where a machine does not have the call.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "access": (21, None),
    "arch_prctl": (158, None),
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "clone": (56, 220),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "fadvise64": (221, 223),
    "fcntl": (72, 25),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getcpu": (309, 168),
    "getcwd": (79, 17),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "getuid": (102, 174),
    "ioctl": (16, 29),
    "lseek": (8, 62),
    "lstat": (6, None),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "newfstatat": (262, 79),
    "open": (2, None),
    "openat": (257, 56),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pread64": (17, 67),
    "prlimit64": (302, 261),
    "pselect6": (270, 72),
    "read": (0, 63),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "readv": (19, 65),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "select": (23, None),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "setrlimit": (160, 164),
    "sigaltstack": (131, 132),
    "stat": (4, None),
    "statx": (332, 291),
    "sysinfo": (99, 179),
    "time": (201, None),
    "times": (100, 153),
    "uname": (63, 160),
    "write": (1, 64),
    "writev": (20, 66),
}

_WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
_CLONE_THREAD = 0x10000

# Argument, and the bits of which none may be set.
_WITHOUT = {"open": (1, _WRITING), "openat": (2, _WRITING)}
# Argument, and the bits of which one must be set.
_WITH = {"clone": (0, _CLONE_THREAD)}
# Argument, and its possible values: one's own limits; TCGETS and FIOCLEX; F_DUPFD, F_GETFD, F_SETFD, F_GETFL and
# F_DUPFD_CLOEXEC. Others type into a terminal, or let a file send signals.
_ONE_OF = {"prlimit64": (0, (0,)), "ioctl": (1, (0x5401, 0x5451)), "fcntl": (1, (0, 1, 2, 3, 1030))}

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the numbers, and AUDIT_ARCH."""

_CALL = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand: `struct sock_filter`."""


def program(machine: str) -> list[Instruction]:
    """The filter for a machine of `_MACHINES`. Raises `KeyError` for another."""
    column, architecture = _MACHINES[machine]
    steps = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    steps.append((_LOAD, 0, 0, _NUMBER_AT))
    for name, numbers in _NUMBERS.items():
        number, then = numbers[column], list(_judge(name))
        if number is not None:
            steps += [(_EQUAL, 0, len(then), number), *then]
    return [*steps, (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]


def _judge(name: str) -> Iterator[Instruction]:
    """What is decided about one call, by the low half of an argument: the kernel looks at no more of these."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | errno.EPERM)
    for rules in (_WITHOUT, _WITH, _ONE_OF):
        if name in rules:
            yield (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * rules[name][0])
    if name in _WITHOUT:
        yield from ((_ANY_BIT, 0, 1, _WITHOUT[name][1]), refuse)
    if name in _WITH:
        yield from ((_ANY_BIT, 1, 0, _WITH[name][1]), refuse)
    if name in _ONE_OF:
        values = _ONE_OF[name][1]
        for index, value in enumerate(values):
            yield (_EQUAL, len(values) - index, 0, value)
        yield refuse
    yield allow


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def install() -> bool:
    """Filter the calls of all threads from now on, for good; whether the kernel does."""
    machine = platform.machine()
    if machine not in _MACHINES:
        return False
    steps = program(machine)
    packed = b"".join(struct.pack("=HBBI", *step) for step in steps)
    filter_ = _Program(len(steps), packed)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    call = ctypes.c_long(_CALL[machine])
    return bool(libc.syscall(call, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(filter_)) == 0)
