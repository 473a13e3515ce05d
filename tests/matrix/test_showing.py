"""What the bot repeats of a file's message: the file, and nothing that its sender wrote."""

from typing import Any

import pytest

from ernbot.matrix.showing import passed_on

FILE = {"url": "mxc://hospital.example/1", "key": {"k": "secret"}, "iv": "iv", "hashes": {"sha256": "hash"}, "v": "v2"}
INFO = {"mimetype": "image/jpeg", "size": 12, "w": 3, "h": 4}
SMALL = {"thumbnail_file": FILE, "thumbnail_info": INFO, "xyz.amorgan.blurhash": "LEHV6nWB2yk8"}


def sent(**others: Any) -> dict[str, Any]:
    return {"msgtype": "m.image", "body": "IMG_0012.JPG", "file": FILE, "info": {**INFO, **SMALL}, **others}


def test_a_name_that_names_nobody_stays() -> None:
    passed = passed_on(sent(), 0, discreet=False)
    assert passed == {**sent(), "filename": "IMG_0012.JPG"}


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ({"body": "HANSEN_PETER.jpg"}, "file-3.jpg"),
        ({"filename": "Peter.jpg", "body": "before the operation"}, "file-3.jpg"),
        ({"filename": "scan.Peter Hansen"}, "file-3"),
        ({"filename": {"name": "Peter"}, "body": "IMG_0012.JPG"}, "file-3"),
        ({"filename": "IMG_0012.JPG", "body": "This is Peter", "formatted_body": "<b>Peter</b>"}, "IMG_0012.JPG"),
        ({"body": ""}, "file-3"),
    ],
)
def test_what_could_name_somebody_is_not_repeated(said: dict[str, Any], called: str) -> None:
    told = {"m.mentions": {"user_ids": ["@peter:x"]}, "m.relates_to": {"event_id": "$Peter"}, "alt": "Peter"}
    info, file = {**INFO, "xmp": "Peter"}, {**FILE, "name": "Peter"}
    passed = passed_on(sent(**said, **told) | {"info": info, "file": file}, 2, discreet=False)
    assert passed["body"] == passed["filename"] == called
    assert "eter" not in str(passed)
    assert passed["file"] == FILE


def test_a_photograph_is_passed_on_without_what_a_notification_could_show() -> None:
    passed = passed_on(sent(), 0, discreet=True)
    assert passed["msgtype"] == "m.file"
    assert passed["info"] == INFO
