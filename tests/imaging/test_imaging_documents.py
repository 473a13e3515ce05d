"""PDF documents through a real sandbox: their first pages, how many there are, and that somebody must read them."""

from io import BytesIO

import numpy as np
import pytest
from pypdf import PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from ernbot.core.errors import Refused
from ernbot.imaging import Facts
from ernbot.imaging.model import Fact
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import DATA, look, opened, pictured

A4 = (595.0, 842.0)


def document(*pages: str, size: tuple[float, float] = A4) -> PdfWriter:
    """Each page has these drawing operators."""
    writer = PdfWriter()
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in names.items()})
    fonts = DictionaryObject({NameObject("/F"): font})
    for operators in pages:
        page = writer.add_blank_page(*size)
        content = DecodedStreamObject()
        content.set_data(operators.encode())
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        page[NameObject("/Contents")] = writer._add_object(content)
    return writer


def text(*lines: str) -> str:
    return "BT /F 48 Tf 60 740 Td " + " 0 -60 Td ".join(f"({line}) Tj" for line in lines) + " ET "


def square(red: float, green: float, blue: float) -> str:
    return f"{red} {green} {blue} rg 60 100 475 475 re f "


def written(writer: PdfWriter) -> bytes:
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


async def refusal(previewer: Previewer, data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await look(previewer, data)
    return caught.value


async def test_one_page_fills_the_picture(previewer: Previewer) -> None:
    preview = await look(previewer, written(document(text("Findings") + square(1, 0, 0))), claimed="application/pdf")
    assert preview.facts == Facts("PDF", None, None, 0, 0, 1, lossy=False, kind="document", details=(Fact("pages", 1),))
    picture = opened(pictured(preview).data)
    assert picture.shape == (800, 566, 3)
    assert np.abs(picture[400, 280].astype(int) - (255, 0, 0)).max() < 8
    assert picture[60:100, 50:300].min() < 60
    assert picture[790, 10].min() > 250


async def test_the_first_four_pages_make_a_sheet(previewer: Previewer) -> None:
    colours = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)]
    preview = await look(previewer, written(document(*(square(*colour) for colour in colours))))
    assert preview.facts.details == (Fact("pages", 5),)
    picture = opened(pictured(preview).data).astype(int)
    for (row, column), colour in zip(((0, 0), (0, 1), (1, 0), (1, 1)), colours, strict=False):
        seen = picture[int(800 * (0.28 + row / 2)), int(picture.shape[1] * (0.25 + column / 2))]
        assert np.abs(seen - np.multiply(colour, 255)).max() < 8


async def test_a_page_in_black_and_white_is_sharp(previewer: Previewer) -> None:
    preview = await look(previewer, written(document(text("Findings"))))
    assert pictured(preview).mimetype == "image/png"


async def test_the_sheet_is_the_one_that_was_looked_at(previewer: Previewer) -> None:
    pages = [text(f"Page {number}", "Findings") + square(0.2 * number, 0.4, 0.8) for number in range(1, 4)]
    picture = opened(pictured(await look(previewer, written(document(*pages)))).data).astype(int)
    golden = opened((DATA / "golden" / "document.png").read_bytes())
    assert np.abs(picture - golden).mean() < 1.5


async def test_text_marks_and_notes_ask_for_somebody_to_read(previewer: Previewer) -> None:
    async def lines(writer: PdfWriter) -> int:
        return (await look(previewer, written(writer))).writing

    assert await lines(document("")) == 0
    assert await lines(document(text("Jane Doe"))) == 1
    assert await lines(document(text("Jane", "Doe"), text("1970"))) == 3
    assert await lines(document(square(1, 0, 0))) == 1
    noted = document("")
    noted.add_annotation(0, FreeText(text="Jane Doe", rect=(50, 550, 200, 650)))
    assert await lines(noted) == 1


async def test_titles_are_counted_and_not_told(previewer: Previewer) -> None:
    writer = document(text("Findings"))
    writer.add_metadata({"/Title": "Jane Doe", "/Author": "Jane Doe"})
    preview = await look(previewer, written(writer))
    assert preview.facts.details == (Fact("pages", 1), Fact("hidden-texts", 2))


async def test_a_locked_document_is_a_card(previewer: Previewer) -> None:
    writer = document(text("Jane Doe"))
    writer.encrypt("password", algorithm="AES-256")
    preview = await look(previewer, written(writer))
    assert (preview.picture, preview.facts.details) == (None, (Fact("protected"),))
    open_to_all = document(text("Findings"))
    open_to_all.encrypt("", "owner", algorithm="AES-256")
    assert (await look(previewer, written(open_to_all))).picture


async def test_no_script_and_no_form_is_run(previewer: Previewer) -> None:
    writer = document(text("Findings"))
    action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("while (true) {}")}
    writer._root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    assert (await look(previewer, written(writer))).picture


@pytest.mark.parametrize("size", [(1, 14_400), (14_400, 1), (0.001, 0.001), (1e9, 1e9), (1e30, 10)])
async def test_a_page_of_any_size_is_a_picture_or_broken(previewer: Previewer, size: tuple[float, float]) -> None:
    try:
        picture = pictured(await look(previewer, written(document(text("x"), size=size))))
    except Refused as refused:
        assert refused.code == "file-broken"  # noqa: PT017
    else:
        assert max(picture.width, picture.height) <= 800


async def test_cut_and_changed_documents_are_drawn_or_broken(previewer: Previewer) -> None:
    data = written(document(text("Findings"), square(1, 0, 0)))
    random = np.random.default_rng(5)
    for length in (9, 40, len(data) // 2, len(data) - 30):
        with pytest.raises(Refused, match="file-"):
            await look(previewer, b"%PDF-1.7\n" + bytes(length))
    for _ in range(60):
        mutated = bytearray(data)
        for at in random.integers(8, len(data), 6):
            mutated[at] ^= int(random.integers(1, 256))
        try:
            await look(previewer, bytes(mutated))
        except Refused as refused:
            assert refused.code.startswith("file-")  # noqa: PT017
    assert (await refusal(previewer, data[:60])).code == "file-broken"
