"""What people write for a picture: a path, a file: URI, an address in a store or on the web; in quotes, with spaces."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.media.places import open_place, telling
from prefect_genmedia.quoting import title

LONGEST_REFERENCE = 4096  # characters of a path or a URL
_AROUND = " \t\r\n\u00a0\u200b\ufeff\"'`<>\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


def tidy(text: str) -> str:
    """`text` without the spaces, line ends and quotes around it."""
    return text.strip(_AROUND)


def web_address(text: str) -> str | None:
    """The http or https URL that is meant; None for anything else."""
    scheme, address = _split(text)
    return f"{scheme}://{address}" if scheme in ("http", "https") else None


def read_reference(text: str, most: int) -> bytes:
    """The bytes that lie at a path, a file: URI or an address such as s3://bucket/key. Blocking.

    Raises MediaError when they cannot be read, MediaInvalidError when there are more than `most`.
    """
    if len(text) > LONGEST_REFERENCE:
        raise MediaError("is longer than any path", advice="Give base64 text as bytes, decoded.")
    scheme, address = _split(text)
    if scheme not in ("", "file"):
        return _in_store(f"{scheme}://{address}", most)
    try:
        paths = _paths(text, scheme, address)
        path = next((path for path in paths if path.exists()), paths[0])
        require_found(path, text)
        return _in_file(path, most)
    except OSError as failure:
        raise MediaError(f"cannot read {title(text, 200)}: {failure.strerror or type(failure).__name__}") from None
    except (ValueError, RuntimeError):
        raise MediaError(f"{title(text, 200)!r} is no path") from None


def require_found(path: Path, text: str) -> None:
    """Raises MediaError, which says where it was looked for, when a relative path leads nowhere."""
    if not path.is_absolute() and not path.exists():
        raise MediaError(
            f"there is no {title(text, 200)} in {title(str(Path.cwd()), 200)}",
            advice="Give the whole path: a worker starts each run in a folder of its own.",
        )


def refuse_large(size: int, most: int) -> None:
    """Raises MediaInvalidError when there are more than `most` bytes."""
    if size > most:
        raise MediaInvalidError(
            f"has {size / 1e6:.1f} MB; the limit is {most / 1e6:g} MB",
            advice="Make it smaller first, for example with imaging.render.",
        )


def _split(text: str) -> tuple[str, str]:
    """Scheme, in small letters, and what follows it; "" for a path."""
    scheme, found, rest = tidy(text).partition("://")
    if found and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum():
        return scheme.lower(), rest
    return "", text


def _paths(text: str, scheme: str, address: str) -> list[Path]:
    """As it is written first: a file's name may end with a space, and hold a percent sign."""
    if scheme != "file":
        return [Path(text).expanduser(), Path(tidy(text)).expanduser()]
    host, slash, path = address.partition("/")
    if host.lower() not in ("", "localhost"):
        raise MediaError(f"{title(text, 200)} is a file of another machine")
    return [Path(slash + unquote(path)), Path(slash + path)]


def _in_file(path: Path, most: int) -> bytes:
    """Raises OSError, ValueError."""
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise MediaError(f"{title(str(path), 200)} is no file but a device or a pipe, which may never end")
    refuse_large(found.st_size, most)
    with path.open("rb") as file:
        content = file.read(most + 1)
    refuse_large(len(content), most)
    return content


def _in_store(uri: str, most: int) -> bytes:
    with telling(f"cannot read {title(uri, 200)}"):
        fs, path = open_place(uri)
        content = bytes(fs.cat_file(path, end=most + 1))
    refuse_large(len(content), most)
    return content
