"""What the sandbox gives up before it reads anything: memory, processor time, files, processes, the network.

Each step must hold for the rest of the process and need no privilege. The limits hold everywhere; what else the kernel
of this machine forbids is told, so that an administrator hears what is missing. Runs in the sandbox only.
"""

import ctypes
import math
import resource

from ernbot.imaging import landlock, seccomp

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE = 4
_LEAST_ROOM = 64 * 2**20
_OPEN_FILES = 32
"""Standard streams, and the modules that a codec loads on its first use."""


def enter() -> list[str]:
    """The first half, before any decoder is loaded: the network and the files of others. Needs a single thread.

    Returns what the kernel does not do: `namespaces` are no loss where `seccomp` works.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    left = any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))
    return [name for name, works in (("namespaces", left), ("landlock", landlock.install())) if not works]


def seal(memory: int) -> list[str]:
    """The second half, when the decoders are loaded; `memory` is the address space, bytes.

    Returns what the kernel does not do. Raises `MemoryError` where that is too little to decode anything.
    """
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))
    bytearray(_LEAST_ROOM)  # raises now what would otherwise refuse every file
    # A crash handler of the machine gets the core in spite of the limit, unless the process forbids it.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if seccomp.install():
        return []
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # forbids threads too, and does not bind the administrator
    return ["seccomp"]


def allow_seconds(seconds: float) -> None:
    """Let the CPU clock run for one more request: a limit set once would end a healthy process some day."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
