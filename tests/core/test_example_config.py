"""The settings file that is shipped as an example loads, shows every setting, and fits the bridge's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from bridge.settings import Configuration
from ernbot.config import Settings, load_settings
from ernbot.form_files import check_forms, load_forms
from ernbot.network_files import load_directory

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = CONFIG / "ernbot.toml"
OPTIONAL = re.compile(r"^# (?P<line>[a-z_]+ = .*)$", re.MULTILINE)
INSTEAD = {"key_env"}
"""Shown as a comment because it takes the place of another setting, not because it is the default."""


def test_the_example_loads_with_its_networks_and_forms() -> None:
    settings = load_settings(EXAMPLE)
    directory = load_directory(settings.networks, settings.homeserver.server_name)
    check_forms(directory, load_forms(settings.forms))
    assert settings.bot_user_id == "@ernbot:case.example"


def test_the_example_shows_every_setting_and_no_other() -> None:
    shown = tomllib.loads(OPTIONAL.sub(r"\g<line>", EXAMPLE.read_text(encoding="utf-8")))
    assert _keys(shown) == _fields(Settings)


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    """Nobody changes anything by taking a comment sign away."""
    text = OPTIONAL.sub(lambda m: m[0] if m["line"].split()[0] in INSTEAD else m["line"], EXAMPLE.read_text("utf-8"))
    spelled_out = tmp_path / "ernbot.toml"
    spelled_out.write_text(text, encoding="utf-8")
    assert text != EXAMPLE.read_text(encoding="utf-8")
    assert _values(spelled_out) == _values(EXAMPLE)


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_what_takes_the_place_of_another_setting_is_shown(name: str) -> None:
    assert f"# {name} = " in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_agrees_with_the_example_of_the_bridge() -> None:
    """Two files name the same account, token and database."""
    ours, bridge = load_settings(EXAMPLE), Configuration(CONFIG / "bridge.toml")
    assert (ours.homeserver.url, ours.homeserver.server_name) == (
        bridge.settings.homeserver.url,
        bridge.settings.homeserver.server_name,
    )
    assert (ours.bot_user_id, ours.homeserver.device_id) == (bridge.bot_user_id, bridge.settings.bot.device_id)
    assert ours.homeserver.token_file.resolve() == bridge.token_file.resolve()
    assert ours.storage.database == bridge.settings.storage.database


def _values(path: Path) -> Settings:
    """Settings with paths as written, so that files in two folders can be compared."""
    return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def _keys(table: dict[str, object], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in table.items():
        found |= _keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def _fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _fields(kind, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found
