"""Texts fit their boxes, in every script that a font has; what a font lacks is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, features

from prefect_genmedia.errors import ConfigurationError, MissingGlyphError, RecipeError
from prefect_genmedia.imaging.drawing import Face, Look, face_for, fitted, write_text

NOTO = Path("/usr/share/fonts/truetype/noto")
CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
LATIN, ARABIC = NOTO / "NotoSans-Regular.ttf", NOTO / "NotoSansArabic-Regular.ttf"
FONTS = [str(path) for path in (LATIN, ARABIC, CJK) if path.exists()]
ENGLISH = "Everything must go, until Saturday"
TEXTS = {"latin": ENGLISH, "arabic": "تخفيضات الصيف على كل شيء", "japanese": "夏のセール。すべての商品が「半額」です。"}


def face(script: str) -> Face:
    if script != "latin" and (not {LATIN, ARABIC, CJK} <= {Path(font) for font in FONTS} or not features.check("raqm")):
        pytest.skip("Noto's fonts are not installed")
    return face_for(TEXTS[script], FONTS)


def ink(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(before, after).getbbox()


@pytest.mark.parametrize("script", list(TEXTS))
@pytest.mark.parametrize("box", [(20, 30, 380, 290), (10, 10, 140, 300), (0, 100, 400, 160)])
def test_it_stays_in_its_box_and_is_as_large_as_it_may_be(script: str, box: tuple[int, int, int, int]) -> None:
    blank = Image.new("RGB", (400, 300), "#205080")
    chosen, sizes = face(script), (4, 200)
    left, top, right, bottom = ink(blank, write_text(blank, TEXTS[script], chosen, box, sizes)) or (0, 0, 0, 0)
    assert box[0] <= left < right <= box[2] and box[1] <= top < bottom <= box[3]
    words = fitted(TEXTS[script], chosen, (box[2] - box[0], box[3] - box[1]), sizes)
    assert "".join(words.lines).replace(" ", "") == TEXTS[script].replace(" ", ""), "no sign is lost"
    with pytest.raises(RecipeError, match="does not fit"):
        fitted(TEXTS[script], chosen, (box[2] - box[0], box[3] - box[1]), (words.size + 1, 300))


def test_it_begins_where_its_script_begins() -> None:
    blank = Image.new("RGB", (400, 100), "black")
    look = Look(align="start")
    for script, at_left in (("latin", True), ("arabic", False)):
        text = TEXTS[script].split()[0]
        left, _, right, _ = (
            ink(blank, write_text(blank, text, face(script), (0, 0, 400, 100), (30, 30), look)) or (0,) * 4
        )
        assert (left < 10) is at_left and (right > 390) is not at_left


def test_japanese_lines_begin_with_no_closing_sign() -> None:
    for width in range(60, 260, 5):
        words = fitted(TEXTS["japanese"] * 4, face("japanese"), (width, 2000), (20, 20))
        assert len(words.lines) > 4
        assert not [line for line in words.lines if line[0] in "。、」ー" or line[-1] == "「"]


@pytest.mark.parametrize("text", ["Ελλάδα", "夏", "até já", "\U0001f680"])
def test_a_sign_that_no_font_has_is_named(text: str) -> None:
    with pytest.raises(MissingGlyphError, match=r"U\+[0-9A-F]{4}") as caught:
        face_for(f"ok {text}", [])
    assert set(caught.value.missing) <= set(text) and caught.value.missing
    assert isinstance(caught.value, ConfigurationError) and "GENMEDIA_FONTS" in caught.value.advice


def test_spaces_joiners_and_lines_are_no_signs() -> None:
    assert face_for("one\u00a0two\u200d\ufe0f\nthree", []) == Face()


@pytest.mark.parametrize("content", [None, b"", b"no font"])
def test_a_font_that_is_none_is_said(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "my.ttf").write_bytes(content)
    with pytest.raises(RecipeError, match=r"my\.ttf cannot be read"):
        face_for("a", [str(tmp_path / "my.ttf")])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_outline_shadow_and_opacity(mode: str) -> None:
    blank = Image.new(mode, (300, 100), (90, 90, 90, 0)[: len(mode)])
    plain = write_text(blank, "Sale", Face(), (0, 0, 300, 100), (40, 40))
    outlined = write_text(blank, "Sale", Face(), (0, 0, 300, 100), (40, 40), Look(outline=0.1))
    shaded = write_text(blank, "Sale", Face(), (0, 0, 300, 100), (40, 40), Look(shadow=0.1))
    faint = write_text(blank, "Sale", Face(), (0, 0, 300, 100), (40, 40), Look(colour="#ffffff40"))
    assert plain.mode == mode and blank.getpixel((150, 50)) == (90, 90, 90, 0)[: len(mode)], (
        "the picture given is as it was"
    )
    black = [
        sum(1 for pixel in each.convert("RGB").get_flattened_data() if max(pixel[:3]) < 40)
        for each in (plain, outlined, shaded)
    ]
    assert black[0] < black[1]
    assert ink(plain, shaded) is not None
    assert max(faint.convert("L").get_flattened_data()) < 160 or mode == "RGBA"
    assert mode == "RGB" or 60 <= faint.getchannel("A").getextrema()[1] <= 68


@given(text=st.text(st.sampled_from("abc defghij klm\n"), min_size=1, max_size=60), width=st.integers(40, 400))
@settings(max_examples=60)
def test_any_text_fits_or_is_refused(text: str, width: int) -> None:
    try:
        words = fitted(text, Face(), (width, 200), (8, 60))
    except RecipeError:
        return
    font = Face().at(words.size)
    assert all(font.getlength(line) <= width for line in words.lines)
    assert "".join("".join(words.lines).split()) == "".join(text.split())
