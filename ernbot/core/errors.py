"""The two ways in which a rule says no. The edges translate them; nothing here knows a language."""


class Refused(Exception):
    """A rule forbids what was asked. `code` names the catalogue message `refused-<code>`.

    `fields` fill the placeholders of that message. They are shown to the person who asked and are never
    logged, so they may repeat what that person typed, and nothing that they may not know.
    """

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


class BadInput(Refused):
    """What was typed does not fit; the edge adds the usage line of the command."""
