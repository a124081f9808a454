"""Others' words are text: made fit for a title, a terminal, a page, markdown. Pure functions.

A prompt, a file's name, a provider's message or a job's id may hold a signed link, a terminal's escape sequence,
markup, or letters that turn the reading direction round. JSON output is not touched by any of this: it is exact.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST_TITLE = 60

# Where a link begins: with a scheme, relative to one, or by a host alone. A file: URI of the media store is no link.
_LINK = re.compile(
    r"(?P<start>(?<![a-z0-9+.-])(?!file:)[a-z][a-z0-9+.-]{0,30}:(?://|\\\\|\\/\\/)"
    r"|(?<![:/\w])//(?=[\w-]{1,63}\.)"
    r"|(?<![\w/:.%-])(?=(?:[\w-]{1,63}\.)+[a-z]{2,24}(?::\d{1,5})?/))"
    r"(?P<rest>[^\s\"<>]+)",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"[\w.~-]*(?::\d*)?|\[[0-9a-f:.]+\](?::\d*)?", re.IGNORECASE)
_TAIL = re.compile(r"[?#]|%3f|;(?=[\w.-]+=)", re.IGNORECASE)
_PUNCTUATION = "\\'`)]}.,;:!?*"  # at its end, what is the sentence's
_RELATIVE = re.compile(r"(?P<path>\.{0,2}/[^\s?#\"<>]*)[?#]\S*")  # a link without its host, and nothing else
# The usual signatures, also where nothing around them looks like a link.
_SIGNED = re.compile(
    r"(?:[?&;]|%3f|%26|\\u0026|(?<![\w-]))(?:x-[a-z]{2,8}-[\w-]+|(?:q-)?signature|sig|sign|hm|auth_key|policy|key-pair-id|awsaccesskeyid|googleaccessid"
    r"|\w*token|\w*secret|password|api_?key)(?:=|%3d)[^\s\"'<>&]*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b[0-9a-f]{32}\.[0-9a-f]{32}\b")
_BASE64 = re.compile(r"(?:data:[\w/+.-]*;base64,)?(?:[A-Za-z0-9+/=]|\\/){120,}|data:[\w/+.-]*;base64,[A-Za-z0-9+/=]*")
_FILE = re.compile(r"[A-Za-z0-9+/_\r\n-]{256,}={0,2}")

# What a terminal takes for an order: CSI, and the strings of OSC, DCS, SOS, PM and APC.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
)
# Controls, direction marks, invisible operators, and half a surrogate pair.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

# What would mean something to Markdown where it stands, and no more: Prefect's pages show entities as written.
_MEANING = re.compile(r"^[#>+=-]|[|`*\[\]~\\]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def without_signatures(value: Any) -> Any:
    """The same JSON with query, fragment and user of its links, and our callback tokens, taken out."""
    if isinstance(value, str):
        if relative := _RELATIVE.fullmatch(value):
            return relative["path"]
        return _TOKEN.sub("...", _SIGNED.sub("", _LINK.sub(_unsigned, value)))
    if isinstance(value, dict):
        return {name: without_signatures(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_signatures(item) for item in value]
    return value


def _unsigned(link: re.Match[str]) -> str:
    start, rest = link["start"], link["rest"]
    closing = rest[len(rest.rstrip(_PUNCTUATION)) :]
    authority, path = _split(rest.removesuffix(closing))
    if _AUTHORITY.fullmatch(authority) is None or (":" in authority and "@" in path):
        return f"{start}...{closing}"  # half a password, for all we know
    return start + authority + _TAIL.split(path, maxsplit=1)[0] + closing


def _split(rest: str) -> tuple[str, str]:
    """Host and port, and all that follows them. What stands before an @ is a user and a password."""
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return authority.rpartition("@")[2], rest[len(authority) :]


def shown(text: object) -> str:
    """Others' words as they may be shown: nothing that is not seen, and no signatures; lines stay lines."""
    return str(without_signatures(_visible(str(text))))


def _visible(text: str) -> str:
    """`text` without escape sequences, controls and direction marks."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    return _UNSEEN.sub(lambda sign: _instead(sign[0]), text)


def _instead(sign: str) -> str:
    if sign in "\n\t":
        return sign
    if "\ud800" <= sign <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    return " " if sign.isspace() else ""


def escaped(json_text: str) -> str:
    """The same JSON text with what cannot be seen written as its number; to be read by people, and still JSON."""
    return _UNSEEN.sub(lambda sign: sign[0] if sign[0] == "\n" else f"\\u{ord(sign[0]):04x}", json_text)


def one_line(text: object) -> str:
    """Others' words in one line, without signatures: for terminals, logs and names."""
    return " ".join(shown(text).split())


def title(text: str, longest: int = LONGEST_TITLE) -> str:
    """A few words of `text`, for run names, lists and file names. Shortened last: half a link would not be seen."""
    return shortened(_BASE64.sub("...", one_line(text)), longest)


def counted(number: int, what: str) -> str:
    """Such as `1 prompt` and `2 prompts`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def without_base64(text: str) -> str:
    """`text` without encoded pictures."""
    return _BASE64.sub("...", text)


NO_FILE = "..."
"""What stands in the place of a file that came within an answer."""


def without_files(value: Any) -> Any:
    """The same JSON without the files that some providers put into it: data: URIs and base64, alone or within words."""
    if isinstance(value, str):
        text = value.strip(" \t\r\n\"'")
        return NO_FILE if text[:5].lower() == "data:" or _FILE.fullmatch(text) else without_base64(value)
    if isinstance(value, dict):
        return {name: without_files(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_files(item) for item in value]
    return value


def for_markdown(text: object, longest: int = 240) -> str:
    """One line of plain text, safe in a Markdown table: a sign with a meaning becomes an entity."""
    line = one_line(text)
    line = line if len(line) <= longest else line[: longest - 1] + "…"
    line = _MEANING.sub(lambda sign: f"&#{ord(sign[0])};", line)
    return _NUMBERED.sub(lambda start: f"{start[1]}&#{ord(start[2])};", line)
