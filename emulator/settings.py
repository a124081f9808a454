"""What can be set, at the start or in mid-run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EmulatorSettings:
    seed: int = 0  # same seed, same requests: same job ids, same pictures
    job_seconds: float = 0.3  # mean run time of a job; each job's own differs by up to 20 %
    queue_seconds: float = 0.05  # how long a job waits before it runs
    hold: bool = False  # jobs accepted from now on run until they are released
    api_key: str | None = None  # None: any non-empty key is an account of its own
    max_jobs: int = 10  # jobs in progress per account and TTAPI product; one more is refused with 499
    start_balance: float = 10_000  # TTAPI quota per account; 1 quota = 0.01 USD = 100 Novita units
    link_seconds: int = 3600  # how long Novita's result links live
    rate_limit_images_per_minute: int | None = None  # Novita's limit is 10; None: off
    novita_auth_status: int = 403  # 403: the v3 error table (a missing key is 400); 401: the newer page
    novita_retired: str = (  # these endpoints (the last part of the path, with commas between) answer 404
        "inpainting,upscale,wan-t2v,flux-1-kontext-dev,qwen-image-txt2img,qwen-image-edit"
    )
    novelai_path: str | None = None  # where NovelAI jobs are submitted: there alone; None: on all three candidates
    unknown_job_words: bool = True  # false: a fetch of a job that is not known answers as a gateway does
    reserved_hooks: bool = True  # false: TTAPI refuses a callback on a domain that cannot be there (.invalid)
    flat_hooks: bool = True  # false: Novita's flat endpoints (a dash in their names) refuse `extra`
    one_picture: bool = False  # each file is drawn for one job and handed out for all: drawing is not what is measured
    strict: bool = False  # Novita refuses unknown fields and names the misspelt one
    callback_retry_seconds: float = 0.2  # pause between two attempts to deliver a callback
    callback_timeout_seconds: float = 5.0

    def changed(self, changes: Mapping[str, Any]) -> EmulatorSettings:
        """These settings with some replaced; ValueError names what does not fit."""
        types = {field.name: str(field.type) for field in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in types:
                raise ValueError(f"no setting is called {name!r}; there are: {', '.join(types)}")
            if not _fits(value, types[name]):
                raise ValueError(f"{name} takes {types[name]}, not {value!r}")
        return dataclasses.replace(self, **changes)


def _fits(value: Any, wanted: str) -> bool:
    if value is None:
        return wanted.endswith("| None")
    kind = wanted.removesuffix(" | None")
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
