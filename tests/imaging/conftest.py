"""Real photographs, and a way to put made ones into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """`save(image, "name.png", **options)` writes a picture and says where."""

    def saved(image: Image.Image, name: str, **options: Any) -> Path:
        path = tmp_path / name
        image.save(path, **options)
        return path

    return saved


@pytest.fixture
def cat(photos: Path) -> Image.Image:
    return Image.open(photos / "chelsea.png").convert("RGB")
