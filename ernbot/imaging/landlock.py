"""Which files the sandbox may read: Python, its libraries and their data. No other file, and none to write.

The settings, the database and the keys of the bot belong to the same user as the sandbox, so that permissions alone
would leave them open to a decoder that was taken over. Landlock (Documentation/userspace-api/landlock.rst of Linux)
closes them without a privilege, also to the administrator. Runs in the sandbox only.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

import ernbot

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _BENEATH = 1, 1
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights on files each version knows; the bits are counted from zero."""

_PR_SET_NO_NEW_PRIVS = 38
_SYSTEM = ("/lib", "/lib64", "/usr", "/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu")
_DEVICES = ("/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo")


def readable() -> set[str]:
    """What may be read: the interpreter, installed packages, this package, the libraries of the system."""
    ours = Path(ernbot.__file__).parent
    installed = {path for path in sys.path if path and Path(path).resolve() not in (ours.parent, Path.cwd())}
    return {sys.prefix, sys.base_prefix, str(ours), *installed, *_SYSTEM, *_DEVICES}


def install() -> bool:
    """Close all other files for good; whether the kernel does. Needs a single thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    version = libc.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _VERSION)
    if version < 1 or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    handled = ctypes.create_string_buffer(struct.pack("=Q", (1 << _RIGHTS.get(version, 16)) - 1), 8)
    rules = libc.syscall(ctypes.c_long(_CREATE_RULESET), handled, ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for path in readable():
            _allow(libc, rules, path)
        return bool(libc.syscall(ctypes.c_long(_RESTRICT_SELF), ctypes.c_int(rules), 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str) -> None:
    """Reading beneath a path; one that is not there needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _READ_FILE | (_READ_DIRECTORY if Path(path).is_dir() else 0)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        libc.syscall(ctypes.c_long(_ADD_RULE), ctypes.c_int(rules), _BENEATH, rule, 0)
    finally:
        os.close(descriptor)
