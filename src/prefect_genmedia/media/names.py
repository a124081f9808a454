"""What files and folders of the media store may be called: names that any disk and any bucket takes."""

from __future__ import annotations

import re
import unicodedata

from prefect_genmedia.errors import ConfigurationError

# A folder or a file of the store: no way out of it, and no query.
_PLACE = re.compile(r"\w[\w .()+-]*")

MOST_PART_BYTES = 255
"""A folder's name, on any disk of today."""
MOST_STEM_BYTES = 180
"""With `-` and the 64 letters that a size's name may have, its ending and `.json`, a stem is a part of 255."""
MOST_FOLDER_BYTES = 640
"""All folders of a file: a key of a bucket has 1024, with the file's own name and what stands before all keys."""
MOST_OWN_BYTES = 500
"""The same of a folder that a flow puts below its own: `published/<collection>/`."""
MOST_FILE_BYTES = MOST_STEM_BYTES - 10
"""A stem that a flow puts numbers behind, such as `-2-3`, where several files have it."""


def check_place(folder: str, stem: str | None = None) -> None:
    """Raises ConfigurationError unless both stay inside of the media store, hold nothing of a link, and fit a disk."""
    check_folder(folder)
    if stem is not None:
        _check("stem", stem, MOST_STEM_BYTES)


def check_folder(folder: str, most: int = MOST_FOLDER_BYTES) -> None:
    """The same of a folder alone, or of one below another."""
    for part in folder.split("/"):
        _check("folder", part, MOST_PART_BYTES)
    _check_length("folder", folder, most)


def check_file(file: str) -> None:
    """The same of what a user calls files of a flow: before money is spent."""
    _check("file", file, MOST_FILE_BYTES)


def _check(what: str, name: str, most: int) -> None:
    # What Hindi and Thai write above and below their letters, and accents apart from theirs, are no \w.
    plain = "".join(sign for sign in name if not unicodedata.category(sign).startswith("M"))
    if _PLACE.fullmatch(plain) is None or name[0] != plain[0]:
        raise ConfigurationError(
            f"{what} must be made of letters, digits, spaces and . - _ + ( ) and begin with a letter or a digit"
        )
    _check_length(what, name, most)


def one_name(name: str) -> str:
    """The same for an accent that is one sign with its letter and for one apart: a Mac takes both for one file."""
    return unicodedata.normalize("NFC", name)


def _check_length(what: str, name: str, most: int) -> None:
    # On disks bytes count, not letters. \w is no half surrogate pair.
    if (found := max(len(each.encode("utf-8", "surrogatepass")) for each in (name, one_name(name)))) > most:
        several = " (in UTF-8, where é is 2 and 漢 is 3)" if found > len(name) else ""
        raise ConfigurationError(f"{what} is too long for a disk: {found} bytes{several}; the limit is {most}")
