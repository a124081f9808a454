"""Sound and film without an encoder: small files that are whole and play.

| kind | what is in it |
| --- | --- |
| wav | a tune, 16 bit mono at 8 kHz |
| m4a | the same tune: Apple Lossless, whose frames may be left uncompressed |
| mp3 | an ID3 tag and silence: the one MPEG frame that needs no encoder |
| mp4 | a few JPEG frames, each shown for its share of the time |
| gif | the same frames, animated |
"""

from __future__ import annotations

import functools
import io
import math
import random
import struct
import wave
from array import array
from dataclasses import dataclass

from PIL import Image

from prefect_genmedia.emulator.drawing import pictures

RATE = 8000  # samples a second
BAR_SECONDS = 2
FRAMES = 6
ALAC_SAMPLES = 4096  # in a frame
MP3_FRAME = bytes.fromhex("fffb10c0").ljust(104, b"\0")  # MPEG-1 layer III, 32 kbit/s, 44.1 kHz, mono
MP3_SECONDS = 1152 / 44100
TYPES = {
    **{kind: f"image/{kind}" for kind in pictures.KINDS},
    "gif": "image/gif",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
}


@dataclass(frozen=True)
class Film:
    """From one picture to another."""

    first: Image.Image
    last: Image.Image
    seconds: float


@dataclass(frozen=True)
class Tune:
    """A melody that the seed chooses, over and over."""

    title: str
    seed: str
    seconds: float


Drawn = Image.Image | Film | Tune


def encoded(drawn: Drawn, kind: str, factor: float = 1.0, pixels: int = 0) -> bytes:
    """The file. `factor` spoils its size: a picture's or film's sides, a tune's length; `pixels` are added to sides."""
    if isinstance(drawn, Tune) and kind in ("wav", "m4a", "mp3"):
        return {"wav": wav, "m4a": m4a, "mp3": mp3}[kind](Tune(drawn.title, drawn.seed, drawn.seconds * factor))
    if isinstance(drawn, Film) and kind in ("mp4", "gif"):
        film = Film(_scaled(drawn.first, factor, pixels), _scaled(drawn.last, factor, pixels), drawn.seconds)
        return mp4(film) if kind == "mp4" else gif(film)
    return pictures.encoded(_scaled(still(drawn), factor, pixels), kind)


def still(drawn: Drawn) -> Image.Image:
    """A picture in any case: a film's first frame, a scene for a tune."""
    if isinstance(drawn, Film):
        return drawn.first
    return pictures.scene(drawn.title, drawn.seed, (512, 512)) if isinstance(drawn, Tune) else drawn


def wav(tune: Tune) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(_samples(tune))
    return file.getvalue()


def m4a(tune: Tune) -> bytes:
    samples = array("h", _samples(tune))
    samples.byteswap()  # a frame holds them as one big-endian run of bits
    frames = [_alac(samples[start : start + ALAC_SAMPLES]) for start in range(0, len(samples), ALAC_SAMPLES)]
    config = struct.pack(">IBBBBBBHIII", ALAC_SAMPLES, 0, 16, 40, 10, 14, 1, 255, 0, 0, RATE)
    entry = struct.pack(">6xH8xHHHHI", 1, 1, 16, 0, 0, RATE << 16) + _full("alac", config)
    last = len(samples) - ALAC_SAMPLES * (len(frames) - 1)
    lasts = [(len(frames) - 1, ALAC_SAMPLES), (1, last)] if len(frames) > 1 else [(1, last)]
    return _movie(b"M4A ", "soun", _box("alac", entry), frames, lasts, RATE, (0, 0))


def mp3(tune: Tune) -> bytes:
    text = b"\x03" + f"{tune.title} ({tune.seed})".encode()
    title = b"TIT2" + struct.pack(">I", _syncsafe(len(text))) + b"\0\0" + text
    tag = b"ID3\x04\0\0" + struct.pack(">I", _syncsafe(len(title))) + title
    return tag + MP3_FRAME * max(1, round(tune.seconds / MP3_SECONDS))


def mp4(film: Film) -> bytes:
    frames = [pictures.encoded(frame, "jpeg") for frame in _frames(film)]
    width, height = film.first.size
    # In an MPEG-4 elementary stream descriptor, 0x6C says that each sample is a JPEG picture.
    decoder = bytes([0x04, 13, 0x6C, 0x11]) + bytes(11)
    stream = bytes([0x03, 3 + len(decoder) + 3, 0, 1, 0]) + decoder + bytes([0x06, 1, 2])
    entry = struct.pack(">6xH16xHHIIIH32sHh", 1, width, height, 72 << 16, 72 << 16, 0, 1, b"", 24, -1)
    rest = _box("mp4v", entry + _full("esds", stream))
    each = max(1, round(film.seconds * 1000 / len(frames)))
    return _movie(b"isom", "vide", rest, frames, [(len(frames), each)], 1000, (width, height))


def gif(film: Film) -> bytes:
    file = io.BytesIO()
    first, *others = [frame.quantize(64) for frame in _frames(film)]
    each = round(film.seconds * 1000 / FRAMES)
    first.save(file, "GIF", save_all=True, append_images=others, duration=each, loop=0)
    return file.getvalue()


def _frames(film: Film) -> list[Image.Image]:
    first, last = film.first.convert("RGB"), film.last.convert("RGB").resize(film.first.size)
    return [Image.blend(first, last, place / (FRAMES - 1)) for place in range(FRAMES)]


def _scaled(picture: Image.Image, factor: float, pixels: int) -> Image.Image:
    if factor == 1.0 and not pixels:
        return picture
    wide, high = (max(1, int(side * factor) + pixels) for side in picture.size)
    return picture.resize((wide, high))


def _samples(tune: Tune) -> bytes:
    bar = _bar(tune.seed)
    length = max(1, round(tune.seconds * RATE)) * 2
    return (bar * (length // len(bar) + 1))[:length]


@functools.lru_cache(64)
def _bar(seed: str) -> bytes:
    """Eight notes of a pentatonic scale, each dying away."""
    chance = random.Random(f"tune:{seed}")
    base, note = chance.uniform(180, 330), RATE * BAR_SECONDS // 8
    samples = array("h")
    for _ in range(8):
        step = math.tau * base * 2 ** (chance.choice((0, 2, 4, 7, 9, 12)) / 12) / RATE
        samples.extend(round(9000 * math.exp(-4 * n / note) * math.sin(step * n)) for n in range(note))
    return samples.tobytes()


def _alac(samples: array[int]) -> bytes:
    """One frame with its samples as they are: a header that says so, the samples, the end mark."""
    # Element 0 (mono), instance 0, 12 unused bits, "has a length", no shift, "uncompressed", the length.
    bits = (1 << 3 | 1) << 32 | len(samples)
    bits = bits << 16 * len(samples) | int.from_bytes(samples.tobytes(), "big")
    bits = bits << 3 | 0b111
    count = 3 + 4 + 12 + 4 + 32 + 16 * len(samples) + 3
    pad = -count % 8
    return (bits << pad).to_bytes((count + pad) // 8, "big")


def _movie(
    brand: bytes,
    handler: str,
    entry: bytes,
    frames: list[bytes],
    durations: list[tuple[int, int]],
    scale: int,
    size: tuple[int, int],
) -> bytes:
    """An ISO base media file with one track; `durations` are (how many frames, how long each)."""
    total = sum(count * each for count, each in durations)
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    sound = handler == "soun"
    movie = struct.pack(">IIII", 0, 0, scale, total) + struct.pack(">IH10x", 0x10000, 0x100) + matrix + bytes(24)
    track = struct.pack(">IIIII8xhhH2x", 0, 0, 1, 0, total, 0, 0, 0x100 if sound else 0) + matrix
    track += struct.pack(">II", size[0] << 16, size[1] << 16)
    media = struct.pack(">IIIIHH", 0, 0, scale, total, 0x55C4, 0)
    named = struct.pack(">4x4s12x", handler.encode()) + b"emulator\0"
    head = _full("smhd", bytes(4)) if sound else _full("vmhd", bytes(8), flags=1)
    place = _box("dinf", _full("dref", struct.pack(">I", 1) + _full("url ", b"", flags=1)))
    times = struct.pack(">I", len(durations)) + b"".join(struct.pack(">II", *pair) for pair in durations)
    sizes = struct.pack(">II", 0, len(frames)) + b"".join(struct.pack(">I", len(frame)) for frame in frames)
    start = _box("ftyp", brand + struct.pack(">I", 512) + brand + b"isommp42")

    def tables(offset: int) -> bytes:
        table = _full("stsd", struct.pack(">I", 1) + entry) + _full("stts", times)
        table += _full("stsc", struct.pack(">IIII", 1, 1, len(frames), 1)) + _full("stsz", sizes)
        table = _box("stbl", table + _full("stco", struct.pack(">II", 1, offset)))
        information = _box("minf", head + place + table)
        whole = _box("mdia", _full("mdhd", media) + _full("hdlr", named) + information)
        return _box("moov", _full("mvhd", movie + struct.pack(">I", 2)) + _box("trak", _full("tkhd", track, 3) + whole))

    # The tables say where the frames begin, and the tables come first: their length is known beforehand.
    offset = len(start) + len(tables(0)) + 8
    return start + tables(offset) + _box("mdat", b"".join(frames))


def _box(kind: str, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind.encode()) + content


def _full(kind: str, content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags) + content)


def _syncsafe(number: int) -> int:
    """Seven bits to the byte, as ID3 counts."""
    return (number >> 21 & 127) << 24 | (number >> 14 & 127) << 16 | (number >> 7 & 127) << 8 | number & 127
