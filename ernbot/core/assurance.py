"""How sure we are of who sent something."""

from __future__ import annotations

from enum import IntEnum


class Assurance(IntEnum):
    """What is known of a device and of the identity that vouches for it; more includes less.

    Clients of the Matrix specification show the same steps: a device that its owner has not verified, one that they
    have, a user whose identity has not changed since it was first seen, a user who was compared by emoji.
    """

    NONE = 0
    SIGNED = 1
    UNCHANGED = 2
    VERIFIED = 3
