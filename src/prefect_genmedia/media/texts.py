"""Text where a file was due: an error page, or a text that was bought."""

from __future__ import annotations

import re
from typing import Any

from prefect_genmedia.errors import MediaInvalidError, ResponseFormatError
from prefect_genmedia.media.whole import Content
from prefect_genmedia.wire.answers import read_json

_HEAD = 8192
SHORT = 4096
"""Bytes. A text that is no longer, in the place of a picture, a film or a sound, is what a server says of itself."""

_BEFORE = re.compile(r"\s*(<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(\[[^\]]*\])?\s*>)", re.DOTALL)
_HTML = re.compile(
    r"\s*(<!doctype\s+html|<(html|head|body|title|meta|center|h[1-6]|p|div|script|style|pre|br|hr)\b)", re.IGNORECASE
)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_ERROR_ROOTS = {"error", "errors", "errorresponse", "fault", "envelope", "exception", "response", "result", "message"}
_XML_CODE = re.compile(r"<Code>([\w.-]{1,60})</Code>")
_ERROR_NAMES = {"error", "errors", "errorcode", "errormessage", "errormsg", "errcode", "errmsg", "exception", "fault"}
_SAYING = {"message", "msg", "detail", "details", "title", "reason"}
_CODES = {"code", "status", "statuscode", "success", "ok", "requestid", "timestamp", "path", "reason"}
_TEXTS = [
    (re.compile(r"WEBVTT\b"), "text/vtt"),
    (re.compile(r"\d+\s+\d\d:\d\d:\d\d[,.]\d{3} -->"), "application/x-subrip"),
    (re.compile(r"#EXTM3U"), "application/vnd.apple.mpegurl"),
    (re.compile(r"(#[^\n]*\n|\s)*(mtllib |o |g |v )"), "model/obj"),
    (re.compile(r"solid .*\n\s*facet "), "model/stl"),
    (re.compile(r"ply\r?\nformat "), "model/ply"),
    (re.compile(r"%!PS"), "application/postscript"),
    (re.compile(r"\{\\rtf"), "application/rtf"),
]


def text_of(content: Content) -> str | None:
    """The beginning of the file as text; None when it is none."""
    head = bytes(content[:_HEAD])
    if b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) & ~1].decode("utf-16", "replace").lstrip("\ufeff")
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    odd = sum(sign == "\ufffd" or (ord(sign) < 32 and sign not in "\t\n\r\f\x1b") for sign in text)
    return text if text.strip() and odd <= len(text) // 20 else None


def text_kind(text: str, content: Content, *, bought: bool) -> tuple[str, str]:
    """The media type of a text, and which error page it is; "" for a text that may have been bought.

    `bought`: any kind of file was due, so that an ordinary text is one. Raises MediaInvalidError when it is cut.
    """
    body = text
    while before := _BEFORE.match(body):
        if re.match(r"\s*<!doctype\s+html", before[0], re.IGNORECASE):
            break
        body = body[before.end() :]
    if _HTML.match(body):
        return "text/html", "an HTML page"
    if root := _ROOT.match(body):
        name = root[1].lower()
        if name == "svg":
            return "image/svg+xml", ""
        code = _XML_CODE.search(text)
        said = f" ({code[1]})" if code else ""
        return "application/xml", f"an XML error{said}" if name in _ERROR_ROOTS else ""
    begun = body != text and not body.strip(" \t\r\n<")
    if (begun or re.match(r"<[?!]", body.lstrip())) and len(content) < _HEAD:
        raise MediaInvalidError("the file is cut short: it ends before its first tag")
    if body.lstrip()[:1] in ("{", "["):
        return _json_kind(content, bought)
    for pattern, kind in _TEXTS:
        if pattern.match(body.lstrip()):
            return kind, ""
    error = not bought and len(content) <= SHORT
    return "text/plain", "a short text" if error else ""


def _json_kind(content: Content, bought: bool) -> tuple[str, str]:
    try:
        value = read_json(bytes(content))
    except ResponseFormatError:
        error = not bought and len(content) <= SHORT
        return "text/plain", "a short text" if error else ""
    if _is_error(value) or (not value and not bought):
        return "application/json", "a JSON error"
    return "application/json", ""


def _is_error(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    names = {re.sub(r"[^a-z]", "", name.lower()): part for name, part in value.items()}
    if any(part for name, part in names.items() if name in _ERROR_NAMES):
        return True
    flat = not any(isinstance(part, dict | list) and part for part in value.values())
    return flat and bool(names.keys() & _SAYING) and bool(names.keys() & _CODES)
