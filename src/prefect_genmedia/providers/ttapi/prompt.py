"""Midjourney prompts: parameters written correctly, and wrong ones named before anything is bought.

Sources: docs.midjourney.com, "Parameter List"; third parties for version 8.1 (2026-04-30); TTAPI's own prompt checker
(it wants `--ar`, a blank, W:H).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Literal


@dataclass(frozen=True)
class Parameter:
    """What may stand after a parameter's name."""

    takes: str
    fits: Callable[[str], bool]


def _matches(pattern: str) -> Callable[[str], bool]:
    whole = re.compile(pattern)
    return lambda value: whole.fullmatch(value) is not None


def _between(low: float, high: float, *, whole: bool = True) -> Parameter:
    form = re.compile(r"\d{1,10}" if whole else r"\d{0,10}(\d|\.\d{1,4})")

    def fits(value: str) -> bool:
        return form.fullmatch(value) is not None and low <= float(value) <= high

    return Parameter(f"a {'whole ' if whole else ''}number from {low:g} to {high:.0f}", fits)


_URL = r"https?://[^\s,]+[^\s,.;]"
_FLAG = Parameter("nothing after it", lambda value: not value)
_PICTURES = Parameter("one or more web addresses, with blanks between", _matches(rf"{_URL}(\s+{_URL})*"))
_WORDS = Parameter("words, with commas between", bool)
_ANY = Parameter("an optional code", lambda value: True)
PARAMETERS: dict[str, Parameter] = {
    "ar": Parameter("W:H in whole numbers, such as 3:2", _matches(r"[1-9]\d{0,4}:[1-9]\d{0,4}")),
    "v": Parameter("a version, such as 8.1 or 7", _matches(r"\d(\.\d)?")),
    "niji": Parameter("a version, such as 7", _matches(r"\d?")),
    "style": Parameter("one word, such as raw", _matches(r"[A-Za-z0-9-]+")),
    "stylize": _between(0, 1000),
    "chaos": _between(0, 100),
    "weird": _between(0, 3000),
    "quality": Parameter("0.25, 0.5, 1, 2 or 4", _matches(r"0?\.25|0?\.5|1|2|4")),
    "seed": _between(0, 4294967295),
    "stop": _between(10, 100),
    "repeat": _between(1, 40),
    "iw": _between(0, 3, whole=False),
    "cref": _PICTURES,
    "cw": _between(0, 100),
    "sref": Parameter(
        "web addresses, style codes or random, with blanks between",
        _matches(rf"({_URL}|\d+(::\d+(\.\d+)?)?|random)(\s+({_URL}|\d+(::\d+(\.\d+)?)?|random))*"),
    ),
    "sw": _between(0, 1000),
    "sv": _between(1, 9),
    "oref": Parameter("one web address", _matches(_URL)),
    "ow": _between(0, 1000),
    "no": _WORDS,
    "tile": _FLAG,
    "raw": _FLAG,
    "draft": _FLAG,
    "profile": _ANY,
    "exp": _between(0, 100),
    "motion": Parameter("low or high", _matches("low|high")),
    "bs": Parameter("1, 2 or 4", _matches("[124]")),
    "end": Parameter("one web address", _matches(_URL)),
    **dict.fromkeys(
        ("fast", "relax", "turbo", "stealth", "public", "video", "loop", "hd", "test", "testp", "creative",
         "uplight", "upbeta", "upanime"),
        _FLAG,
    ),
}  # fmt: skip
OTHER_NAMES = {
    "aspect": "ar", "version": "v", "s": "stylize", "c": "chaos", "w": "weird", "q": "quality", "r": "repeat",
    "p": "profile",
}  # fmt: skip
_START = re.compile(r"(?<!\S)--(?!-)")
_WRONG_DASH = re.compile(r"(?<!\S)([—–―]+-?|-(?!-))[ ]?([A-Za-z]+)(?=[\s\d]|$)([^\S\n]*\S+)?")
_GLUED_DASH = re.compile(r"(?<!\S)([—–]-?)([A-Za-z]+)(?!\S)")


def autocorrected(prompt: str) -> tuple[str, str] | None:
    """The first parameter whose two hyphens have become a long dash, as spreadsheets write them: ("—", "ar")."""
    return next(((dash, name) for dash, name in _GLUED_DASH.findall(prompt) if _parameter(name)), None)


def check(prompt: str) -> None:
    """Raise ValueError that names the first wrong parameter of a Midjourney prompt, and what to write instead."""
    for dash, name, value in _WRONG_DASH.findall(prompt):
        parameter = _parameter(name)
        # A single hyphen is a parameter's only when a fitting value follows: "-v 7", not "the -no sign".
        if parameter and (dash != "-" or (value and parameter is not _WORDS and parameter.fits(value.strip()))):
            raise ValueError(f"{dash}{name} is no parameter: write --{name}, with two plain hyphens")
    seen: dict[str, str] = {}
    for name, value in _parameters(prompt):
        own = OTHER_NAMES.get(name, name)
        if own in seen:
            raise ValueError(f"--{name} is given twice: {seen[own]} and --{name} {value}; keep one")
        seen[own] = f"--{name} {value}"
    if "v" in seen and "niji" in seen:
        raise ValueError(f"{seen['v']} and {seen['niji']} name two models; keep one")


def aspect_of(prompt: str) -> tuple[int, int]:
    """Width to height that the prompt asks for; a square where it asks for none. Raises ValueError like `check`."""
    for name, value in _parameters(prompt):
        if OTHER_NAMES.get(name, name) == "ar":
            width, _, height = value.partition(":")
            return int(width), int(height)
    return 1, 1


def _parameter(name: str) -> Parameter | None:
    return PARAMETERS.get(OTHER_NAMES.get(name, name))


def _parameters(prompt: str) -> Iterator[tuple[str, str]]:
    """Every parameter of a prompt with its value, both found right. Raises ValueError."""
    for part in _START.split(prompt)[1:]:
        found = re.match(r"(\s*)([A-Za-z]+)(.*)", part, re.DOTALL)
        if found is None:
            word = part.split()[0] if part.split() else ""
            raise ValueError(f"--{word} names no parameter")
        gap, name, rest = found.groups()
        value = rest.strip()
        parameter = _parameter(name)
        if gap:
            if parameter is None:
                continue  # a dash in the text
            raise ValueError(f"-- {name} has a blank too many: write --{name} {value}".rstrip())
        if parameter is None:
            near = difflib.get_close_matches(name.lower(), [*PARAMETERS, *OTHER_NAMES], n=1, cutoff=0.6)
            hint = f"write --{near[0]}" if near else f"there are --{', --'.join(PARAMETERS)}"
            raise ValueError(f"--{name} is no parameter: {hint}")
        if rest and not rest[0].isspace():
            loose = rest.lstrip("=: ").strip()
            raise ValueError(f"--{name}{rest.split()[0]} needs a blank after its name: write --{name} {loose}".rstrip())
        if not parameter.fits(value):
            raise ValueError(_advice(name, value, parameter))
        yield name, value


def _advice(name: str, value: str, parameter: Parameter) -> str:
    wrong = f"--{name} {value}".rstrip()
    for better in (value.rstrip(",.; "), re.sub(r"\s*[x×*/：]\s*", ":", value)):
        if better != value and parameter.fits(better):
            return f"{wrong} is wrong: write --{name} {better}".rstrip()
    first, _, rest = value.partition(" ")
    if parameter is _FLAG or (rest and parameter.fits(first)):
        right, text = (f"--{name}", value) if parameter is _FLAG else (f"--{name} {first}", rest.strip())
        return f"{wrong} is wrong: parameters come last; write {text!r} before {right}"
    return f"{wrong} is wrong: --{name} takes {parameter.takes}"


@dataclass(frozen=True)
class MidjourneyPrompt:
    """A prompt whose parameters are right: `str()` gives the text as it is, then the parameters.

    Raises ValueError that says what a wrong one takes. A range can be narrower in one model version than in all.
    """

    text: str
    _: KW_ONLY
    ar: str | tuple[int, int] | None = None
    """Aspect ratio, such as "3:2" or (3, 2)."""
    v: str | float | None = None
    """Model version, such as 8.1, 7 or 6.1."""
    niji: str | int | None = None
    """Version of the Niji model, instead of `v`."""
    style: str | None = None
    """A style of the model, such as raw."""
    stylize: int | None = None
    """How strongly Midjourney's own taste shows, 0 to 1000."""
    chaos: int | None = None
    """How different the four pictures are, 0 to 100."""
    weird: int | None = None
    """How unusual, 0 to 3000."""
    quality: float | None = None
    """Time spent on details: 0.25, 0.5, 1, 2 or 4."""
    seed: int | None = None
    """Where the noise starts, 0 to 4294967295."""
    stop: int | None = None
    """Stop at this percentage, 10 to 100."""
    repeat: int | None = None
    """Run it this often, 1 to 40. What TTAPI answers and charges for it is not documented."""
    iw: float | None = None
    """How much picture addresses at the start of the text count, 0 to 3."""
    cref: str | Sequence[str] | None = None
    """Web addresses of pictures of a character."""
    cw: int | None = None
    """How much of the character is kept, 0 to 100."""
    sref: str | int | Sequence[str | int] | None = None
    """Web addresses of pictures of a style, style codes, or random."""
    sw: int | None = None
    """How strongly the style counts, 0 to 1000."""
    sv: int | None = None
    """Version of how a style is read, 1 to 9; 7 came with version 8.1."""
    oref: str | None = None
    """Web address of a picture of a person or thing (version 7; whether 8.1 has it is disputed)."""
    ow: int | None = None
    """How strongly that counts, 0 to 1000."""
    no: str | Sequence[str] | None = None
    """What must not be seen."""
    tile: bool = False
    """A picture that can be laid side by side with itself."""
    raw: bool = False
    """Less of Midjourney's own taste."""
    draft: bool = False
    """Half the price, in less detail (version 7)."""
    hd: bool = False
    """Native HD output (version 8.1)."""
    exp: int | None = None
    """How experimental, 0 to 100."""
    profile: str | bool | None = None
    """Code of a personalization profile or moodboard; True: your own."""
    motion: Literal["low", "high"] | None = None
    """How much moves in a video."""
    bs: Literal[1, 2, 4] | None = None
    """How many videos: 1, 2 or 4."""
    end: str | None = None
    """Web address of a video's last picture."""
    loop: bool = False
    """A video that ends where it begins."""
    video: bool = False
    """A film of how the picture came to be (older versions)."""
    fast: bool = False
    """Speed; to TTAPI the request's `mode` says it."""
    relax: bool = False
    """Speed; to TTAPI the request's `mode` says it."""
    turbo: bool = False
    """Speed; to TTAPI the request's `mode` says it."""
    stealth: bool = False
    """Not shown in Midjourney's gallery."""
    public: bool = False
    """Shown in Midjourney's gallery."""
    test: bool = False
    """A test model of older versions."""
    testp: bool = False
    """A test model of older versions, for photographs."""
    creative: bool = False
    """Freer, with a test model."""
    uplight: bool = False
    """An upscaler of older versions, with less detail."""
    upbeta: bool = False
    """An upscaler of older versions, without added detail."""
    upanime: bool = False
    """An upscaler of older versions, for Niji."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("the prompt has no text")
        for name, value in self._given():
            parameter = PARAMETERS[name]
            if not parameter.fits(value):
                raise ValueError(f"{name}={getattr(self, name)!r} is wrong: --{name} takes {parameter.takes}")
        check(str(self))

    def _given(self) -> Iterator[tuple[str, str]]:
        for each in fields(self)[1:]:
            value = getattr(self, each.name)
            if value is not None and value is not False:
                yield each.name, _written(each.name, value)

    def __str__(self) -> str:
        return " ".join([self.text, *(f"--{name} {value}".rstrip() for name, value in self._given())])


def _written(name: str, value: object) -> str:
    if value is True:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return {"ar": ":", "no": ", "}.get(name, " ").join(str(each) for each in value)
    return str(value)
