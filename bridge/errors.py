"""What can go wrong for an administrator of the bridge, each as one sentence that says what to do.

No error carries a token or the content of a Matrix event.
"""


class BridgeError(Exception):
    """Shown as it is, without a traceback; the command ends with status 1."""


class Unreachable(BridgeError):
    """The homeserver does not answer."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The homeserver at {url} does not answer. Start it, or correct homeserver.url.")


class Rejected(BridgeError):
    """The homeserver answered with an error of the Matrix specification."""

    def __init__(self, request: str, status: int, errcode: str, error: str) -> None:
        hint = " Check the token." if errcode in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN") else ""
        super().__init__(f"The homeserver refused {request}: {errcode} {error}{hint}")
        self.status = status
        self.errcode = errcode
