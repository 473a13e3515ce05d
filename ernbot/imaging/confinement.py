"""What the sandbox gives up before it reads anything: memory, processor time, files to write, processes, the network.

Each function must hold for the rest of the process, and none may need a privilege. Runs in the sandbox only.
"""

import ctypes
import math
import resource

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE = 4
_LEAST_ROOM = 64 * 2**20
_OPEN_FILES = 32
"""Standard streams, and the modules that a codec loads on its first use."""


def leave_network() -> bool:
    """Move into a network namespace with nothing in it; whether the kernel let us. Needs a single thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


def limit(memory: int) -> None:
    """Give up for good what decoding does not need. `memory` is the address space, bytes.

    Raises `MemoryError` where that is too little to decode anything.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))
    bytearray(_LEAST_ROOM)  # raises now what would otherwise refuse every file
    # A crash handler of the machine gets the core in spite of the limit, unless the process forbids it.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_seconds(seconds: float) -> None:
    """Let the CPU clock run for one more request: a limit set once would end a healthy process some day."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
