"""What a decoder that was taken over cannot do. Each attempt is made in a process that is confined as a worker is."""

import errno
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import ernbot
from ernbot.imaging import landlock, seccomp
from ernbot.imaging.process import Worker
from ernbot.imaging.worker import Previewer

ATTEMPTS = """
import ctypes, json, mmap, os, resource, signal, socket, sys, tempfile, threading
from ernbot.imaging import FORMATS, confinement
from importlib import import_module
port, secret, folder, parent = int(sys.argv[1]), sys.argv[2], sys.argv[3], os.getppid()
ready, waiting = socket.socketpair()
missing = confinement.enter()
for format_ in FORMATS:
    import_module(format_.decoder)
missing += confinement.seal(1200 * 2**20)
confinement.allow_seconds(5)
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno())

def in_a_thread():
    done = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    assert done

def leave(pid):
    if pid == 0:
        os._exit(0)

def many_bytes():
    mmap.mmap(-1, 2**31)

attempts = {
    "connect": lambda: socket.create_connection(("127.0.0.1", port), 2),
    "a socket": lambda: socket.socket(socket.AF_UNIX),
    "a socket that was there": lambda: ready.sendmsg([b"leak"]),
    "read a secret": lambda: open(secret).read(),
    "read the environment of the bot": lambda: open(f"/proc/{parent}/environ").read(),
    "write a new file": lambda: open(folder + "/leak", "wb").write(b"plaintext"),
    "write an old file": lambda: open(secret, "r+b"),
    "truncate": lambda: os.truncate(secret, 0),
    "a nameless file": lambda: tempfile.TemporaryFile(dir=folder),
    "a file in memory": lambda: os.memfd_create("leak"),
    "mkdir": lambda: os.mkdir(folder + "/leak"),
    "unlink": lambda: os.unlink(secret),
    "rename": lambda: os.rename(secret, secret + "2"),
    "link": lambda: os.link(secret, secret + "2"),
    "symlink": lambda: os.symlink(secret, secret + "2"),
    "chmod": lambda: os.chmod(secret, 0o777),
    "fork": lambda: leave(os.fork()),
    "vfork": lambda: checked(libc.syscall(58)) if os.uname().machine == "x86_64" else checked(-1),
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "signal the bot": lambda: os.kill(parent, 0),
    "limit the bot": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (10, 10)),
    "trace the bot": lambda: checked(libc.ptrace(16, parent, 0, 0)),
    "type into a terminal": lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"),
    "more files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)),
    "much memory": many_bytes,
    "a ring of calls": lambda: checked(libc.syscall(425, 8, 0)),
    "read a library": lambda: open(os.__file__).read(),
    "a thread": in_a_thread,
    "import": lambda: import_module("xml.dom.minidom"),
}
done = []
for name, attempt in attempts.items():
    try:
        attempt()
    except (OSError, MemoryError, ValueError):
        continue
    done.append(name)
soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
print(json.dumps({"missing": missing, "done": done, "soft": soft, "hard": hard}))
"""

HONEST = ["read a library", "a thread", "import"]


def test_a_confined_process_can_do_little(tmp_path: Path) -> None:
    secret = tmp_path / "ernbot.toml"
    secret.write_text("master_key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [sys.executable, "-c", ATTEMPTS, str(server.getsockname()[1]), str(secret), str(tmp_path)],
            cwd=Path(ernbot.__file__).parents[1],
            env={"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    told = json.loads(done.stdout)
    if not set(told["missing"]) & {"seccomp", "landlock"}:
        assert told["done"] == HONEST
    assert not {"write a new file", "much memory"} & set(told["done"])
    assert (5 < told["soft"] < 60, told["hard"]) == (True, -1)
    assert secret.read_text() == "master_key"
    assert {path.name for path in tmp_path.iterdir()} == {"ernbot.toml"}


# The filter, on both machines: run here step by step, as the kernel would

CALLS = {
    machine: {name: numbers[column] for name, numbers in seccomp._NUMBERS.items()}
    for machine, (column, _) in seccomp._MACHINES.items()
}
ALLOWED, REFUSED, ABSENT = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    data = struct.pack(
        "=IIQ6Q", number, architecture or seccomp._MACHINES[machine][1], 0, *arguments, *[0] * (6 - len(arguments))
    )
    steps, at, loaded = seccomp.program(machine), 0, 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, operand)
        else:
            at += if_true if (loaded == operand if code == 0x15 else loaded & operand) else if_false


LISTED = [(machine, name, number) for machine in CALLS for name, number in CALLS[machine].items() if number is not None]


@pytest.mark.parametrize(("machine", "name", "number"), LISTED)
def test_each_listed_call_is_decided_alike_on_both_machines(machine: str, name: str, number: int) -> None:
    good = {"clone": (0x3D0F00,), "ioctl": (1, 0x5401), "fcntl": (1, 1030)}
    bad = {
        "clone": (0x11,),
        "fcntl": (1, 8),
        "ioctl": (0, 0x5412),
        "open": (0, 0o101),
        "openat": (0, 0, 0o2),
        "prlimit64": (4711,),
    }
    assert decide(machine, number, *good.get(name, ())) == ALLOWED
    if name in bad:
        assert decide(machine, number, *bad[name]) == REFUSED


@pytest.mark.parametrize("machine", CALLS)
def test_no_other_call_is_there(machine: str) -> None:
    listed = set(CALLS[machine].values())
    assert {decide(machine, number) for number in range(600) if number not in listed} == {ABSENT}
    assert decide(machine, 0x40000000 | 1) == ABSENT  # the other numbering of x86-64
    assert decide(machine, 1, architecture=0x40000003) == 0x80000000  # 32-bit calls have other numbers


def test_the_settings_beside_the_package_are_not_readable() -> None:
    root = Path(ernbot.__file__).parents[1].resolve()
    assert root not in {Path(path).resolve() for path in landlock.readable()}


# Kernels that do not help


async def test_a_kernel_that_does_not_confine_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = Previewer._start

    async def unconfined(self: Previewer) -> Worker:
        worker = await start(self)
        worker.missing = frozenset({"seccomp", "namespaces"})
        return worker

    monkeypatch.setattr(Previewer, "_start", unconfined)
    async with Previewer(workers=2):
        pass
    assert [record.message for record in caplog.records if "imaging" in record.name] == [
        "this kernel does not confine the imaging workers as it could: no seccomp"
    ]


WITHOUT_FILTER = """
import resource
from ernbot.imaging import confinement, seccomp
seccomp.install = lambda: False
print(confinement.seal(2**30), resource.getrlimit(resource.RLIMIT_NPROC))
"""


def test_without_the_filter_no_process_can_be_started() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_FILTER], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['seccomp'] (0, 0)"
