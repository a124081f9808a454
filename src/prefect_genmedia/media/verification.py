"""Is it the file that was due? Refused are an empty file, a cut one, an error page; all else is kept with remarks."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import inspect
from prefect_genmedia.imaging.reading import MEDIA_TYPES
from prefect_genmedia.media.kinds import EXTENSIONS, UNKNOWN, binary_kind, extension, labelled_kind
from prefect_genmedia.media.texts import text_kind, text_of
from prefect_genmedia.media.whole import READERS, Content, Whole
from prefect_genmedia.operation import Link

__all__ = ["EXTENSIONS", "Seen", "verify"]

LEAST_BYTES = 32
"""No picture, film or sound of a kind that nobody knows is smaller; it is the beginning of one."""

_WRITTEN = ("application/pdf", "application/postscript", "application/rtf")  # binary kinds that read like texts
_DUE = {"image": "a picture", "video": "a film", "audio": "a sound"}


@dataclass(frozen=True)
class Seen:
    """What a file was found to be, and what is odd of it."""

    media_type: str
    extension: str
    width: int | None
    height: int | None
    remarks: tuple[str, ...] = ()
    is_damaged: bool = False
    """Is what is odd a fault of its bytes? Then it may come whole another time."""


def verify(part: Path, link: Link, declared: str) -> Seen:
    """Look at a file that has come. Raises MediaInvalidError for no bytes, cut bytes, and an error page."""
    with part.open("rb") as handle:
        if not handle.seek(0, 2):
            raise MediaInvalidError("the file is empty")
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
            kind, ending, remarks = _kind(content, link, declared)
            whole = READERS[kind](content) if kind in READERS else Whole()
        kind, ending = _by_tracks(kind, ending, whole.tracks, link)
        remarks += [*_label(declared, kind), *_misplaced(link, kind), *whole.remarks]
        width, height, faults = link.width, link.height, list(whole.remarks)
        if kind in MEDIA_TYPES.values():
            width, height, more = _decoded(handle, link)
            faults += more
            remarks += more
            remarks += _of_another_size(link, width, height)
        elif link.kind == "image" and kind.startswith("image/"):
            remarks.append(f"{kind} is not decoded here; its size is the provider's word")
    return Seen(kind, ending, width, height, tuple(remarks), bool(faults))


def _kind(content: Content, link: Link, declared: str) -> tuple[str, str, list[str]]:
    """Media type, extension and remarks. Raises MediaInvalidError for an error page."""
    kind, text = binary_kind(content), text_of(content)
    if kind is not None and (text is None or kind in _WRITTEN):
        return kind, extension(kind, link.url), []
    if text is not None:
        kind, error = text_kind(text, content, bought=link.kind == "file")
        if error and not (kind == "text/html" and link.kind == "file" and declared == kind and _is_page(link.url)):
            raise MediaInvalidError(f"the result link gave {error} in the place of the {link.kind}")
        return kind, extension(kind, link.url), []
    if len(content) < LEAST_BYTES and link.kind != "file":
        raise MediaInvalidError(f"the file is cut short: only {len(content)} bytes came")
    kind, ending = labelled_kind(declared, link.url)
    what = "of no kind that is known" if kind == UNKNOWN else f"said to be {kind}, which its bytes do not tell"
    return kind, ending, [] if link.kind == "file" else [f"it is {what}"]


def _is_page(url: str) -> bool:
    return extension(UNKNOWN, url) in ("html", "htm")


def _by_tracks(kind: str, ending: str, tracks: frozenset[str], link: Link) -> tuple[str, str]:
    """The same container holds films and sounds: what is in it tells, or what was due."""
    if kind in ("video/mp4", "audio/mp4"):
        film = "vide" in tracks if tracks else link.kind != "audio" and kind == "video/mp4"
        kind = "video/mp4" if film else "audio/mp4"
        return kind, EXTENSIONS[kind]
    return ("audio/webm", ending) if kind == "video/webm" and link.kind == "audio" else (kind, ending)


def _label(declared: str, kind: str) -> list[str]:
    """Storages label anything application/octet-stream; a text's label on what is no text is worth a word."""
    textual = declared.startswith("text/") or declared in ("application/json", "application/xml")
    if textual and kind.startswith(("image/", "video/", "audio/", "model/", "application/zip")):
        return [] if kind == "image/svg+xml" else [f"it is labelled {declared} and is {kind}"]
    return []


def _misplaced(link: Link, kind: str) -> list[str]:
    group = kind.partition("/")[0]
    fits = link.kind in ("file", group) or kind == UNKNOWN or (link.kind, kind) == ("video", "image/gif")
    return [] if fits else [f"it is {kind} where {_DUE[link.kind]} was due"]


def _decoded(part: BinaryIO, link: Link) -> tuple[int | None, int | None, list[str]]:
    """A picture's size and what is wrong with its bytes. Raises MediaInvalidError when it is cut."""
    try:
        facts = inspect(part, mend=True)
    except MediaInvalidError as failure:
        fault = failure.message.removeprefix("the data").strip()
        if "cut short" in fault:
            raise MediaInvalidError(f"the picture {fault}") from None
        return link.width, link.height, [f"it could not be decoded here: it {fault}"]
    return facts.width, facts.height, list(facts.remarks)


def _of_another_size(link: Link, width: int | None, height: int | None) -> list[str]:
    return [
        f"its {name} is {got} pixels; {due} were due"
        for name, due, got in (("width", link.width, width), ("height", link.height, height))
        if due is not None and due > 0 and got is not None and abs(got - due) > link.tolerance
    ]
