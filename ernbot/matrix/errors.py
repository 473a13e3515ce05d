"""What can go wrong at the Matrix edge."""

from __future__ import annotations

import traceback


class MatrixError(Exception):
    """The homeserver answered with an error of the Matrix specification."""

    def __init__(self, status: int, errcode: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 429 or self.status >= 500


class Unreachable(Exception):
    """The homeserver did not answer at all; the same request may succeed later."""


class Undecryptable(Exception):
    """An event cannot be decrypted, now (`no-key`) or ever (`broken`, `replay`, `forged`)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class RecoveryRefused(Exception):
    """An identity cannot be made or recovered as asked; the text tells the administrator what to do."""


class BackupLost(Exception):
    """The key backup on the homeserver is not ours (any more); the text tells the administrator what to do."""


class IdentityLost(Exception):
    """The homeserver knows an identity of ours whose keys we lack; the text tells the administrator what to do."""


class Unacceptable(Exception):
    """A to-device message of which nothing may be used; `wedged` when the channel to its device is broken."""

    def __init__(self, why: str, *, wedged: bool = False) -> None:
        super().__init__(why)
        self.wedged = wedged


def place(error: BaseException) -> str:
    """Where something unforeseen happened, without its text, which may be clinical."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
