"""The files of the container deployment fit together. No container engine is needed, and none has run them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import Configuration
from ernbot.config import FileSettings
from ernbot.demo.homeserver import CONFIG, ROOT, ensure_synapse

PREPARE = ROOT / "docker" / "prepare.sh"


def in_synapse(program: str, *arguments: Path) -> str:
    """What a program prints in the homeserver's environment, which has the libraries that ours lacks."""
    command = [str(ensure_synapse()), "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def yaml(file: Path) -> Any:
    return json.loads(in_synapse("import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", file))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml(ROOT / "docker-compose.yml")
    return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    subprocess.run(["sh", str(PREPARE), str(folder)], check=True, capture_output=True)
    return folder


@pytest.mark.homeserver
def test_compose_names_only_what_exists(compose: dict[str, Any]) -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "docker" / "Dockerfile").read_text(), re.M))
    assert set(compose["services"]) == {"postgres", "synapse", "bridge", "bot", "proxy"}
    for name, service in compose["services"].items():
        assert "build" not in service or service["build"]["target"] in stages
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert ("ports" in service) == (name == "proxy"), "only the proxy is reached from outside"
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./data/"):
                continue  # made by prepare.sh
            assert (ROOT / source).exists() if source.startswith("./") else source in compose["volumes"]
    for line in (ROOT / "docker" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            assert all((ROOT / source).exists() for source in line.split()[1:-1]), line


@pytest.mark.homeserver
def test_the_homeserver_finds_its_secrets(compose: dict[str, Any], secrets: Path) -> None:
    settings = yaml(CONFIG / "synapse" / "homeserver.yaml")
    paths = [settings[key] for key in settings if key.endswith("_path") and key != "media_store_path"]
    paths += settings["app_service_config_files"] + [settings["database"]["args"]["passfile"]]
    assert "./data/secrets:/data/secrets:ro" in compose["services"]["synapse"]["volumes"]
    for path in paths:
        assert (secrets / Path(path).relative_to("/data/secrets")).exists(), path
    assert settings["modules"][0]["config"]["bot_user_id"] == f"@ernbot:{settings['server_name']}"
    read_key = "import sys; from signedjson.key import read_signing_keys as r; print(len(r(open(sys.argv[1]))))"
    assert in_synapse(read_key, secrets / "signing.key") == "1\n"


@pytest.mark.homeserver
def test_a_slide_of_a_gigabyte_passes_everywhere() -> None:
    """What the bot looks at, the homeserver takes, and what that takes, the proxy lets through."""
    looked_at = FileSettings().max_megabytes
    taken = re.fullmatch(r"(\d+)M", yaml(CONFIG / "synapse" / "homeserver.yaml")["max_upload_size"])
    passed = re.search(r"max_size (\d+)MiB", (ROOT / "docker" / "Caddyfile").read_text())
    assert taken is not None
    assert passed is not None
    assert 1000 <= looked_at <= int(taken[1]) <= int(passed[1])
    assert f"# max_megabytes = {looked_at}\n" in (CONFIG / "ernbot.toml").read_text()


def test_secrets_are_private_and_made_once(secrets: Path) -> None:
    before = {file: file.read_text() for file in secrets.rglob("*") if file.is_file()}
    assert len({text for text in before.values() if text}) == len([text for text in before.values() if text])
    subprocess.run(["sh", str(PREPARE), str(secrets)], check=True, capture_output=True)
    assert {file: file.read_text() for file in before} == before
    assert all(file.stat().st_mode & 0o077 == 0 for file in secrets.rglob("*"))


def test_the_example_configuration_of_the_bridge_is_valid() -> None:
    configuration = Configuration(CONFIG / "bridge.toml")
    assert configuration.bot_user_id == "@ernbot:case.example"
    assert configuration.registration_template.exists()
    assert {network.id for network in configuration.directory().networks} == {"ern-cranio", "ecnm"}


def test_a_network_file_is_called_after_its_network() -> None:
    """The embedded homeserver reserves the aliases of the networks by the names of their files."""
    networks = Configuration(CONFIG / "bridge.toml").directory().networks
    assert {network.id for network in networks} == {file.stem for file in (CONFIG / "networks").glob("*.toml")}
