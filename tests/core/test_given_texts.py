"""What a person gives as text, a table or a name: refused by its place before money, where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from prefect_genmedia.checking import checked
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.content_calendar import named_once
from prefect_genmedia.flows.runs.calendar_rows import checked_rows, read_source, refuse_equal_names, wishes
from prefect_genmedia.flows.runs.parameters import Photograph, Refinement
from prefect_genmedia.flows.steps.advanced import AdvancedRestyle
from prefect_genmedia.flows.steps.styles import AddedLora, Steering, Style
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.media.names import MOST_FILE_BYTES, MOST_PART_BYTES, MOST_STEM_BYTES, check_place
from prefect_genmedia.providers.novita.images import Img2ImgRequest
from prefect_genmedia.providers.ttapi.job import JobRequest
from prefect_genmedia.providers.ttapi.midjourney import ImagineRequest

HEAD = "prompt,count,folder,file\n"


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x7f", "\x85"])
def test_no_request_takes_a_control_character_in_any_of_its_texts(sign):
    with pytest.raises(ValidationError, match=r"prompt\n.*U\+"):
        ImagineRequest(prompt=f"a fox{sign} in snow")
    loras = [{"model_name": f"a{sign}b", "strength": 1}]
    with pytest.raises(ValidationError, match=r"loras\.0\.model_name\n"):
        Img2ImgRequest(prompt="a fox", model_name="m", image="x.png", loras=loras)
    with pytest.raises(ValidationError, match=r"body\n"):
        JobRequest(path="/x/v1/y", body={"deep": [{"text": f"a{sign}"}]})


def test_half_a_sign_is_none():
    with pytest.raises(ValidationError, match="unicode"):
        ImagineRequest(prompt="a fox \ud83d")


def test_lines_tabs_and_all_scripts_stay_what_they_are():
    prompt = "a fox\n\tin snow\r\n狐 🦊 \u200d ثعلب"
    assert ImagineRequest(prompt=prompt).prompt == prompt


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (HEAD + 'an owl,1,f,w\n"a fox,1,f,x\nb,1,f,y\n', r"row 2 \(line 3\) .*a quote is opened, and never closed"),
        (HEAD + 'an owl,1,f,w\n"a" fox,1,f,x\n', r"row 2 \(line 3\) .*no CSV"),
        ('"prompt,count\na,1\n', "the head of the calendar is no CSV"),
        ("prompt,Prompt \na,b\n", "two columns of the calendar are called prompt"),
        ("request key;prompt;request-key\na;b;c\n", "two columns of the calendar are called request_key"),
        (HEAD + "a fox,1,f,x,more\n", "row 1: more_cells_than_the_head"),
        (
            '{"prompt": "a"}\n{"prompt": "a", "count": 1, "prompt": "b"}\n',
            "line 2 of the calendar: prompt stands in it",
        ),
        ('{"prompt": "a", "count": NaN}\n', "line 1 of the calendar: NaN is no number"),
        ('{"prompt": "a"\n', "line 1 of the calendar is no JSON"),
    ],
)
def test_a_damaged_table_is_refused_by_its_row(tmp_path: Path, table: str, says: str):
    (tmp_path / "sheet").write_text(table)
    with pytest.raises(ConfigurationError, match=says):
        checked_rows(read_source(str(tmp_path / "sheet")))


def test_a_sheet_as_spreadsheets_write_it_is_read(tmp_path: Path):
    """Quoted cells with lines and quotes in them, empty columns at the end, rows that are shorter, blank lines."""
    (tmp_path / "sheet").write_bytes(
        b'\xef\xbb\xbfPrompt;Count;File;;\r\n"a ""red"" fox;\nin snow";2;fox;;\r\n\r\nan owl\r\n'
    )
    first, second = checked_rows(read_source(str(tmp_path / "sheet")))
    assert (first.prompt, first.count, first.file) == ('a "red" fox;\nin snow', 2, "fox")
    assert second.prompt == "an owl"


@pytest.mark.parametrize("sign", ["a", "é", "漢", "𝒳"])
def test_the_longest_name_that_is_taken_fits_a_disk_with_all_that_comes_behind_it(tmp_path: Path, sign: str):
    size = len(sign.encode())
    longest = Rendition(name="x" * 64, width=8)
    stem = sign * (MOST_STEM_BYTES // size)
    check_place(f"published/{sign * (MOST_PART_BYTES // size)}", stem)
    (tmp_path / f"{stem}-{longest.name}.webp.json").touch()
    for folder, name, what in (("f", stem + sign, "stem"), (sign * (MOST_PART_BYTES // size + 1), "n", "folder")):
        with pytest.raises(ConfigurationError, match=rf"{what} is too long for a disk: \d+ bytes.*; the limit is \d+"):
            check_place(folder, name)
    row = {"prompt": "a fox", "count": 100, "file": sign * (MOST_FILE_BYTES // size)}
    checked_rows([row])
    check_place("f", f"{row['file']}-100-32")
    with pytest.raises(ConfigurationError, match="row 1: file is too long"):
        checked_rows([{**row, "file": row["file"] + sign}])
    with pytest.raises(ConfigurationError, match="row 1: folder is too long"):
        checked_rows([{**row, "folder": "/".join(["a" * 99] * 6)}])


@pytest.mark.parametrize("name", ["पतंग", "ภาพที่", "cafe\u0301", "한국", "مَدرَسة"])
def test_a_name_may_be_of_any_script(name, tmp_path):
    check_place(f"published/{name}", name)
    (tmp_path / name).touch()


@pytest.mark.parametrize("name", ["\u0301a", "\u0301", "a\u200d", "a\u202eb"])
def test_a_name_begins_with_a_letter_and_has_nothing_invisible(name):
    with pytest.raises(ConfigurationError, match="must be made of letters"):
        check_place("f", name)


def test_names_that_a_mac_takes_for_one_are_one():
    rows = checked_rows([{"prompt": str(n), "file": name} for n, name in enumerate(["caf\u00e9", "cafe\u0301"])])
    with pytest.raises(ConfigurationError, match="row 2: its files would be called as those of row 1"):
        refuse_equal_names(wishes(map(named_once, rows), "key"), 1)


def test_a_name_that_grows_when_it_is_spelt_as_one_is_measured_so():
    with pytest.raises(ConfigurationError, match="stem is too long"):
        check_place("f", "\u0958" * (MOST_STEM_BYTES // 3))


@pytest.mark.parametrize("model", [Photograph, Refinement, AdvancedRestyle, AddedLora, Steering, Style])
def test_a_misspelt_field_of_what_a_flow_is_asked_for_is_named_with_what_was_meant(model):
    field = next(iter(model.model_fields))
    misspelt = field[:-2] + field[-1]
    with pytest.raises(ConfigurationError, match=f"there is no field '{misspelt}'; did you mean '{field}'"):
        checked(lambda: model.model_validate({misspelt: "secret"}))
    with pytest.raises(ConfigurationError, match=f"no field 'zzzzzzzz'; the fields are {field}") as caught:
        checked(lambda: model.model_validate({"zzzzzzzz": "secret"}))
    assert "secret" not in str(caught.value)
