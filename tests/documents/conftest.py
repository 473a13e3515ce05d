"""The validators of FHIR and HTML (`tests/validators`), in one process for all tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

VALIDATORS = Path(__file__).parents[1] / "validators"

Validate = Callable[[str, Any], list[str]]
"""`validate("fhir", bundle)` or `validate("html", text)` gives the complaints."""


@pytest.fixture(scope="session")
def validate() -> Iterator[Validate]:
    assert (VALIDATORS / "node_modules" / ".ready").exists(), (
        "The validators are missing: run `make tests/validators/node_modules/.ready`."
    )
    command = ["node", str(VALIDATORS / "validate.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, answers = process.stdin, process.stdout

        def validate(kind: str, content: Any) -> list[str]:
            orders.write(json.dumps({"kind": kind, "content": content}) + "\n")
            orders.flush()
            complaints: list[str] = json.loads(answers.readline())
            return complaints

        yield validate
        orders.close()
