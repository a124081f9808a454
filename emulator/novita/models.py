"""A few dozen models as GET /v3/model lists them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from starlette.datastructures import QueryParams

_CHECKPOINTS = (
    "sd_xl_base_1.0.safetensors|SDXL 1.0",
    "protovisionXLHighFidelity3D_release0630Bakedvae_154359.safetensors|SDXL 1.0",
    "dreamshaperXL09Alpha_alpha2Xl10_91562.safetensors|SDXL 1.0",
    "juggernautXL_v9_240840.safetensors|SDXL 1.0",
    "animagineXLV3_v30_260267.safetensors|SDXL 1.0",
    "realcartoon25D_v3_240762.safetensors|SD 1.5",
    "dreamshaper_8_93211.safetensors|SD 1.5",
    "epicrealism_naturalSinRC1VAE_106430.safetensors|SD 1.5",
    "majicmixRealistic_v7_134792.safetensors|SD 1.5",
    "revAnimated_v122.safetensors|SD 1.5",
    "v1-5-pruned-emaonly.safetensors|SD 1.5",
    "realisticVisionV51_v51VAE_94301.safetensors|SD 1.5",
)
_INPAINTING = ("realisticVisionV40_v40VAE-inpainting_81543.safetensors|SD 1.5", "sd-v1-5-inpainting.ckpt|SD 1.5")
_LORAS = (
    "add_detail_44319|SD 1.5",
    "more_details_59655|SD 1.5",
    "epiNoiseoffset_v2_20816|SD 1.5",
    "blindbox_v1_mix_32988|SD 1.5",
    "papercut_v1_104230|SD 1.5",
    "SDXLFaeTastic2400_159636|SDXL 1.0",
    "xl_more_art-full_v1_113467|SDXL 1.0",
    "watercolor_v1_60295|SDXL 1.0",
)
_EMBEDDINGS = (
    "badhandv4_16755.pt|SD 1.5",
    "BadDream_53202.pt|SD 1.5",
    "UnrealisticDream_53204.pt|SD 1.5",
    "easynegative_8955.safetensors|SD 1.5",
    "verybadimagenegative_v1.3_21434.pt|SD 1.5",
    "ng_deepnegative_v1_75t_5845.pt|SD 1.5",
    "unaestheticXLv13_98060.safetensors|SDXL 1.0",
)
_VAES = (
    "vae-ft-mse-840000-ema-pruned.safetensors|SD 1.5",
    "kl-f8-anime2.safetensors|SD 1.5",
    "sdxl_vae.safetensors|SDXL 1.0",
)
_CONTROLNETS = (
    "control_v11p_sd15_canny|SD 1.5",
    "control_v11p_sd15_openpose|SD 1.5",
    "control_v11f1e_sd15_tile|SD 1.5",
    "control_v11f1p_sd15_depth|SD 1.5",
    "controlnet-canny-sdxl-1.0|SDXL 1.0",
    "controlnet-depth-sdxl-1.0|SDXL 1.0",
)
_UPSCALERS = ("RealESRGAN_x4plus_anime_6B|SD 1.5", "RealESRNet_x4plus|SD 1.5", "4x-UltraSharp|SD 1.5")
_PRIVATE = ("my-product-style_v1.safetensors|SDXL 1.0", "my-mascot_v2.safetensors|SD 1.5")

# The names that the JS SDK sends (filter[x]) and the Python SDK's slip (filter.type) mean the same.
TYPES = ("checkpoint", "lora", "vae", "controlnet", "upscaler", "textualinversion")


def page(query: QueryParams) -> dict[str, Any]:
    """One page of models; ValueError says what the query has wrong."""
    limit = _limit(_read(query, "pagination", "limit"))
    found = [model for model in CATALOGUE if _matches(model, query)]
    start = _start(found, _read(query, "pagination", "cursor"))
    rows = found[start : start + limit]
    more = start + limit < len(found)
    shown = [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]
    return {"models": shown, "pagination": {"next_cursor": _cursor(rows[-1]) if more else ""}}


def _matches(model: dict[str, Any], query: QueryParams) -> bool:
    visibility = _read(query, "filter", "visibility")
    source = _read(query, "filter", "source")
    kind = _read(query, "filter", "types") or _read(query, "filter", "type")
    is_sdxl = _read(query, "filter", "is_sdxl").lower()
    # Both kinds of checkpoint are wanted with neither named: false is the documented default.
    inpainting = (_read(query, "filter", "is_inpainting") or "false").lower() == "true"
    words = _read(query, "filter", "query").lower()
    if kind and kind not in TYPES:
        raise ValueError("filter.types: must be one of " + ", ".join(TYPES))
    text = " ".join([model["sd_name"], model["name"], *model["tags"]]).lower()
    return (
        (not visibility or model["_private"] == (visibility == "private"))
        and (not source or model["source"] == source)
        and (not kind or model["type"]["name"] == kind)
        and (not is_sdxl or model["is_sdxl"] == (is_sdxl == "true"))
        and model["_inpainting"] == inpainting
        and (not words or words in text)
    )


def _read(query: QueryParams, group: str, name: str) -> str:
    return query.get(f"{group}.{name}") or query.get(f"{group}[{name}]") or ""


def _limit(text: str) -> int:
    if not text:
        return 100
    if not text.isdecimal() or not 0 < int(text) <= 100:
        raise ValueError("pagination.limit: must be 1 to 100")
    return int(text)


def _cursor(model: dict[str, Any]) -> str:
    """Where the page ended, in the vendor's form: base64 of [sort key, "id"]."""
    after = json.dumps([model["_rank"], str(model["id"])], separators=(",", ":"))
    return "c_" + base64.b64encode(after.encode()).decode()


def _start(found: list[dict[str, Any]], cursor: str) -> int:
    cursor = cursor.removeprefix("c_").removeprefix("c_")  # the Python SDK puts a second c_ in front
    if not cursor:
        return 0
    if cursor.isdecimal():
        return int(cursor)  # an offset: c_0, c_100
    try:
        rank, number = json.loads(base64.b64decode(cursor, validate=True))
        after = (-float(rank), int(number))
    except (OverflowError, RecursionError, TypeError, ValueError):
        raise ValueError("pagination.cursor: cannot be read") from None
    return sum((-model["_rank"], model["id"]) <= after for model in found)


def _model(entry: str, kind: str, inpainting: bool = False, private: bool = False) -> dict[str, Any]:
    sd_name, base = entry.split("|")
    digest = hashlib.sha256(sd_name.encode()).hexdigest()
    bare = sd_name.rsplit(".", 1)[0] if sd_name.endswith((".safetensors", ".pt", ".ckpt")) else sd_name
    number = int(digest[:6], 16) % 900_000 + 10_000
    file = f"{bare}.safetensors" if kind == "lora" else sd_name
    return {
        "id": number,
        "name": bare.replace("_", " "),
        "hash_sha256": digest.upper(),
        "sd_name": file,
        "type": {"name": kind, "display_name": {"textualinversion": "Textual Inversion"}.get(kind, kind.title())},
        "categories": [],
        "status": 1,
        "download_url": "",
        "tags": [base.split()[0].lower(), kind],
        "cover_url": "",
        "source": "training" if private else "civitai",
        "base_model": base,
        "base_model_type": "Inpainting" if inpainting else "Standard",
        "download_url_ttl": 2592000,
        "sd_name_in_api": bare if kind in ("lora", "textualinversion") else file,
        "is_sdxl": base.startswith("SDXL"),
        "_rank": int(digest[6:12], 16) % 1_000_000,
        "_inpainting": inpainting,
        "_private": private,
    }


CATALOGUE = sorted(
    [
        *(_model(entry, "checkpoint") for entry in _CHECKPOINTS),
        *(_model(entry, "checkpoint", inpainting=True) for entry in _INPAINTING),
        *(_model(entry, "checkpoint", private=True) for entry in _PRIVATE),
        *(_model(entry, "lora") for entry in _LORAS),
        *(_model(entry, "textualinversion") for entry in _EMBEDDINGS),
        *(_model(entry, "vae") for entry in _VAES),
        *(_model(entry, "controlnet") for entry in _CONTROLNETS),
        *(_model(entry, "upscaler") for entry in _UPSCALERS),
    ],
    key=lambda model: (-model["_rank"], model["id"]),
)
