"""Every fault that can be armed, by what it strikes. "Accepted": a job is made and billed, whatever the client hears.

Seconds of provider time are those of the provider's clock: `clock_skew` lets an hour of it pass at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Kind(NamedTuple):
    does: str
    parameters: dict[str, Any]  # its own, with their defaults


SUBMIT = {
    "submit_lose_reply": Kind("accepted, then the connection is cut (how: close or reset)", {"how": "close"}),
    "submit_5xx_after": Kind("accepted, then a 5xx (body: json, html or empty)", {"status": 502, "body": "json"}),
    "submit_refuse": Kind(
        "not accepted; retry_after: a number, date (so many seconds ahead), absurd, or null for none",
        {"status": 429, "retry_after": None, "seconds": 2},
    ),
    "submit_refusal_names_job": Kind(
        "a refusal with a job's id (or its picture) in it: of a job that was accepted, or (accepted: false) of none",
        {"status": 200, "accepted": True},
    ),
    "submit_html": Kind("not accepted; a gateway's page", {"status": 200}),
    "submit_accept_twice": Kind("two jobs for one POST; the answer names the first", {}),
    "submit_slow_reply": Kind("accepted at once, answered late", {"seconds": 1.0}),
    "submit_slow_connection": Kind(
        "a new connection whose first request is a POST is not read for so long; of one that hangs up before, "
        "nothing is accepted, or (heard: true) all the same",
        {"seconds": 1.0, "heard": False},
    ),
    "submit_garbage": Kind("accepted; 200 and no JSON", {}),
    "submit_missing_id": Kind("accepted; 200 without a job id (without the picture, where that is the answer)", {}),
    "submit_data_null": Kind("accepted; 200 with data (Novita: task_id) null", {}),
}
FETCH = {
    "fetch_drop": Kind("the connection is cut (how: close or reset)", {"how": "close"}),
    "fetch_5xx": Kind("a 5xx (body: json, html or empty)", {"status": 503, "body": "json"}),
    "fetch_429": Kind("429; retry_after as for submit_refuse", {"retry_after": None, "seconds": 2}),
    "fetch_404": Kind(
        "the provider's own words for no such job, from the first fetch struck on for so many seconds of provider "
        "time, once for each job; then it is known again",
        {"seconds": 5.0, "status": 404},
    ),
    "fetch_gateway_404": Kind(
        'not the provider\'s words: a gateway\'s page, {"error": "not found"} or nothing (body: html, json or empty)',
        {"status": 404, "body": "html"},
    ),
    "fetch_other_job": Kind("another job's id and data: a finished one of somebody else's, unbilled", {}),
    "fetch_html": Kind("a gateway's page", {"status": 200}),
    "fetch_garbage": Kind("200 and no JSON", {}),
    "fetch_missing_fields": Kind(
        "fields are left out (dotted names; null: all that a reader can do without)", {"fields": None}
    ),
    "fetch_data_null": Kind("data (Novita: images, videos, audios, extra) is null", {}),
    "fetch_unknown_status": Kind("a status word that nobody has seen", {"word": None}),
    "fetch_slow": Kind("answered late", {"seconds": 1.0}),
}
# Decided when the job is accepted.
JOB = {
    "job_fails": Kind("fails half-way", {"message": None, "refund": True}),
    "job_fails_late": Kind("fails after 99 %", {"message": None, "refund": True}),
    "job_stuck": Kind("stays at 99 % for ever", {}),
    "job_forgotten": Kind("billed, then unknown after so many fetches", {"after_fetches": 0, "status": 404}),
    "job_id_number": Kind("its id is a number of so many digits, and is said as one", {"digits": 12}),
    "list_lags": Kind("in Midjourney's job list only so many seconds of provider time later", {"seconds": 30.0}),
    "frozen_lags": Kind(
        "its frozen quota is shown so many seconds of provider time late, in coming and in going", {"seconds": 30.0}
    ),
    "files_missing": Kind("so many of the files bought are not in the answer", {"missing": 1}),
    "files_gap": Kind(
        'at these places (from 0) among the files the links are null or "" (gap)', {"places": [1], "gap": None}
    ),
}
# For every one of these: at, the answer that it strikes: submit, fetch, list, account, callback or any.
ANSWER = {
    "answer_bom": Kind("a byte order mark before the JSON (encoding: utf-8 or utf-16)", {"encoding": "utf-8"}),
    "answer_figure": Kind(
        "a figure that is none, or too large (NaN, Infinity, -Infinity, 1e400, -1e400, or digits: 400 of them) for "
        "every figure, or for these fields (dotted names)",
        {"figure": "NaN", "fields": None},
    ),
    "answer_quota": Kind("every quota is this one (null: -1000), as a number or as a text", {"quota": None}),
    "answer_text": Kind(
        "every prompt, message, title has a sign that no text should have: nul, surrogate (half a character) or raw "
        "(a control character that JSON forbids)",
        {"text": "nul"},
    ),
    "answer_deep": Kind("a field more, nested so deep", {"depth": 100_000}),
    "answer_json_text": Kind(
        "JSON inside a JSON text: the whole body, or what it holds (of: body or data)", {"of": "body"}
    ),
    "answer_status_word": Kind(
        "another word for the status (null: the same in small letters), in any state or in this one (queued, running, "
        "succeeded, failed)",
        {"state": None, "word": None},
    ),
    "answer_bomb": Kind("a small gzip body that unpacks to so many megabytes; not in a callback", {"megabytes": 300}),
    "answer_endless": Kind("it never ends; not in a callback", {"pause_seconds": 0.0}),
    "answer_cut": Kind("half of it; length as for download_truncated; not in a callback", {"length": "none"}),
    "links_written": Kind(
        "links written as //host/path (scheme), /path (path), relative to the answer (relative), as data: URIs (data), "
        "with blanks around them (blanks), or wholly elsewhere (to)",
        {"style": "scheme", "to": "http://169.254.169.254/latest/meta-data/"},
    ),
}
DOWNLOAD = {
    "download_expired": Kind("403 with S3's XML", {}),
    "download_404": Kind("not found", {}),
    "download_dead": Kind(
        "the files at these places (from 0) among a job's are not there", {"places": [1], "status": 404}
    ),
    "download_late": Kind(
        "not there until so many seconds of provider time after the job's end", {"seconds": 8.0, "status": 404}
    ),
    "download_agent_refused": Kind(
        "refused to a User-Agent with this in its name", {"agent": "python-httpx", "status": 403}
    ),
    "download_html": Kind("a page in place of the picture", {"status": 200}),
    "download_redirect": Kind("to the same file under another host name", {"status": 302}),
    "download_redirect_to": Kind("to another place", {"to": "http://169.254.169.254/latest/meta-data/", "status": 302}),
    "download_truncated": Kind(
        "half the file, or so many bytes of it; length: whole or chunked (the cut shows), none (it does not)",
        {"length": "whole", "bytes": None},
    ),
    "download_wrong_type": Kind(
        "an image type: really that type; any other: only the label lies", {"content_type": "text/html"}
    ),
    "download_wrong_size": Kind(
        "the picture in another size: so many times, and so many pixels more on each side", {"factor": 0.5, "pixels": 0}
    ),
    "download_jpeg_unended": Kind("a JPEG without its end mark", {}),
    "download_png_wrong_checksum": Kind("a PNG with a wrong checksum in a comment", {}),
    "download_other_kind": Kind(
        "another kind of file, under its own label or this one (file: svg, zip, glb, heic, avif or mov)",
        {"file": "svg", "label": None},
    ),
    "download_slow": Kind("half, a pause, the rest", {"seconds": 1.0}),
    "download_drip": Kind("so many bytes at a time, with a pause after each", {"bytes": 4, "pause_seconds": 0.5}),
    "download_endless": Kind("the file, and more without end", {"pause_seconds": 0.0}),
}
# Decided when the job is accepted.
CALLBACK = {
    "callback_lost": Kind("never sent", {}),
    "callback_duplicate": Kind("sent several times", {"copies": 2}),
    "callback_early": Kind("a success body at once, and the true one later", {}),
    "callback_forged": Kind("the true one, and one to a URL with another token", {}),
    "callback_malformed": Kind("half a JSON body", {}),
    "callback_oversized": Kind("with so much padding", {"bytes": 5_000_000}),
    "callback_late": Kind("sent late", {"seconds": 1.0}),
}
# As long as armed.
SERVER = {
    "clock_skew": Kind("the provider's clock is wrong: Date, links, times in answers, all spans", {"seconds": 3600.0}),
    "queue_halved": Kind("max_jobs halves, after `skip` submits", {}),
}
SUBJECTS = {
    "A submit": SUBMIT,
    "A fetch": FETCH,
    "A job, from its acceptance": JOB,
    "Any answer": {name: Kind(kind.does, {**kind.parameters, "at": "any"}) for name, kind in ANSWER.items()},
    "A result file": DOWNLOAD,
    "A callback": CALLBACK,
    "The whole server, as long as armed": SERVER,
}
KINDS: dict[str, Kind] = {name: kind for kinds in SUBJECTS.values() for name, kind in kinds.items()}
# Of every fault: which operation (null: all), how often (null: always), how likely, so many chances to let pass first,
# and whether these two count for each job (for a submit: for each distinct request).
COMMON: dict[str, Any] = {"operation": None, "times": None, "probability": 1.0, "skip": 0, "per_job": False}
CHOICES: dict[str, tuple[Any, ...]] = {
    "at": ("any", "submit", "fetch", "list", "account", "callback"),
    "body": ("json", "html", "empty"),
    "encoding": ("utf-8", "utf-16"),
    "figure": ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "digits"),
    "file": ("svg", "zip", "glb", "heic", "avif", "mov"),
    "gap": (None, ""),
    "how": ("close", "reset"),
    "length": ("whole", "chunked", "none"),
    "of": ("body", "data"),
    "state": (None, "queued", "running", "succeeded", "failed"),
    "style": ("scheme", "path", "relative", "data", "blanks", "to"),
    "text": ("nul", "surrogate", "raw"),
}
