"""What can be bought to learn something: small, harmless, each telling as much as it can; and what it will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect_genmedia.forecast import forecast
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.operation import Account, Operation, Request
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import Price, in_usd
from prefect_genmedia.tasks import flowmusic, midjourney, novelai, novita, suno, ttapi

PROMPT = "a red kite over a green hill"
PHOTO = Path(__file__).parents[1] / "photos" / "chelsea.png"
CHECKPOINT = "dreamshaper_8_93211.safetensors"
WIDTH, HEIGHT = 250, 150  # no multiples of 8


@dataclass(frozen=True)
class Candidate:
    """A purchase that would tell something."""

    label: str
    operation: Operation[Any, Any]
    request: Request


@dataclass(frozen=True)
class Offer:
    """A candidate and what it will cost."""

    candidate: Candidate
    amount: float
    """In the unit of the operation."""
    usd: float
    source: str

    @property
    def said(self) -> str:
        return f"{self.amount:g} {self.candidate.operation.unit}"


def candidates(provider: str) -> list[Candidate]:
    """All of a provider's. Those whose price nobody names are tried once you name one."""
    picture = Picture(source=str(PHOTO), prepare="fit")
    asked: dict[str, Request] = {
        "midjourney.imagine": midjourney.ImagineRequest(prompt=PROMPT, mode="fast"),
        "midjourney.imagine relax": midjourney.ImagineRequest(prompt=PROMPT, mode="relax"),
        "midjourney.imagine turbo": midjourney.ImagineRequest(prompt=PROMPT, mode="turbo"),
        "midjourney.edit": midjourney.EditRequest(prompt=PROMPT, image=picture, mode="fast"),
        "novelai.text_to_image": novelai.TextToImageRequest(prompt="kite, hill, no humans", n_samples=2),
        "flowmusic.generate": flowmusic.GenerateRequest(sound_prompt="a slow waltz"),
        "suno.music": suno.MusicRequest(gpt_description_prompt="a slow waltz", instrumental=True),
        "ttapi.flux_image": ttapi.FluxImageRequest(prompt=PROMPT, mode="flux1-dev"),
        "ttapi.flux_kontext_image": ttapi.FluxKontextImageRequest(prompt=PROMPT, model="flux-kontext-pro"),
        "ttapi.gemini_image": ttapi.GeminiImageRequest(  # the model of which a page names the price
            prompt=PROMPT, model="gemini-2.5-flash-image-preview", image_size="1K"
        ),
        "ttapi.gpt_image": ttapi.GptImageRequest(prompt=f"draw {PROMPT}", model="gpt-4o-image"),
        "ttapi.grok_video": ttapi.GrokVideoRequest(prompt=PROMPT, video_length=30),
        "ttapi.gemini_video": ttapi.GeminiVideoRequest(prompt=PROMPT, aspect_ratio="16:9"),
        "ttapi.sora_video": ttapi.SoraVideoRequest(prompt=PROMPT),
        "ttapi.sora_partner_video": ttapi.SoraPartnerVideoRequest(prompt=PROMPT, seconds=4),
        "ttapi.luma_video": ttapi.LumaVideoRequest(prompt=PROMPT),
        "novita.txt2img": novita.Txt2ImgRequest(model_name=CHECKPOINT, prompt=PROMPT, width=WIDTH, height=HEIGHT),
        "novita.img2img": novita.Img2ImgRequest(
            model_name=CHECKPOINT, prompt=PROMPT, image=picture, width=256, height=256
        ),
        "novita.minimax_hailuo_02": novita.MinimaxHailuo02Request(prompt=PROMPT),
        "novita.hunyuan_video_fast": novita.HunyuanVideoFastRequest(prompt=PROMPT),
        "novita.kling_v30_std_t2v": novita.KlingV30T2VRequest(prompt=PROMPT, duration=3),
    }
    made = (Candidate(label, OPERATIONS[label.partition(" ")[0]], request) for label, request in asked.items())
    return [each for each in made if each.operation.provider.name == provider]


def calling_back(request: Request, operation: Operation[Any, Any], on: bool) -> Request:
    """The same request with its callback switched on or off, where it has a switch: no other purchase."""
    return request.model_copy(update={operation.callback_switch: on}) if operation.callback_switch else request


def priced(account: Account, prices: Sequence[Price]) -> tuple[list[Offer], list[Candidate]]:
    """What can be bought, the cheapest first; and what cannot, for nobody says what it costs. Blocking."""
    offers: list[Offer] = []
    unpriced: list[Candidate] = []
    for each in candidates(account.provider.name):
        expected = forecast([(each.operation, each.request)], account=account, prices=prices)
        figure = next((figure for figure in expected.figures if figure.of == "price"), None)
        if figure is None:
            unpriced.append(each)
        else:
            most = figure.each.most
            offers.append(Offer(each, most, in_usd(most, figure.unit), figure.source))
    # Of two that cost the same, Midjourney's tells more.
    return sorted(offers, key=lambda offer: (offer.usd, not offer.candidate.label.startswith("mid"))), unpriced
