"""Slides that are a folder of files, sent as a zip: what is shown of MIRAX, VMS and VMU, and that no file stays."""

import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image

from ernbot.__main__ import run_command
from ernbot.core.errors import Refused
from ernbot.imaging import Preview, ini, mirax_index, slide_folder, unzip
from ernbot.imaging.deid import archive as cleaner
from ernbot.imaging.model import OVERVIEW_ONLY, Fact
from ernbot.imaging.scale_bar import MARGIN
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.folder_samples import BARCODE, NAME, Files, encoded, label_photograph, mirax, ngr, vms, vmu, written
from tests.imaging.imaging_samples import DATA, Array, opened, pictured
from tests.imaging.slide_samples import POLICY, tissue
from tests.imaging.test_imaging_archives import photo, refusal, shown, zipped
from tests.imaging.test_imaging_series import slice_at

GOLDEN = DATA / "golden" / "slide_of_a_folder.png"
INI, INDEX, DATA_0, DATA_1 = (
    f"{NAME}/{name}" for name in ("Slidedat.ini", "Index.dat", "Data0000.dat", "Data0001.dat")
)
SLIDES: dict[str, Callable[[], Files]] = {
    "whole photographs": lambda: mirax(divisions=1, side=256),
    "squares of photographs": mirax,
    "squares in PNG": lambda: mirax(coding="PNG"),
    "squares in BMP": lambda: mirax(coding="BMP24"),
    "overlapping by what it says": lambda: mirax(overlap=10),
    "overlapping as a table says": lambda: mirax(overlap=10, wobble=3, positions="plain"),
    "with places of nothing": lambda: mirax(
        overlap=10, wobble=3, positions="deflated", empty={(0, 0), (0, 1), (2, 2), (5, 4)}
    ),
    "many photographs in a picture": lambda: mirax(
        cameras=(64, 24), divisions=1, overlap=12, wobble=4, levels=4, positions="deflated"
    ),
    "four pictures": vms,
    "one picture": lambda: vms(columns=1, rows=1),
    "no compression": vmu,
}


def preview(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Preview:
    (one,) = shown(zipped(files.items(), method))
    return one


def refused(files: Mapping[str, bytes]) -> tuple[str, dict[str, object]]:
    refusal_ = refusal(zipped(files.items()))
    return refusal_.code, refusal_.fields


def section(path: Path, size: tuple[int, int]) -> Array:
    """What was photographed as OpenSlide shows it, at this size."""
    with openslide.OpenSlide(path) as reference:
        told = dict(reference.properties)
        left, top = (int(told.get(f"openslide.bounds-{axis}", 0)) for axis in "xy")
        width = int(told.get("openslide.bounds-width", reference.dimensions[0]))
        height = int(told.get("openslide.bounds-height", reference.dimensions[1]))
        level = reference.get_best_level_for_downsample(width / size[0])
        scale = reference.level_downsamples[level]
        region = reference.read_region((left, top), level, (round(width / scale), round(height / scale)))
    paper = Image.new("RGBA", region.size, "#" + told.get("openslide.background-color", "ffffff"))
    paper.alpha_composite(region)
    return np.asarray(paper.convert("RGB").resize(size, Image.Resampling.BICUBIC)).astype(int)


# What is shown


@pytest.mark.parametrize("kind", SLIDES)
async def test_a_slide_is_shown_as_openslide_does(previewer: Previewer, tmp_path: Path, kind: str) -> None:
    files = SLIDES[kind]()
    path = written(tmp_path, files)
    maker = "mirax" if path.suffix == ".mrxs" else "hamamatsu"
    assert openslide.OpenSlide.detect_format(path) == maker
    (one,) = await previewer.previews([BytesSource(zipped(files.items()))])
    with openslide.OpenSlide(path) as reference:
        told = dict(reference.properties)
        scale = float(told["openslide.mpp-x"]), float(told["openslide.objective-power"])
        wanted = [int(told.get(f"openslide.bounds-{side}", 0)) for side in ("width", "height")]
        size = wanted if all(wanted) else list(reference.dimensions)
    assert (one.facts.format, one.facts.kind) == ("MIRAX" if maker == "mirax" else "VMS", "slide")
    assert np.abs(np.array(size) - (one.facts.width, one.facts.height)).max() <= 4, (
        "photographs that stand out a little"
    )
    assert one.facts.details[:2] == (Fact("magnification", scale[1]), Fact("microns-per-pixel", scale[0]))
    assert one.is_overview_only
    ours = opened(pictured(one).data).astype(int)[:-MARGIN]
    difference = np.abs(ours - section(path, (ours.shape[1], ours.shape[0])))
    assert (difference.mean(), np.percentile(difference, 99)) < (2.0, 30)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_in_any_order_are_the_same_slide(method: int) -> None:
    files = mirax(overlap=10, wobble=3, positions="plain")
    turned = preview(dict(reversed(files.items())), method)
    assert pictured(turned).data == pictured(preview(files, method)).data


def test_names_in_large_and_small_letters_are_the_same() -> None:
    files = {name.replace("Data", "DATA").replace("Index", "index"): data for name, data in mirax().items()}
    assert preview(files).facts.format == "MIRAX"
    assert preview({f"slides/more/{name}": data for name, data in mirax().items()}).facts.format == "MIRAX"


def test_the_overview_is_as_it_was_when_it_was_looked_at() -> None:
    files = mirax(cameras=(28, 18), divisions=2, overlap=12, wobble=4, positions="deflated", empty={(0, 0), (27, 17)})
    golden = opened(GOLDEN.read_bytes()).astype(int)
    assert np.abs(opened(pictured(preview(files)).data) - golden).max() <= 3


def test_a_picture_that_cannot_be_decoded_stays_empty() -> None:
    files = mirax(data_files=1)
    at = files[DATA_0].index(b"\xff\xd8")
    files[DATA_0] = files[DATA_0][: at + 2] + bytes(100) + files[DATA_0][at + 102 :]
    one = preview(files)
    assert Fact("truncated") in one.facts.details
    assert one.picture is not None


def test_a_slide_without_a_scale_is_shown_without_a_bar() -> None:
    keys = {"LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_X": "x", "GENERAL.OBJECTIVE_MAGNIFICATION": "1e9"}
    assert preview(mirax(keys=keys)).facts.details == (Fact("levels", 4), OVERVIEW_ONLY)
    assert preview(vms(keys={"PhysicalWidth": "", "SourceLens": "-1"})).facts.details == (OVERVIEW_ONLY,)


def test_a_slide_of_huge_levels_alone_is_a_card() -> None:
    one = preview(
        mirax(levels=1, keys={"GENERAL.IMAGENUMBER_X": "24", "LAYER_0_LEVEL_0_SECTION.DIGITIZER_WIDTH": "8000"})
    )
    assert one.picture is None
    assert Fact("no-overview") in one.facts.details


# Who it is


@pytest.mark.parametrize("kind", SLIDES)
def test_neither_names_nor_the_label_are_in_what_is_shown(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    one = preview(SLIDES[kind]())
    for told in (repr(one), pictured(one).data.decode("latin-1"), caplog.text):
        assert NAME not in told
        assert BARCODE not in told
    red, green, blue = np.moveaxis(opened(pictured(one).data).astype(int), -1, 0)
    assert not ((green > red + 60) & (green > blue + 60)).any(), "the green of the label"


@pytest.mark.parametrize("make", [mirax, vms, vmu])
async def test_there_is_no_copy_of_such_a_slide(previewer: Previewer, make: Callable[[], Files]) -> None:
    kept = bytearray()

    async def keep(piece: bytes) -> None:
        kept.extend(piece)

    with pytest.raises(Refused) as caught:
        await previewer.clean(BytesSource(zipped(make().items())), policy=POLICY, sink=keep)
    assert (caught.value.code, caught.value.fields, bytes(kept)) == ("file-overview-only", {}, b"")


@pytest.mark.parametrize("make", [mirax, vms])
def test_on_the_command_line_nothing_of_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[], Files]
) -> None:
    (tmp_path / "slide.zip").write_bytes(zipped(make().items()))
    assert run_command(["deidentify", str(tmp_path / "slide.zip"), "--out", str(tmp_path / "zip")]) == 1
    assert "slide whose label cannot be taken out: export it as SVS or DICOM" in capsys.readouterr().err
    home = tmp_path / "home"
    written(home, make())
    assert run_command(["deidentify", str(home), "--out", str(tmp_path / "folder")]) == 1
    assert capsys.readouterr().err.count("belongs to a slide") >= 3
    assert not list((tmp_path / "zip").iterdir()) + list((tmp_path / "folder").iterdir())


# What is missing, and what is too much


PART = "file-slide-part"
MIRAX, VMS = {"maker": "MIRAX"}, {"maker": "VMS"}


def test_a_part_of_a_slide_asks_for_the_whole() -> None:
    files = mirax()
    assert refused({f"{NAME}.mrxs": files[f"{NAME}.mrxs"]}) == (PART, MIRAX), "the picture can show the label"
    assert refused({f"{NAME}.mrxs": files[f"{NAME}.mrxs"], DATA_0: files[DATA_0]}) == (PART, MIRAX)
    for missing in (INI, INDEX, DATA_0, DATA_1):
        assert refused({name: data for name, data in files.items() if name != missing}) == (PART, MIRAX)
    described = vms()
    for missing in (f"{NAME}.jpg", f"{NAME}(1,1).jpg", f"{NAME}_map2.jpg"):
        assert refused({name: data for name, data in described.items() if name != missing}) == (PART, VMS)
    assert refused({name: data for name, data in vmu().items() if not name.endswith("_map.ngr")}) == (PART, VMS)


def test_a_slide_comes_alone() -> None:
    files = mirax()
    second = {f"second/{name}": data for name, data in files.items()}
    for more in (
        second,
        {"a.jpg": photo()},
        {"IM0001": slice_at(0)},
        {f"vms/{name}": data for name, data in vms().items()},
    ):
        assert refused({**files, **more}) == ("archive-slide-alone", {})
    assert preview({**files, "README.txt": b"hello", f"{NAME}/notes.xml": b"<x/>"}).facts.format == "MIRAX"
    with pytest.raises(Refused, match="archive-slide-alone"):
        cleaner.deidentify(BytesIO(zipped({**files, **second}.items())), BytesIO(), POLICY)


def test_another_slide_in_several_layers_has_to_be_exported() -> None:
    export = ("file-slide-export", VMS)
    assert refused(vms(keys={"NoLayers": "3"})) == export
    assert refused(vms(keys={"MapFile": ""})) == export
    assert refused(vms(keys={"MapFile": f"{NAME}_macro.jpg"})) == export, "the photograph of the glass"
    assert refused(vms(keys={"MapFile": f"{NAME}_macro.jpg", "MacroImage": ""})) == export, "of other proportions"
    assert refused(mirax(keys={"LAYER_0_LEVEL_2_SECTION.IMAGE_FORMAT": "JPEGXR"})) == ("file-slide-export", MIRAX)
    assert refused(mirax(keys={"LAYER_0_LEVEL_0_SECTION.IMAGE_CONCAT_FACTOR": "1"})) == ("file-slide-export", MIRAX)


# Hostile


def with_index(change: Callable[[bytearray], None], **options: object) -> Files:
    files = mirax(**options)  # type: ignore[arg-type]
    data = bytearray(files[INDEX])
    change(data)
    return {**files, INDEX: bytes(data)}


ROOTS = 37
FIRST_LIST = ROOTS + 8 + 4 * (4 + 1)
"""Where the numbers begin in our samples of four levels and a label, and where the first list of pages begins."""


def number(at: int, value: int) -> Callable[[bytearray], None]:
    return lambda data: struct.pack_into("<i", data, at, value)


INDICES = {
    "a table beyond the end": number(ROOTS, 2**31 - 1),
    "a table before the beginning": number(ROOTS, -8),
    "a list beyond the end": number(ROOTS + 8, 2**30),
    "a page that follows itself": number(FIRST_LIST + 12, FIRST_LIST + 8),
    "pages in a circle": number(FIRST_LIST + 12, FIRST_LIST),
    "a negative count": number(FIRST_LIST + 8, -1),
    "a huge count": number(FIRST_LIST + 8, 2**31 - 1),
    "a square beyond the grid": number(FIRST_LIST + 16, 2**31 - 1),
    "a negative square": number(FIRST_LIST + 16, -1),
    "an offset beyond the file": number(FIRST_LIST + 20, 2**31 - 1),
    "a negative offset": number(FIRST_LIST + 20, -1),
    "a negative length": number(FIRST_LIST + 24, -1),
    "a huge length": number(FIRST_LIST + 24, 2**31 - 1),
    "a file that is not named": number(FIRST_LIST + 28, 99),
    "of another slide": lambda data: data.__setitem__(slice(5, 9), b"XXXX"),
    "no list": lambda data: struct.pack_into("<i", data, FIRST_LIST + 4, 0),
    "cut off": lambda data: data.__delitem__(slice(len(data) // 3, None)),
    "no more than its head": lambda data: data.__delitem__(slice(ROOTS, None)),
}


@pytest.mark.parametrize("lie", INDICES)
def test_an_index_that_lies_is_broken(lie: str) -> None:
    assert refused(with_index(INDICES[lie])) == ("file-broken", {})


KEYS = {
    "GENERAL.IMAGENUMBER_X": ("-1", "0", "99999999999", "six", "1"),
    "GENERAL.CameraImageDivisionsPerSide": ("0", "-4", "1000000"),
    "GENERAL.SLIDE_ID": ("", "x" * 900),
    "HIERARCHICAL.HIER_COUNT": ("0", "1000000000"),
    "HIERARCHICAL.HIER_0_NAME": ("Slide filter level",),
    "HIERARCHICAL.HIER_0_COUNT": ("0", "5", "1000000000"),
    "HIERARCHICAL.HIER_0_VAL_0_SECTION": ("NOWHERE",),
    "HIERARCHICAL.NONHIER_COUNT": ("-1", "1000000000"),
    "HIERARCHICAL.NONHIER_0_COUNT": ("-1", "1000000000"),
    "DATAFILE.FILE_COUNT": ("0", "1", "1000000000"),
    "LAYER_0_LEVEL_0_SECTION.DIGITIZER_WIDTH": ("0", "1000000000", "65"),
    "LAYER_0_LEVEL_0_SECTION.OVERLAP_X": ("1e99", "-1e99", "256"),
    "LAYER_0_LEVEL_1_SECTION.IMAGE_CONCAT_FACTOR": ("-1", "1000000000"),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in KEYS.items() for value in values])
def test_a_description_that_lies_is_refused(key: str, value: str) -> None:
    assert refused(mirax(keys={key: value}))[0] in ("file-broken", "file-too-complex")


@pytest.mark.parametrize("name", ["../Index.dat", "/etc/passwd", "..\\Index.dat", "C:\\Index.dat", "", "."])
def test_a_name_that_leads_elsewhere_leads_nowhere(name: str) -> None:
    assert refused(mirax(keys={"HIERARCHICAL.INDEXFILE": name})) == (PART, MIRAX)
    assert refused(mirax(keys={"DATAFILE.FILE_0": name})) == (PART, MIRAX)
    assert refused(vms(keys={"ImageFile": name})) == (PART, VMS)


def test_a_table_of_places_that_lies_is_broken() -> None:
    def table(data: bytes) -> Files:
        """The slide, its table of places in a file of its own."""
        files = mirax(positions="deflated", keys={"DATAFILE.FILE_COUNT": "3", "DATAFILE.FILE_2": "Data0002.dat"})
        index = bytearray(files[INDEX])
        struct.pack_into("<3i", index, len(index) - 12, 0, len(data), 2)
        return {**files, INDEX: bytes(index), f"{NAME}/Data0002.dat": data}

    places = struct.pack("<Bii", 1, 5, 5) * 30
    assert preview(table(zlib.compress(places))).picture is not None
    far = struct.pack("<Bii", 1, 2**31 - 1, -(2**31)) + struct.pack("<Bii", 1, -(2**31), 2**31 - 1)
    bomb = zlib.compress(bytes(9 * 10**7))[:500]
    for data in (
        b"",
        b"garbage",
        zlib.compress(places[:-9]),
        zlib.compress(places + b"x"),
        bomb,
        zlib.compress(far * 15),
    ):
        assert refused(table(data)) == ("file-broken", {})


def test_pixels_that_are_not_there_are_broken() -> None:
    files = mirax(data_files=1)
    assert refused({**files, DATA_0: files[DATA_0][: len(files[DATA_0]) // 2]}) == ("file-broken", {})
    assert refused({**files, DATA_0: bytes(len(files[DATA_0]))}) == ("file-broken", {})
    other = mirax(data_files=1, side=32)
    assert refused({**other, INI: files[INI]}) == ("file-broken", {}), "pictures of another size"


def test_pixels_that_are_a_bomb_are_too_complex() -> None:
    assert refused({**mirax(data_files=1), DATA_0: bytes(17 * 2**20)}) == ("file-too-complex", {})


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GN", ngr(tissue(128, 128))[:1000], bytes(5000)])
def test_a_map_that_is_none_is_broken(data: bytes) -> None:
    files = vmu()
    assert refused({**files, f"{NAME}_map.ngr": data}) == ("file-broken", {})
    assert refused({**vms(), f"{NAME}.jpg": data[:4]}) == ("file-broken", {})


async def test_hostile_slides_through_a_real_pool(previewer: Previewer) -> None:
    hostile = {
        "file-broken": [
            with_index(INDICES["pages in a circle"]),
            {**vms(), f"{NAME}_map2.jpg": b"\xff\xd8" + bytes(99)},
        ],
        "file-too-complex": [{**mirax(data_files=1), DATA_0: bytes(17 * 2**20)}],
        "archive-slide-alone": [{**mirax(), "a.jpg": photo()}],
        "file-slide-part": [{f"{NAME}.mrxs": label_photograph()}, {INI: mirax()[INI]}],
        "file-slide-export": [vms(keys={"NoLayers": "3"})],
    }
    for code, slides in hostile.items():
        for files in slides:
            with pytest.raises(Refused) as caught:
                await previewer.previews([BytesSource(zipped(files.items()))])
            assert caught.value.code == code
    assert await previewer.previews([BytesSource(zipped(mirax().items()))])


def test_bytes_that_were_changed_anywhere_end_cleanly() -> None:
    random = np.random.default_rng(4)
    files = mirax(cameras=(3, 2), side=16, overlap=3, wobble=1, positions="deflated")
    for _ in range(150):
        name = str(random.choice([INI, INDEX, DATA_0]))
        data = bytearray(files[name])
        for at in random.integers(0, min(len(data), 3000), 3):
            data[at] = random.integers(256)
        try:
            shown(zipped({**files, name: bytes(data)}.items()))
        except Refused:
            continue


# Its parts


def test_pieces_of_a_member_come_in_order_and_hold_nothing() -> None:
    data = np.random.default_rng(5).bytes(12 * 2**20)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = BytesIO(zipped([("a", b"x" * 99), ("b", data)], method))
        member = unzip.contents([archive]).members[1]
        places = [(0, 10), (10, 10), (10, 10), (5_000_000, 1000), (len(data) - 7, 7)]
        tracemalloc.start()
        found = list(member.pieces(places))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == [data[at : at + length] for at, length in places]
        assert peak < 5 * 2**20
        for wrong in ([(len(data) - 7, 8)], [(-1, 5)], [(0, -1)], [(len(data) + 1, 0)]):
            with pytest.raises(Refused, match="file-broken"):
                list(member.pieces(wrong))
    with pytest.raises(Refused, match="file-broken"):
        list(member.pieces([(10, 10), (5, 10)]))


def test_what_pieces_inflate_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unzip, "MAX_INFLATED", 1000)
    (member,) = unzip.contents([BytesIO(zipped([("a", bytes(3000))]))]).members
    with pytest.raises(Refused, match="file-too-complex"):
        list(member.pieces([(2000, 10)]))


def test_a_key_file_is_read_as_windows_writes_it() -> None:
    data = (
        b"\xef\xbb\xbfstray = 1\r\n[A]\r\n; a remark\r\nx = 1\r\ny=a=b\r\nx = 2\r\nz\r\n[B]\nx= 1.5e-1 \n[A]\nw =\xff\n"
    )
    found = ini.read(data)
    assert dict(found["A"].values) == {"x": "2", "y": "a=b", "z": "", "w": "\ufffd"}
    assert (found["A"].number("x", 0, 9), found["A"].number("v", 0, 9, 7), found["B"].real("x")) == (2, 7, 0.15)
    assert [ini.Section({"x": word}).real("x") for word in ("", "nan", "1,5", "0x1", "1_0")] == [None] * 5
    with pytest.raises(Refused, match="file-too-complex"):
        ini.read(bytes(ini.MAX_BYTES + 1))


def test_many_pages_of_nothing_end_in_time() -> None:
    pages = b"".join(struct.pack("<2i", 0, 53 + 8 * (at + 1)) for at in range(600_000))
    data = b"01.02" + b"0" * 32 + struct.pack("<4i", 45, 45, 53, 0) + pages
    with pytest.raises(Refused, match="file-broken"):
        mirax_index.read(data, "0" * 32).pictures(0)


def test_a_folder_is_found_by_what_describes_it() -> None:
    held = unzip.contents([BytesIO(zipped([("a.jpg", photo()), ("Slidedat.ini", b"[GENERAL]\n"), ("b.vms", b"")]))])
    assert slide_folder.find(held) is None
    sakura = b"SQLite format 3\0" + bytes(99) + b"DataManagerSQLiteConfigXPO"
    assert slide_folder.find(unzip.contents([BytesIO(zipped([("Slidedat.ini", sakura)]))])) is None
    found = slide_folder.find(unzip.contents([BytesIO(zipped(vms().items()))]))
    assert found is not None
    assert found.maker == "VMS"
    assert found.file(f"{NAME}_MAP2.JPG").read(2) == b"\xff\xd8"


def test_the_sample_of_a_label_is_one() -> None:
    assert NAME.encode() in label_photograph()
    assert encoded(tissue(8, 8), "BMP24").startswith(b"BM")
