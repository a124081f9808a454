"""How a sound is encoded anew: as it was."""

from __future__ import annotations

from prefect_genmedia.recording.probing import Probed

ENCODERS = {"mp3": "libmp3lame", "vorbis": "libvorbis", "opus": "libopus"}
LEAST_BIT_RATE = 64_000


def sound_encoding(facts: Probed) -> tuple[str, ...]:
    """ffmpeg's options for the same codec, sample rate and, where told, bit rate; none where there is no sound."""
    codec = facts.audio_codec
    if codec is None:
        return ()
    chosen = ("-c:a", ENCODERS.get(codec, codec))
    rate = ("-ar", str(facts.sample_rate)) if facts.sample_rate else ()
    if codec == "flac" or codec.startswith("pcm_"):
        return (*chosen, *rate)
    bits = facts.audio_bit_rate or (facts.bit_rate if facts.video_codec is None else None)
    return (*chosen, *rate, "-b:a", str(max(bits, LEAST_BIT_RATE))) if bits else (*chosen, *rate)
