"""Others' words: no signature, no order to a terminal and no markup gets out of them, and nothing else is lost."""

from __future__ import annotations

import json
import pickle

import pytest

from prefect_genmedia.errors import MediaError
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.novita.videos import Txt2VideoRequest
from prefect_genmedia.providers.ttapi.flowmusic import ExtendRequest, GenerateRequest
from prefect_genmedia.providers.ttapi.job import JobRequest
from prefect_genmedia.providers.ttapi.midjourney import ImagineRequest
from prefect_genmedia.quoting import (
    escaped,
    for_markdown,
    one_line,
    shown,
    title,
    without_files,
    without_signatures,
)
from prefect_genmedia.wire.redaction import quotable

SECRET = "s3cr3t0123456789"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (f"https://h.io/a.png?X-Amz-Signature={SECRET}", "https://h.io/a.png"),
        (f"https://h.io/a.png?hm={SECRET} a cat", "https://h.io/a.png a cat"),
        (f"a cat like https://h.io/a?x={SECRET}.", "a cat like https://h.io/a."),
        (f"(https://h/a?b={SECRET}), and more", "(https://h/a), and more"),
        (f"[x](https://h/a?b={SECRET})", "[x](https://h/a)"),
        (f'"https://h/a?b={SECRET}"', '"https://h/a"'),
        (f"https://h/a?b='{SECRET}'&c=1", "https://h/a"),
        (f"https://h/a.png#access_token={SECRET}", "https://h/a.png"),
        (f"https://h/a.png;sig={SECRET}", "https://h/a.png"),
        (f"HTTPS://user:{SECRET}@h.io/a.png", "HTTPS://h.io/a.png"),
        (f"https://:{SECRET}@h.io", "https://h.io"),
        (f"https://{SECRET}@h.io/a", "https://h.io/a"),
        (f"https:\\\\h.io\\a.png?x={SECRET}", "https:\\\\h.io\\a.png"),
        (f"https://user:a/{SECRET}@h.io/a", "https://..."),
        (f"https://user:12/{SECRET}@h.io/a", "https://..."),
        (f"https://user:a?{SECRET}@h.io/a", "https://..."),
        (f"https://user:a#{SECRET}@h.io/a", "https://..."),
        (f"https://user:{SECRET}@[::1]:80/a", "https://[::1]:80/a"),
        (f"s3://key:{SECRET}@bucket/a.png", "s3://bucket/a.png"),
        (f"postgresql+psycopg://u:{SECRET}@h/db?password={SECRET}", "postgresql+psycopg://h/db"),
        (f"//cdn.h.io/a.png?sig={SECRET}", "//cdn.h.io/a.png"),
        (f"cdn.h.io/a.png?hm={SECRET} a cat", "cdn.h.io/a.png a cat"),
        (f"/files/a.png?X-Goog-Signature={SECRET}&X-Goog-Date=1", "/files/a.png"),
        (f"https://p/https%3A%2F%2Fh%3Fsig%3D{SECRET}", "https://p/https%3A%2F%2Fh"),
        (f"https://例え.テスト/画?鍵={SECRET}", "https://例え.テスト/画"),
        (f"看https://h/a?b={SECRET}", "看https://h/a"),
    ],
)
def test_a_link_loses_what_signs_it_and_nothing_else(given: str, left: str) -> None:
    assert without_signatures(given) == left
    assert without_signatures({"a": [given, 1, None]}) == {"a": [left, 1, None]}
    for made in (title(given), title("x" * 50 + " " + given), one_line(given), shown(given), for_markdown(given)):
        assert SECRET[:6] not in made
    assert SECRET not in str(MediaError(f"cannot read {given}"))
    assert SECRET not in quotable(f"cannot read {given}", "key-0123456789")


@pytest.mark.parametrize(
    "text",
    [
        "file:///srv/media/what%3F.png",
        "a // b",
        "and/or? yes",
        "https://h.io/a.png, and https://h.io/b.png.",
        "could not reach http://127.0.0.1:1: ConnectError",
        "https://medium.com/@someone/a",
        "genmedia jobs adopt 3f9a --job-id ID",
        "why; how=now #1",
        "at 12:30? a 1:1 crop --ar 3:2",
    ],
)
def test_what_is_no_signature_stays(text: str) -> None:
    assert without_signatures(text) == text


@pytest.mark.parametrize(
    "piece", ["a", "a.b", "://", "//a.", "https://", "?", ";sig=", "data:", "\x1b]", "\x1b[", "!."]
)
def test_a_long_text_costs_no_more_than_its_length(piece: str) -> None:
    """Quadratic would be minutes here."""
    text = "https://h/" + piece * 100_000 + "x"
    assert len(title(text)) <= 60
    without_signatures(text)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]8;;https://evil.example?x=1\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;owned\x07hey", "hey"),
        ("x\x9b31mz", "xz"),
        ("\x1bcboom", "cboom"),
        ("a\rb\nc\td\u2028e", "a b c d e"),
        ("\u202eabc\u2066 \u200fd", "abc d"),
        ("a\x00b\x7f\x85", "ab"),
        ("half \ud800", "half \N{REPLACEMENT CHARACTER}"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
        ("[verse] of [/b] :cat: {x}", "[verse] of [/b] :cat: {x}"),
    ],
)
def test_what_a_terminal_would_obey_is_gone_and_what_is_to_be_read_stays(given: str, left: str) -> None:
    assert one_line(given) == left
    assert "\x1b" not in quotable(given, "key-0123456789") and "\x1b" not in str(MediaError(given))


def test_json_to_read_is_still_the_same_json() -> None:
    value = {"a": "\x1b[31m \u202e \x9b \x7f \ud800 \n 画"}
    text = escaped(json.dumps(value, indent=2, ensure_ascii=False))
    assert json.loads(text) == value and "画" in text
    assert not set(text) & set("\x1b\u202e\x9b\x7f\ud800")


def test_a_title_is_shortened_after_it_is_cleaned() -> None:
    """Half a link would not be seen for one."""
    given = "x" * 40 + f" https://user:{SECRET}@host/a.png"
    assert SECRET[:4] not in title(given) and len(title(given)) <= 60
    assert title("data:image/png;base64," + "A" * 500) == "..."


def requests() -> dict[str, object]:
    said = f"https://h.io/a.png?hm={SECRET} a cat"
    frames = {"prompt": said, "frames": 16}
    return {
        "prompt": ImagineRequest(prompt=said),
        "prompts": Txt2VideoRequest(model_name="m", prompts=[frames], width=256, height=256),
        "song": GenerateRequest(sound_prompt=said),
        "instruction": ExtendRequest(clip_id="0123456789", extend_from_s=1, extend_s=10, instruction=said),
        "any job": JobRequest(path="/x/y", fetch_path="/x/z", json_body={"prompt": said}),
    }


@pytest.mark.parametrize("name", ["prompt", "prompts", "song", "instruction", "any job"])
def test_every_request_has_its_title_from_the_one_place(name: str) -> None:
    made = requests()[name].title  # type: ignore[attr-defined]  # a Request
    assert "https://h.io/a.png a cat" in made and SECRET not in made
    own = [operation.request for operation in OPERATIONS.values() if "title" in vars(operation.request)]
    assert own == [], "a request says what it is in describe(); its title is made in operation.py"


def test_an_error_is_the_same_after_its_journey() -> None:
    error = pickle.loads(pickle.dumps(MediaError(f"see https://h/a?x={SECRET}", operation="o")))
    assert error.message == "see https://h/a" and error.operation == "o"


@pytest.mark.parametrize(
    "text",
    ["# x", "> x", "- x", "+ x", "= x", "1. x", "12) x", "a | b", "[a](b)", "![a](b)", "<b>", "`c`", "*e*", "~s~"],
)
def test_markdown_has_no_meaning_in_others_words(text: str) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").enable("strikethrough").render(for_markdown(text))
    assert html.startswith("<p>") and html.count("<") == 2, html


def test_files_within_an_answer_are_not_kept_and_words_are() -> None:
    lyrics = "la la la\n" * 100
    given = {"image": " data:image/svg+xml,%3Csvg%3E", "b64": ["QUJD" * 100 + "=="], "lyrics": lyrics, "seed": 7}
    assert without_files(given) == {"image": "...", "b64": ["..."], "lyrics": lyrics, "seed": 7}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/f/a.png?sign=SECRET&exp=17", "/f/a.png"),
        (r'{"url": "https:\/\/cdn.example.com\/in.png?auth_key=SECRET"}', r"https:\/\/cdn.example.com\/in.png"),
        (r"a.png\u0026Signature=SECRET", "a.png"),
        ("a.png?q-signature=SECRET", "a.png"),
        ("What is /etc? Nobody knows.", "What is /etc? Nobody knows."),
    ],
)
def test_signatures_of_links_without_a_host_and_in_anothers_json_are_taken_out(text: str, kept: str) -> None:
    found = without_signatures(text)
    assert "SECRET" not in found and kept in found
