"""Renditions as files: exact, the same each time, in sRGB, and telling nothing."""

from __future__ import annotations

import hashlib
import resource
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.imaging import SOCIAL, Rendition, header, inspect, render

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def one(source: Path, folder: Path, **fields: Any) -> Image.Image:
    """Render one rendition and open it."""
    fields = {"name": "one", "format": "png", **fields}
    (made,) = render(source, [Rendition(**fields)], folder / "out")
    return Image.open(made.path)


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(image.convert("RGB").getpixel(at), colour, strict=True))


def halves(left: tuple[int, int, int] = RED, right: tuple[int, int, int] = BLUE) -> Image.Image:
    image = Image.new("RGB", (400, 200), left)
    image.paste(right, (200, 0, 400, 200))
    return image


def difference(a: Image.Image, b: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(a.convert("RGB"), b.convert("RGB"))).mean)


@pytest.mark.parametrize("name", ["astronaut.png", "rocket.jpg"])
def test_a_photograph_in_all_social_sizes(photos: Path, tmp_path: Path, name: str) -> None:
    made = render(photos / name, SOCIAL, tmp_path / "new" / "folder")
    assert [each.name for each in made] == [each.name for each in SOCIAL]
    for each, asked in zip(made, SOCIAL, strict=True):
        data = each.path.read_bytes()
        assert each.path == tmp_path / "new" / "folder" / f"{Path(name).stem}-{asked.name}.jpg"
        assert (each.width, each.height, each.media_type) == (asked.width, asked.height, "image/jpeg")
        assert (each.bytes, each.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        with Image.open(each.path) as image:
            assert (image.size, image.format, image.mode) == ((asked.width, asked.height), "JPEG", "RGB")
            assert image.info["progressive"]
            image.load()
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 8


def test_the_same_picture_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    asked = [Rendition(name=kind, width=300, height=300, format=kind) for kind in ("jpeg", "png", "webp")]
    first = render(photos / "coffee.png", asked, tmp_path / "a", "cup")
    again = render(photos / "coffee.png", asked, tmp_path / "b", "cup")
    assert [each.sha256 for each in first] == [each.sha256 for each in again]
    assert [each.path.name for each in first] == ["cup-jpeg.jpg", "cup-png.png", "cup-webp.webp"]


def test_eight_files_cost_one_decode(photos: Path, tmp_path: Path) -> None:
    opened = []

    class Counting(type(Path())):  # a path that notes when it is opened
        def open(self, *args: Any, **kwargs: Any) -> Any:
            opened.append(self.name)
            return super().open(*args, **kwargs)

    source = Counting(photos / "coffee.png")
    render(source, SOCIAL[:1], tmp_path)
    for_one = len(opened)
    render(source, SOCIAL, tmp_path)
    assert (for_one, len(opened) - for_one) == (2, 2)  # the header, then the pixels


def test_cover_keeps_what_is_in_focus(save, tmp_path: Path) -> None:
    source = save(halves(), "halves.png")
    for focus, colour in (((0.0, 0.5), RED), ((1.0, 0.5), BLUE)):
        image = one(source, tmp_path, width=100, height=100, focus=focus)
        assert image.size == (100, 100)
        assert all(near(image, at, colour) for at in ((3, 3), (96, 3), (50, 50), (96, 96)))
    middle = one(source, tmp_path, width=100, height=100)
    assert near(middle, (5, 50), RED)
    assert near(middle, (95, 50), BLUE)


def test_contain_pads_on_the_background(save, tmp_path: Path) -> None:
    image = one(save(halves(), "halves.png"), tmp_path, width=100, height=100, fit="contain", background="#008000")
    assert image.size == (100, 100)
    assert image.mode == "RGB"
    assert [near(image, (x, y), c) for x, y, c in ((2, 2, GREEN), (97, 97, GREEN), (2, 50, RED), (97, 50, BLUE))]
    assert near(image, (50, 24), GREEN)
    assert not near(image, (10, 25), GREEN)


def test_padding_can_be_transparent(save, tmp_path: Path) -> None:
    image = one(save(halves(), "halves.png"), tmp_path, width=100, height=100, fit="contain", background="#00000000")
    assert image.getpixel((50, 2))[3] == 0
    assert image.getpixel((10, 50)) == (255, 0, 0, 255)


def test_nothing_grows_that_should_not(photos: Path, tmp_path: Path) -> None:
    source = photos / "chelsea.png"  # 451×300
    whole = Image.open(source)
    inside = one(source, tmp_path, width=2000, height=2000, fit="inside", enlarge=False)
    assert inside.tobytes() == whole.tobytes()
    cover = one(source, tmp_path, width=2000, height=2000, enlarge=False)
    assert cover.tobytes() == whole.crop((76, 0, 376, 300)).tobytes()  # pixels copied, not blended
    contain = one(source, tmp_path, width=600, height=600, fit="contain", enlarge=False)
    assert contain.size == (600, 600)
    assert contain.crop((74, 150, 525, 450)).tobytes() == whole.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "tiff"])
def test_a_turned_photograph_comes_out_upright(save, tmp_path: Path, orientation: int, ending: str) -> None:
    upright = halves()
    upright.paste(GREEN, (0, 0, 100, 100))  # top left
    # What a camera stores so that turning it by this orientation gives the upright picture.
    stored = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = one(save(stored, f"camera.{ending}", exif=exif), tmp_path, width=200)
    assert image.size == (200, 100)
    assert near(image, (20, 20), GREEN, by=12)
    assert near(image, (20, 80), RED, by=12)
    assert near(image, (180, 20), BLUE, by=12)
    assert 0x0112 not in image.getexif()


def test_an_orientation_after_the_pixels_counts_too(save, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = save(halves().transpose(Image.Transpose.ROTATE_90), "late.png", exif=exif)
    data = source.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    source.write_bytes(data[:start] + data[end:last] + data[start:end] + data[last:])
    assert (header(source).width, inspect(source).width) == (200, 400)
    assert one(source, tmp_path, width=200).size == (200, 100)
    assert near(one(source, tmp_path, width=100, height=100, focus=(1, 0.5)), (50, 50), BLUE)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_no_file_tells_where_the_photograph_was_taken(save, cat, tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 19.0, 58.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    as_jpeg = save(
        cat, "cat.jpg", exif=exif, comment=b"secret", xmp=b"<x>secret</x>", icc_profile=profile, dpi=(300, 300)
    )
    assert Image.open(as_jpeg).getexif().get_ifd(0x8825)  # it is there to begin with
    text = PngInfo()
    text.add_text("prompt", "secret")
    as_png = save(cat, "cat.png", pnginfo=text, exif=exif, icc_profile=profile)
    for source in (as_jpeg, as_png):
        for width in (451, 100):
            image = one(source, tmp_path, width=width, format=kind)
            data = (tmp_path / "out" / f"cat-one.{'jpg' if kind == 'jpeg' else kind}").read_bytes()
            assert not image.getexif()
            assert not image.info.keys() & {"icc_profile", "comment", "xmp", "prompt", "exif"}
            for word in (b"secret", b"CameraMaker", b"Exif", b"ICC_PROFILE", b"iCCP", b"eXIf"):
                assert word not in data


def swapped_profile() -> bytes:
    """An RGB profile in which red means blue, and the other way round."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    for tag in (b"XYZ", b"TRC"):
        data = data.replace(b"r" + tag, b"?" + tag).replace(b"b" + tag, b"r" + tag).replace(b"?" + tag, b"b" + tag)
    return data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_go_through_the_profile_into_srgb(save, tmp_path: Path, mode: str) -> None:
    source = save(halves().convert(mode), "swapped.png", icc_profile=swapped_profile())
    image = one(source, tmp_path, width=400)
    assert near(image, (20, 20), BLUE)
    assert near(image, (380, 20), RED)


def test_a_profile_that_cannot_be_used_is_left_aside(save, cat, tmp_path: Path) -> None:
    for image, profile in ((cat, b"nonsense"), (cat.convert("L"), swapped_profile())):
        source = save(image, "odd.png", icc_profile=profile)
        assert difference(one(source, tmp_path, width=451), image) == 0


def test_a_drafted_jpeg_looks_like_a_fully_decoded_one(photos: Path, save, tmp_path: Path) -> None:
    large = Image.open(photos / "rocket.jpg").resize((2560, 1708), Image.Resampling.BICUBIC)
    large.info = {}
    sizes = {"width": 320, "height": 240, "focus": (0.9, 0.5)}
    drafted = one(save(large, "large.jpg", quality=95), tmp_path, **sizes)
    full = one(save(large, "full.png", compress_level=1), tmp_path, **sizes)
    assert difference(drafted, full) < 1


def deep(cat: Image.Image) -> Image.Image:
    return cat.convert("L").convert("I").point(lambda value: value * 256).convert("I;16")


def lab(cat: Image.Image) -> Image.Image:
    srgb, target = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(cat, srgb, target, outputMode="LAB")


def fading(cat: Image.Image) -> Image.Image:
    cat = cat.convert("RGBA")
    cat.putalpha(Image.linear_gradient("L").resize(cat.size))
    return cat


KINDS = {
    "CMYK": (lambda cat: cat.convert("CMYK"), "jpg"),
    "grey JPEG": (lambda cat: cat.convert("L"), "jpg"),
    "L": (lambda cat: cat.convert("L"), "png"),
    "LA": (lambda cat: fading(cat).convert("LA"), "png"),
    "RGBA": (fading, "png"),
    "P": (lambda cat: cat.quantize(64), "png"),
    "1": (lambda cat: cat.convert("1"), "png"),
    "I;16": (deep, "png"),
    "I;16 TIFF": (deep, "tiff"),
    "LAB": (lab, "tiff"),
    "GIF": (Image.Image.copy, "gif"),
    "WebP": (Image.Image.copy, "webp"),
    "AVIF": (Image.Image.copy, "avif"),
    "BMP": (Image.Image.copy, "bmp"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_mode_becomes_every_format(save, cat, tmp_path: Path, kind: str) -> None:
    make, ending = KINDS[kind]
    asked = [Rendition(name=each, width=100, height=100, format=each) for each in ("jpeg", "png", "webp")]
    expected = cat.crop((75, 0, 375, 300)).resize((100, 100), Image.Resampling.LANCZOS)
    if kind in ("L", "LA", "grey JPEG", "1", "I;16", "I;16 TIFF"):
        expected = expected.convert("L")
    for made in render(save(make(cat), f"cat.{ending}"), asked, tmp_path / "out"):
        image = Image.open(made.path)
        transparent = kind in ("LA", "RGBA") and made.name != "jpeg"
        assert (image.size, image.mode) == ((100, 100), "RGBA" if transparent else "RGB")
        part = (0, 90, 100, 100) if kind in ("LA", "RGBA") else (0, 0, 100, 100)  # what is nearly opaque
        allowed = 14 if kind in ("1", "LA", "RGBA") else 6
        assert difference(image.crop(part), expected.crop(part)) < allowed


def test_a_real_photograph_with_a_wide_profile(photos: Path, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(BytesIO(Image.open(photos / "rocket.jpg").info["icc_profile"]))
    assert "sRGB" not in ImageCms.getProfileDescription(profile)
    sky = one(photos / "rocket.jpg", tmp_path, width=640).getpixel((300, 100))
    plain = Image.open(photos / "rocket.jpg").getpixel((300, 100))
    assert sky[0] < plain[0] - 10  # the blue is deeper than its numbers in the wide space


def test_sixteen_bits_are_scaled_not_clipped(save, tmp_path: Path) -> None:
    deep = Image.new("I;16", (60, 20), 32768)
    assert near(one(save(deep, "deep.png"), tmp_path, width=60), (30, 10), (128, 128, 128), by=1)


def test_transparency_is_kept_or_laid_on_the_background(save, tmp_path: Path) -> None:
    clear = halves().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 200, 200))
    palette = clear.quantize(8, Image.Quantize.FASTOCTREE)
    assert palette.mode == "P"
    for source in (save(clear, "clear.png"), save(palette, "palette.png"), save(clear, "clear.webp", lossless=True)):
        for kind in ("png", "webp"):
            image = one(source, tmp_path, width=200, format=kind)
            assert image.getpixel((20, 50))[3] == 0
            assert image.getpixel((180, 50))[3] == 255
        flat = one(source, tmp_path, width=200, format="jpeg", background="#00800000")
        assert near(flat, (20, 50), GREEN)
        assert near(flat, (180, 50), (0, 0, 254))
        padded = one(source, tmp_path, width=200, height=200, fit="contain", background="#008000")
        assert padded.mode == "RGB"
        assert near(padded, (20, 100), GREEN)


def test_the_edge_of_something_transparent_has_no_dark_rim(save, tmp_path: Path) -> None:
    leaf = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    leaf.paste((255, 255, 255, 255), (101, 101, 299, 299))
    image = one(save(leaf, "leaf.png"), tmp_path, width=40)
    assert all(red > 250 for _, (red, _, _, opacity) in image.getcolors() if opacity > 8)


def test_colour_is_halved_under_quality_90_only(photos: Path, tmp_path: Path) -> None:
    for quality, expected in ((None, 2), (89, 2), (90, 0), (100, 0)):
        image = one(photos / "rocket.jpg", tmp_path, width=200, format="jpeg", quality=quality)
        assert JpegImagePlugin.get_sampling(image) == expected


def test_quality_changes_the_weight(photos: Path, tmp_path: Path) -> None:
    for kind in ("jpeg", "webp"):
        asked = [Rendition(name=f"q{q}", width=400, format=kind, quality=q) for q in (30, 60, 95)]
        small, middle, large = (each.bytes for each in render(photos / "astronaut.png", asked, tmp_path))
        assert small < middle < large


def test_noise_at_the_best_quality_is_written_too(save, tmp_path: Path) -> None:
    source = save(Image.effect_noise((1000, 1000), 200).convert("RGB"), "noise.png")
    for quality in (89, 94, 100):
        one(source, tmp_path, width=1000, format="jpeg", quality=quality).load()


def test_an_animation_gives_its_first_frame(save, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, BLUE)]
    for ending in ("gif", "webp", "png"):
        source = save(frames[0], f"moving.{ending}", save_all=True, append_images=frames[1:])
        image = one(source, tmp_path, width=40)
        assert near(image, (20, 20), RED)
        assert getattr(image, "n_frames", 1) == 1


def test_one_pixel_becomes_anything(save, tmp_path: Path) -> None:
    source = save(Image.new("RGB", (1, 1), RED), "dot.png")
    sizes = {(each.width, each.height) for each in render(source, SOCIAL, tmp_path / "out")}
    assert sizes == {(each.width, each.height) for each in SOCIAL}
    assert near(one(source, tmp_path, width=50), (25, 25), RED)


def test_a_size_that_follows_from_the_other_has_a_limit(save, tmp_path: Path) -> None:
    source = save(Image.new("RGB", (1, 3000)), "line.png")
    with pytest.raises(MediaInvalidError, match=r"line.png is 1×3000: as 'one' it would be 16384×49152000, too large"):
        one(source, tmp_path, width=16384)


def test_two_renditions_of_one_name_are_refused(photos: Path, tmp_path: Path) -> None:
    twice = [Rendition(name="square", width=9), Rendition(name="square", width=8, format="png")]
    with pytest.raises(ValueError, match="two renditions have the name 'square'"):
        render(photos / "coffee.png", twice, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stem", ["", ".", "..", "../up", "a/b", "/etc/a"])
def test_a_stem_cannot_lead_to_another_folder(photos: Path, tmp_path: Path, stem: str) -> None:
    with pytest.raises(ValueError, match="is no stem for a file name"):
        render(photos / "coffee.png", SOCIAL, tmp_path, stem)


def test_the_source_is_never_replaced(save, cat, tmp_path: Path) -> None:
    source = save(cat, "cat-one.png")
    before = source.read_bytes()
    with pytest.raises(ValueError, match="is the source itself"):
        render(source, [Rendition(name="one", width=9, format="png")], tmp_path / "x" / "..", "cat")
    assert source.read_bytes() == before


def test_a_cut_short_source_gives_no_file(photos: Path, tmp_path: Path) -> None:
    source = tmp_path / "cut.jpg"
    source.write_bytes((photos / "rocket.jpg").read_bytes()[:60_000])
    with pytest.raises(MediaInvalidError, match="is cut short"):
        render(source, SOCIAL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_named_with_the_reason(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MediaError, match=r"taken/coffee-portrait.jpg cannot be written: File exists"):
        render(photos / "coffee.png", SOCIAL, tmp_path / "taken")
    with pytest.raises(MediaError, match="cannot be written: File name too long"):
        render(photos / "coffee.png", SOCIAL, tmp_path, "long" * 100)
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(photos: Path, tmp_path: Path) -> None:
    (made,) = render(photos / "coffee.png", SOCIAL[:1], tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))  # no file may grow beyond 5000 bytes
    try:
        with pytest.raises(MediaError, match=r"coffee-portrait.jpg cannot be written: File too large"):
            render(photos / "astronaut.png", SOCIAL[:1], tmp_path, "coffee")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256
    assert list(tmp_path.iterdir()) == [made.path]


def test_a_bomb_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaInvalidError, match=r"has 0.24 megapixels; the limit is 0.2"):
        render(photos / "coffee.png", SOCIAL, tmp_path, max_pixels=200_000)


def test_a_file_is_readable_by_the_others_who_may_read(photos: Path, tmp_path: Path) -> None:
    (made,) = render(photos / "coffee.png", SOCIAL[-1:], tmp_path)
    plain = tmp_path / "plain"
    plain.touch()
    assert made.path.stat().st_mode == plain.stat().st_mode
    assert Image.open(BytesIO(made.path.read_bytes())).size == (400, 400)
