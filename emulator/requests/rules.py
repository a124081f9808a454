"""What a field of a request may be, and the pictures in it: checks that both vendors' functions share."""

from __future__ import annotations

import base64
import binascii
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

Values = Mapping[str, Any]
KINDS = {"str": "a string", "int": "an integer", "number": "a number", "bool": "true or false", "list": "a list"}
# Wrong names seen in public code that no likeness of letters explains.
MISTAKES = {"cfg_scale": "guidance_scale", "controlnet_units": "controlnet", "ip_adapter": "ip_adapters"}


class Invalid(Exception):
    """Refused with HTTP 400: Novita's reason, and a message that names the field."""

    def __init__(self, message: str, reason: str = "INVALID_REQUEST_BODY") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


@dataclass(frozen=True)
class Rule:
    kind: str  # one of KINDS
    required: bool = False
    low: float | None = None  # of a number; of a text's or list's length
    high: float | None = None
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a picture in a request may be."""

    megabytes: int = 10
    pixels: int = 16_000_000
    side: int | None = None
    formats: tuple[str, ...] = ("PNG", "JPEG", "WEBP")


def picture(text: str, name: str, limits: Limits = Limits()) -> bytes:
    """The bytes of a base64 picture that really is one, within the limits. Decodes it: call it in a thread."""
    try:
        content = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        hint = " (no data: prefix)" if text.startswith("data:") else ""
        raise Invalid(f"{name}: not base64{hint}", "INVALID_IMAGE_FORMAT") from None
    if len(content) > limits.megabytes * 1_000_000:
        raise Invalid(f"{name}: larger than {limits.megabytes} MB", "IMAGE_FILE_EXCEEDS_MAX_SIZE")
    try:
        with Image.open(io.BytesIO(content), formats=limits.formats) as opened:
            if opened.width * opened.height > limits.pixels:
                most = limits.pixels // 1_000_000
                raise Invalid(f"{name}: more than {most} megapixels", "IMAGE_EXCEEDS_MAX_RESOLUTION")
            if limits.side and max(opened.size) > limits.side:
                raise Invalid(f"{name}: a side of more than {limits.side} pixels", "IMAGE_EXCEEDS_MAX_RESOLUTION")
            opened.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        kinds = ", ".join(limits.formats[:-1]) + f" or {limits.formats[-1]}"
        raise Invalid(f"{name}: not a {kinds} picture", "INVALID_IMAGE_FORMAT") from None
    return content


def mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"{name}: must be an object")
    return value


def items(value: Any, rules: Mapping[str, Rule], name: str, most: int | None, strict: bool) -> list[dict[str, Any]]:
    """The objects of a list, each in order."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{name}: must be a list")
    if most is not None and len(value) > most:
        raise Invalid(f"{name}: at most {most}")
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise Invalid(f"{name}[{place}]: must be an object")
        fields(item, rules, f"{name}[{place}]", strict)
    return value


def fields(
    values: Values, rules: Mapping[str, Rule], name: str, strict: bool = False, others: tuple[str, ...] = ()
) -> None:
    """Each field of an object; `name` is the object's own, or empty for the whole body."""
    for field_name, rule in rules.items():
        _field(values.get(field_name), rule, f"{name}.{field_name}" if name else field_name)
    if strict:
        known(values, [*rules, *others], name)


def known(values: Values, names: list[str], where: str) -> None:
    for name in values:
        if name not in names:
            near = MISTAKES.get(name) or next(iter(difflib.get_close_matches(name, names, 1)), None)
            hint = f"; did you mean {near}?" if near else ""
            raise Invalid(f"{f'{where}.' if where else ''}{name}: unknown field{hint}")


def _field(value: Any, rule: Rule, name: str) -> None:
    if value is None:
        if rule.required:
            raise Invalid(f"{name}: is required")
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "str": isinstance(value, str),
        "int": number and isinstance(value, int),
        "number": number,
        "bool": isinstance(value, bool),
        "list": isinstance(value, list),
    }[rule.kind]
    if not fits:
        raise Invalid(f"{name}: must be {KINDS[rule.kind]}")
    if rule.choices and value not in rule.choices:
        raise Invalid(f"{name}: must be one of {', '.join(map(str, rule.choices))}")
    sized = isinstance(value, (str, list))
    measure = len(value) if sized else value
    if (rule.low is not None and measure < rule.low) or (rule.high is not None and measure > rule.high):
        what = "length must be" if sized else "must be"
        upper = "" if rule.high is None else f" and at most {rule.high:g}"
        raise Invalid(f"{name}: {what} at least {rule.low if rule.low is not None else 0:g}{upper}")
