"""A rule that said no, as something to say. Which sentence belongs to which code is the catalogue's business."""

from __future__ import annotations

from datetime import date
from enum import Enum

from ernbot.commands.registry import Command
from ernbot.commands.reply import Labels, Part, Reply, Symbol, Text, Value
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action, Archived, Assessing, Closed, Signing

OUR_WORDS = frozenset({"state"})
"""Fields whose str is a word of ours and not somebody's own."""


SIGNED = frozenset({Closed.kind, Archived.kind})
"""States in which follow-up is no longer planned, but told of."""


def refusal(error: Refused) -> Reply:
    """The sentence `refused-<code>` with the fields of the refusal; an Enum becomes a Symbol named like its field."""
    return Reply((Text(f"refused-{error.code}", {name: _value(name, field) for name, field in error.fields.items()}),))


def explain(error: Refused, command: Command | None) -> Reply:
    """The sentence for a refusal, with the usage line when what was typed does not fit."""
    more: tuple[Part, ...] = ()
    if command and isinstance(error, BadInput):
        more = (Text("usage", {"usage": command.usage}),)
        if error.code == "usage" and command.action is Action.FOLLOW_UP:
            more = (*more, Text("followup-planned"))
    elif error.code == "wrong-state":
        more = (_instead(error, command),)
    return Reply((*(() if error.code == "usage" else refusal(error).parts), *more))


def _instead(error: Refused, command: Command | None) -> Text:
    """What to do where the state of the case does not allow what was asked."""
    if error.fields["action"] is Action.FOLLOW_UP:
        return Text("followup-planned")
    if command is not None and command.words == ("outcome", "followup") and error.fields["state"] in SIGNED:
        return Text("followup-happened")
    if error.fields["action"] is Action.WRITE_OUTCOME:
        if error.fields["state"] == Closed.kind:
            return Text("outcome-amend-instead")
        if error.fields["state"] == Assessing.kind:
            return Text("outcome-draft-first")
    if error.fields["action"] is Action.INVITE and error.fields["state"] == Signing.kind:
        return Text("panel-signing-instead")
    return Text("help-now")


def _value(name: str, field: object) -> Value:
    if isinstance(field, Enum):
        return Symbol(name, str(field.value))
    if isinstance(field, str) and name in OUR_WORDS:
        return Symbol(name, field)
    if isinstance(field, date | int | str | Labels | Symbol) and not isinstance(field, bool):
        return field
    return str(field)
