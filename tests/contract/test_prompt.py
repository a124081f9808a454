"""Midjourney prompts: right parameters written, wrong ones named with what to write instead."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from prefect_genmedia.providers.ttapi.prompt import PARAMETERS
from prefect_genmedia.tasks.midjourney import ImagineRequest, MidjourneyPrompt, check

RIGHT = [
    "a cat",
    "a cat --ar 3:2",
    "https://example.com/cat.png a cat --iw .5 --ar 16:9 --v 6.1",
    "a cat --aspect 3:2 --version 7 --s 250 --c 10 --w 100 --q .25 --r 2",
    "a cat --niji 6 --style raw --tile --stop 80 --seed 0",
    "a cat --cref https://example.com/a.png https://example.com/b.png --cw 0",
    "a cat --sref random 1234::2 https://example.com/a.png --sw 1000",
    "a cat --no rain, people, text --chaos 100",
    "a cat --v 7 --oref https://example.com/a.png --ow 400 --draft --raw --p",
    "rock--paper, a cat — black – and white, the -no sign, a -- b --- c",
    "--ar 3:2",
    "a cat --v 8.1 --hd --exp 25 --sv 7 --sref 1234",
    "a cat --niji 7 --profile abc123 --oref https://example.com/a.png",
    "a cat\non a mat --ar 3:2\n--v 7",
]
WRONG = [
    ("a cat --ar 16x9", "write --ar 16:9"),
    ("a cat --ar 16/9", "write --ar 16:9"),
    ("a cat --ar 16:9,", "write --ar 16:9"),
    ("a cat --ar 1.5:1", "W:H in whole numbers"),
    ("a cat --ar 0:1", "W:H in whole numbers"),
    ("a cat --ar", "W:H in whole numbers"),
    ("a cat --ar16:9", "needs a blank after its name: write --ar 16:9"),
    ("a cat --ar=16:9", "write --ar 16:9"),
    ("a cat --v6", "write --v 6"),
    ("a cat --AR 3:2", "write --ar"),
    ("a cat -- ar 3:2", "a blank too many: write --ar 3:2"),
    ("a cat —ar 16:9", "write --ar, with two plain hyphens"),
    ("a cat –v 7", "write --v, with two plain hyphens"),
    ("a cat ——ar 16:9", "write --ar, with two plain hyphens"),
    ("a cat -v 7", "write --v, with two plain hyphens"),
    ("a cat --foo", "--foo is no parameter"),
    ("a cat --stilize 100", "write --stylize"),
    ("a cat --16:9", "names no parameter"),
    ("a cat --chaos 101", "0 to 100"),
    ("a cat --stylize 1001", "0 to 1000"),
    ("a cat --weird 3001", "0 to 3000"),
    ("a cat --seed -1", "0 to 4294967295"),
    ("a cat --seed 4294967296", "0 to 4294967295"),
    ("a cat --stop 9", "10 to 100"),
    ("a cat --repeat 41", "1 to 40"),
    ("a cat --iw 3.1", "0 to 3"),
    ("a cat --quality 3", "0.25, 0.5, 1, 2 or 4"),
    ("a cat --cref cat.png", "web addresses"),
    ("a cat --no", "words"),
    ("--ar 3:2 a cat", "write 'a cat' before --ar 3:2"),
    ("a --tile cat", "write 'cat' before --tile"),
    ("a cat --ar 1:1 --aspect 3:2", "given twice"),
    ("a cat --v 7 --niji 6", "two models"),
]


@pytest.mark.parametrize("prompt", RIGHT)
def test_a_right_prompt_passes(prompt: str) -> None:
    check(prompt)


@pytest.mark.parametrize(("prompt", "said"), WRONG)
def test_a_wrong_parameter_is_named_with_what_to_write(prompt: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        check(prompt)
    assert said in str(caught.value)


def test_the_text_stays_as_it_is_and_every_parameter_follows() -> None:
    text = "  https://example.com/cat.png a cat — “black”,\non a mat  "
    prompt = MidjourneyPrompt(
        text,
        ar=(3, 2),
        v=6.1,
        style="raw",
        stylize=0,
        chaos=5,
        weird=3000,
        quality=0.5,
        seed=0,
        stop=90,
        repeat=2,
        iw=1.5,
        cref=["https://example.com/a.png", "https://example.com/b.png"],
        cw=80,
        sref=["random", 1234, "https://example.com/c.png"],
        sw=100,
        oref="https://example.com/d.png",
        ow=50,
        no=["rain", "people"],
        tile=True,
        raw=True,
        draft=True,
        hd=True,
        exp=25,
        sv=7,
        profile=True,
    )
    assert str(prompt) == text + (
        " --ar 3:2 --v 6.1 --style raw --stylize 0 --chaos 5 --weird 3000 --quality 0.5 --seed 0 --stop 90 --repeat 2"
        " --iw 1.5 --cref https://example.com/a.png https://example.com/b.png --cw 80"
        " --sref random 1234 https://example.com/c.png --sw 100 --sv 7 --oref https://example.com/d.png --ow 50"
        " --no rain, people --tile --raw --draft --hd --exp 25 --profile"
    )
    assert str(MidjourneyPrompt("a cat", niji=6)) == "a cat --niji 6"
    assert str(MidjourneyPrompt("a cat", v=8.1, hd=True)) == "a cat --v 8.1 --hd"
    assert str(MidjourneyPrompt("a cat", ar="16:9", v="7")) == "a cat --ar 16:9 --v 7"


def test_whatever_the_checker_knows_can_be_written() -> None:
    assert {field.name for field in fields(MidjourneyPrompt)} - {"text"} == set(PARAMETERS)


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("a cat", {"ar": "16x9"}, "ar='16x9' is wrong: --ar takes W:H"),
        ("a cat", {"ar": (1.5, 1)}, "--ar takes W:H"),
        ("a cat", {"v": 7, "niji": 6}, "two models"),
        ("a cat", {"v": "seven"}, "--v takes a version"),
        ("a cat", {"chaos": -1}, "0 to 100"),
        ("a cat", {"seed": True}, "--seed takes"),
        ("a cat", {"cref": "cat.png"}, "--cref takes one or more web addresses"),
        ("a cat --ar 1:1", {"ar": "3:2"}, "given twice"),
        ("a cat --ar 1x1", {"v": 7}, "write --ar 1:1"),
        ("a cat —v 7", {"ar": "3:2"}, "two plain hyphens"),
        (" ", {}, "no text"),
    ],
)
def test_a_prompt_with_a_wrong_parameter_is_not_made(text: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        MidjourneyPrompt(text, **given)
    assert said in str(caught.value)


def test_imagine_takes_a_prompt_that_is_so_made() -> None:
    prompt = MidjourneyPrompt("a cat", ar="3:2")
    assert ImagineRequest(prompt=prompt) == ImagineRequest(prompt="a cat --ar 3:2")
