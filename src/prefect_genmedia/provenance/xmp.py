"""XMP packets: what of a mark stands where in them; written, read, merged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from xml.etree import ElementTree as ET

from prefect_genmedia.provenance.marks import VOCABULARY, Mark, MarksFound

LONGEST = 1_000_000
"""Bytes of a packet that is read."""

_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_AIGC = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_OURS = "urn:x-prefect-genmedia:mark:1"
_PREFIXES = {
    "x": _X,
    "rdf": _RDF,
    "Iptc4xmpExt": _IPTC,
    "xmp": _XMP,
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "TC260": _AIGC,
    "genmedia": _OURS,
}
# Others' usual ones, so that a packet that stays whole keeps its look. Of the rest the prefix changes, not the name.
_OTHERS = {
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "dcterms": "http://purl.org/dc/terms/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}

# What a picture keeps when it is made anew: how it came about and whose it is. Not its places, people and captions.
_CARRIED_NAMES = {
    f"{{{_IPTC}}}DigitalSourceType",
    f"{{{_IPTC}}}AISystemUsed",
    f"{{{_IPTC}}}AISystemVersionUsed",
    f"{{{_XMP}}}CreatorTool",
    f"{{{_PREFIXES['dc']}}}creator",
    f"{{{_PREFIXES['dc']}}}rights",
    f"{{{_PREFIXES['photoshop']}}}Credit",
}
_CARRIED_SPACES = {_AIGC, _OURS, _PREFIXES["xmpRights"], _PREFIXES["plus"]}
_SOURCE_TYPE = f"{{{_IPTC}}}DigitalSourceType"
_COMPOSITE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"


def packet(mark: Mark | None, before: bytes | None = None, *, whole: bool) -> bytes | None:
    """The packet that says `mark`, and what `before` said; None when there is nothing to say.

    With `whole`, all of `before` stays; without, only how the picture came about and whose it is. What cannot be
    read of it is left out.
    """
    root = _parsed(before)
    if root is None:
        root = ET.Element(f"{{{_X}}}xmpmeta")
        ET.SubElement(root, f"{{{_RDF}}}RDF")
    rdf = next(root.iter(f"{{{_RDF}}}RDF"))
    if not whole:
        _keep_only_carried(rdf)
    if mark is not None:
        _set(rdf, mark, _values(rdf))
    if not _values(rdf):
        return None
    text = ET.tostring(root, encoding="unicode")
    # The mark of a packet's beginning and end is how programs find one in a file that they do not know.
    begun = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return f'{begun}\n{text}\n<?xpacket end="w"?>'.encode()


def same(one: bytes | None, other: bytes | None) -> bool:
    """Do two packets say the same?"""
    trees = [_parsed(one), _parsed(other)]
    values = [None if tree is None else _values(next(tree.iter(f"{{{_RDF}}}RDF"))) for tree in trees]
    return values[0] is not None and values[0] == values[1]


def found(content: bytes | None) -> MarksFound:
    """What a packet says."""
    root = _parsed(content)
    values = _values(next(root.iter(f"{{{_RDF}}}RDF"))) if root is not None else {}

    def said(space: str, name: str) -> str:
        return values.get(f"{{{space}}}{name}", "")

    return MarksFound(
        source_type=said(_IPTC, "DigitalSourceType").rpartition("/")[2],
        system=said(_IPTC, "AISystemUsed"),
        model=said(_IPTC, "AISystemVersionUsed"),
        jobs=tuple(said(_OURS, "jobs").split()),
        made_at=said(_OURS, "madeAt") or said(_XMP, "CreateDate"),
        prompt=said(_IPTC, "AIPromptInformation"),
        prompt_sha256=said(_OURS, "promptSha256"),
        software=said(_XMP, "CreatorTool"),
        others=("AIGC label (GB 45438)",) if said(_AIGC, "AIGC") else (),
    )


def _set(rdf: ET.Element, mark: Mark, before: dict[str, str]) -> None:
    kind = VOCABULARY + mark.source_type
    if before.get(_SOURCE_TYPE) == _COMPOSITE:
        kind = _COMPOSITE  # what was put together stays so
    facts = {
        _SOURCE_TYPE: kind,
        f"{{{_IPTC}}}AISystemUsed": mark.system,
        f"{{{_IPTC}}}AISystemVersionUsed": mark.model,
        f"{{{_IPTC}}}AIPromptInformation": mark.prompt,
        f"{{{_XMP}}}CreateDate": mark.made_at,
        f"{{{_OURS}}}madeAt": mark.made_at,
        f"{{{_OURS}}}jobs": " ".join(mark.jobs),
        f"{{{_OURS}}}promptSha256": mark.prompt_sha256,
    }
    if not before.get(f"{{{_XMP}}}CreatorTool"):
        facts[f"{{{_XMP}}}CreatorTool"] = software()
    said = {name: _fit(value) for name, value in facts.items() if value}
    _remove(rdf, said.keys())
    _drop_empty(rdf)
    ET.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": "", **said})


def _fit(text: str) -> str:
    """Without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def software() -> str:
    try:
        return f"prefect-genmedia {version('prefect-genmedia')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "prefect-genmedia"


def _parsed(content: bytes | None) -> ET.Element | None:
    """The packet's tree; None where it is none, or one that could grow without end while it is read."""
    if not content or len(content) > LONGEST or re.search(rb"<!\s*(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        return None
    text = content.decode("utf-8", "replace").replace("\x00", "")
    start, end = text.find("<"), text.rfind(">")
    try:
        # Not a prepared text of one's own: bounded, and without entities, so that none can grow.
        tree = ET.fromstring(text[start : end + 1])  # noqa: S314
    except ET.ParseError:
        return None
    return tree if next(tree.iter(f"{{{_RDF}}}RDF"), None) is not None else None


def _values(rdf: ET.Element) -> dict[str, str]:
    """Every simple property by its full name, in whichever of its three forms it is written."""
    values: dict[str, str] = {}
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        values |= {name: value for name, value in description.attrib.items() if not name.startswith(f"{{{_RDF}}}")}
        for child in description:
            values[child.tag] = child.get(f"{{{_RDF}}}resource") or "".join(child.itertext()).strip()
    return values


def _remove(rdf: ET.Element, names: Iterable[str]) -> None:
    gone = set(names)
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        for name in gone & description.attrib.keys():
            del description.attrib[name]
        for child in [child for child in description if child.tag in gone]:
            description.remove(child)


def _keep_only_carried(rdf: ET.Element) -> None:
    _remove(rdf, [name for name in _values(rdf) if not _carried(name)])
    _drop_empty(rdf)


def _drop_empty(rdf: ET.Element) -> None:
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        if len(description) == 0 and all(name.startswith(f"{{{_RDF}}}") for name in description.attrib):
            rdf.remove(description)


def _carried(name: str) -> bool:
    return name in _CARRIED_NAMES or name[1:].partition("}")[0] in _CARRIED_SPACES


for _prefix, _space in (_PREFIXES | _OTHERS).items():
    ET.register_namespace(_prefix, _space)
