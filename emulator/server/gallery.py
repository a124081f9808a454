"""The files of finished jobs, made when first downloaded, and kept while there is room."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from prefect_genmedia.emulator.drawing import recordings
from prefect_genmedia.emulator.drawing.recordings import Drawn

ROOM_BYTES = 64 * 2**20
ROOM_PICTURES = 8


@dataclass(frozen=True)
class File:
    job_id: str
    part: str  # which of the job's files; whoever draws the job knows the names
    kind: str  # of recordings.TYPES


class Gallery:
    def __init__(self, draw: Callable[[File], Drawn], one_for_all: Callable[[], bool]) -> None:
        self.inputs: dict[str, bytes] = {}  # pictures that came with requests, by sha256
        self._draw = draw
        self._one_for_all = one_for_all
        self._files: dict[str, File] = {}
        self._bytes: OrderedDict[tuple[File, str], bytes] = OrderedDict()
        self._whole: OrderedDict[str, Image.Image] = OrderedDict()
        self._drawing = threading.Lock()  # made in worker threads; one at a time, the rest find it done

    def hang(self, path: str, file: File) -> None:
        self._files[path] = file

    def find(self, path: str) -> File | None:
        return self._files.get(path)

    def place(self, file: File) -> int:
        """Which of its job's files it is, from 0."""
        return list(dict.fromkeys(f for f in self._files.values() if f.job_id == file.job_id)).index(file)

    def keep(self, content: bytes) -> str:
        """A picture that came with a request; its sha256."""
        digest = hashlib.sha256(content).hexdigest()
        self.inputs[digest] = content
        return digest

    def given(self, sha256: str) -> Image.Image:
        """A picture that came with a request."""
        with Image.open(io.BytesIO(self.inputs[sha256])) as picture:
            picture.load()
            return picture

    def whole(self, job_id: str, draw: Callable[[], Image.Image]) -> Image.Image:
        """A job's main picture, drawn once: other files and other jobs are made from it."""
        if job_id not in self._whole:
            self._whole[job_id] = draw()
            if len(self._whole) > ROOM_PICTURES:
                self._whole.popitem(last=False)
        return self._whole[job_id]

    def read(self, file: File, kind: str | None = None, factor: float = 1.0, pixels: int = 0) -> bytes:
        """The file's bytes; a fault may want another type or size than the true one."""
        of = replace(file, job_id="") if self._one_for_all() else file
        key = (of, f"{kind or file.kind}*{factor}+{pixels}")
        with self._drawing:
            if key not in self._bytes:
                self._bytes[key] = recordings.encoded(self._draw(file), kind or file.kind, factor, pixels)
                while sum(map(len, self._bytes.values())) > ROOM_BYTES and len(self._bytes) > 1:
                    self._bytes.popitem(last=False)
            self._bytes.move_to_end(key)
            return self._bytes[key]
