"""Which pictures are alike, and what is wrong with one."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from prefect_genmedia.imaging.judging import (
    NEAR,
    Quality,
    distance,
    faults,
    faults_of,
    fingerprint,
    near_duplicates,
    thumbhash,
)

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
# As the algorithm's own Python port (thumbhash 0.1.2) has them.
HASHES = (
    "3EgKFwhpaIVPh2aHVnh5WIdp+SVif0IG",
    "XEkGFYL2V2ix5qmreEWIhQx41HBm",
    "GIoKDYSlqIdPUXd3eEeHh9N/YIkI",
    "EOcFFYItd2ZwiZd1h4iIdnZwbgbn",
)


def versions(picture: Image.Image) -> dict[str, Image.Image]:
    lossy = BytesIO()
    picture.save(lossy, "JPEG", quality=30)
    marked = picture.copy()
    marked.paste("white", (10, 10, picture.width // 6, picture.height // 8))
    inset = picture.width // 100, picture.height // 100
    return {
        "itself": picture,
        "JPEG 30": Image.open(lossy),
        "half": picture.resize((picture.width // 2, picture.height // 2)),
        "softer": picture.filter(ImageFilter.GaussianBlur(2)),
        "with a logo": marked,
        "cropped": picture.crop((*inset, picture.width - inset[0], picture.height - inset[1])),
    }


def test_versions_are_alike_and_other_pictures_are_not(photos: Path) -> None:
    pictures = [Image.open(photos / name).convert("RGB") for name in NAMES]
    for picture in pictures:
        for name, version in versions(picture).items():
            assert distance(fingerprint(picture), fingerprint(version)) <= NEAR, name
    several = [fingerprint(version) for picture in pictures for version in versions(picture).values()]
    assert [len(group) for group in near_duplicates(several)] == [6, 6, 6, 6]
    assert near_duplicates([fingerprint(picture) for picture in pictures]) == []


def kinds(found: object) -> list[str]:
    return [fault.kind for fault in found]  # type: ignore[attr-defined]


def test_photographs_are_good_and_what_is_wrong_is_said(photos: Path) -> None:
    for name in NAMES:
        picture = Image.open(photos / name).convert("RGB")
        assert faults(picture) == [] == faults_of(photos / name), name
        assert kinds(faults(picture.filter(ImageFilter.GaussianBlur(2)))) == ["blurred"]
    blank = Image.new("RGB", (300, 200), "beige")
    assert kinds(faults(blank)) == ["blank"] and faults(blank, Quality(blank=True)) == []
    asked = Quality(least_width=2000, aspect=1.0)
    (small, wrong) = faults_of(photos / "coffee.png", asked)
    assert (small.kind, wrong.kind) == ("too small", "wrong aspect") and "600×400" in small.said


@pytest.mark.parametrize(("name", "hashed"), list(zip(NAMES, HASHES, strict=True)))
def test_a_placeholder_is_what_others_make_of_it(name: str, hashed: str, photos: Path) -> None:
    ours, theirs = (b64decode(each) for each in (thumbhash(Image.open(photos / name)), hashed))
    steps = [abs((ours[n] >> shift & 15) - (theirs[n] >> shift & 15)) for n in range(len(ours)) for shift in (0, 4)]
    # Two versions of Pillow make a picture smaller not quite alike: a wave may round to the next of its 16 steps.
    assert len(ours) == len(theirs) and max(steps) <= 1 and sum(steps) <= 2


def test_a_placeholder_of_a_picture_with_nothing_in_it() -> None:
    for mode, colour in (("RGBA", (0, 0, 0, 0)), ("RGB", "teal"), ("L", 0)):
        assert 5 <= len(b64decode(thumbhash(Image.new(mode, (1, 300), colour)))) <= 40
