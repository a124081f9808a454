"""The facts of a mark: that a machine made the picture, which, when, in which job, and from what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

SourceType = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
"""IPTC's words: made by a model; or a model's work together with a photograph, a text, a logo."""

PromptPolicy = Literal["hash", "text", "none"]

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True)
class Mark:
    """What is written into a file. Texts are as they may be published."""

    source_type: SourceType = "trainedAlgorithmicMedia"
    system: str = ""
    """Who made it: operations, such as midjourney.imagine, novita.img2img."""
    model: str = ""
    jobs: tuple[str, ...] = ()
    """The providers' ids of the jobs."""
    made_at: str = ""
    """ISO 8601."""
    prompt: str = ""
    prompt_sha256: str = ""

    @classmethod
    def of(cls, prompt: str, policy: PromptPolicy, **facts: object) -> Mark:
        """A mark that says of the prompt what `policy` allows: its text and hash, its hash, or nothing."""
        return cls(
            prompt=prompt if policy == "text" else "",
            prompt_sha256=prompt_sha256(prompt) if prompt and policy != "none" else "",
            **facts,  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class MarksFound(Mark):
    """What was read in a file. `source_type` may be any word of IPTC's vocabulary, or "" where there is none."""

    source_type: str = ""  # type: ignore[assignment]
    software: str = ""
    others: tuple[str, ...] = ()
    """Other signs of an origin that are there, and were not judged: Content Credentials, a Chinese AIGC label."""

    @property
    def generated(self) -> bool:
        """Does the file say that a model made it, or a part of it?"""
        return self.source_type in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")


def prompt_sha256(prompt: str) -> str:
    return hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()
