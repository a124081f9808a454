"""Three hundred files that people give as pictures, most of them broken: each is a picture that can be sent, or a plain
refusal, within bounded memory."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import PictureLimit, Ready, made_ready
from tests.broken import FILES, WHOLE, bombs

LIMIT = PictureLimit(megapixels=0.05, megabytes=0.5)


REFUSED = {"tiff float beyond"}


def outcome(content: bytes, *, shrink: bool) -> Ready | None:
    try:
        return made_ready(content, LIMIT, shrink=shrink)
    except MediaError as refused:
        assert 0 < len(refused.message) < 200
        return None


def test_there_are_enough_of_them() -> None:
    assert len(FILES) + len(list(bombs())) >= 300


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")  # Pillow's own
@pytest.mark.parametrize("name", FILES)
@pytest.mark.sampled(4)
def test_a_picture_that_can_be_sent_or_a_plain_refusal(name: str) -> None:
    ready = outcome(FILES[name], shrink=False)
    if name in WHOLE:
        assert (ready is None) == (name in REFUSED)
    if ready is None:
        return
    assert b"SECRET" not in ready.content and len(ready.content) <= LIMIT.bytes
    with Image.open(BytesIO(ready.content), formats=LIMIT.formats) as picture:
        picture.load()
        assert picture.size == (ready.width, ready.height)
        assert picture.mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
        assert not picture.getexif() and "xmp" not in picture.info
    assert made_ready(ready.content, LIMIT).content == ready.content


ALONE = """
import pathlib, resource, sys, warnings
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import PictureLimit, made_ready
warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for shrink in (False, True):
        try:
            made_ready(path.read_bytes(), PictureLimit(megapixels=200), shrink=shrink)
        except MediaInvalidError:
            continue
        raise SystemExit(f"{path.name} was let through")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    """In a process of its own, which never needs memory for what a header claims."""
    for name, content in bombs():
        (tmp_path / name).write_bytes(content)
    ran = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 30_000  # kilobytes
