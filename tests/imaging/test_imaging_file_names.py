"""Which names of files are harmless: those of consoles, cameras and anatomy, not those of people."""

import unicodedata

import pytest

from ernbot.imaging.file_names import is_plain


@pytest.mark.parametrize(
    "name",
    [
        "IM0001",
        "DICOM/PA000001/ST000001/SE000002/IM000003",
        "1.2.840.113619.2.55.3.604688119.971.1234567890.123",
        "CT.1.2.840.113619.2.55.3.604688119.971.dcm",
        "IM-0001-0001.dcm",
        "DSC00012.JPG",
        "post-op 3 months.jpg",
        "IMG_20240105_101112.jpg",
        "PXL_20240105_101112123.jpg",
        "IMG-20240105-WA0003.jpg",
        "Screenshot 2024-01-05 at 10.11.12.png",
        "WhatsApp Image 2024-01-05 at 10.11.12.jpeg",
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301.jpg",
        "d41d8cd98f00b204e9800998ecf8427e",
        "image (2).jpg",
        "left hand dorsum.jpg",
        "Højre hånd 2.jpg",
        unicodedata.normalize("NFD", "Højre hånd 2.jpg"),
        "copy-1.dcm",
        "DICOMDIR",
        "",
    ],
)
def test_a_name_that_names_nobody(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "HANSEN_PETER/IM0001.dcm",
        "IM0001/Doe.dcm",
        "Peter.jpg",
        "jan.jpg",
        "DOEJANE1",
        "Doe^Jane",
        "0101901234.dcm",
        "010190-1234.dcm",
        "123456789.dcm",
        "letter to Dr Hansen.pdf",
        "Jørgensen",
        "王芳.dcm",
        "hand\u202egpj.exe",
        "x" * 300,
    ],
)
def test_a_name_that_could_be_somebodys(name: str) -> None:
    assert not is_plain(name)
