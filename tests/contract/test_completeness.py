"""Every operation is whole; and the list of what is missing names everything, each with where it goes."""

from __future__ import annotations

from dataclasses import replace

from prefect_genmedia.operation import Request, Route
from prefect_genmedia.providers import OPERATIONS
from tests.contract.completeness import missing


class Kite(Request):
    string: int
    """Its length in metres."""
    tail: bool


def test_every_operation_is_whole() -> None:
    lacks = [lack for operation in OPERATIONS.values() for lack in missing(operation)]
    assert not lacks, "docs/adding-an-operation.md says how:\n" + "\n".join(lacks)


def test_of_a_new_operation_everything_is_missing_and_all_of_it_is_named() -> None:
    new = replace(
        OPERATIONS["novita.wan27_i2v"],
        name="kites.fly",  # of a provider that is not there
        submit=Route("POST", "/v3/async/kite"),
        fetch=Route("GET", "/v3/async/kites", job_id="task_id"),
        request=Kite,
        source="",
        lifecycle="",
    )
    named = replace(new, name="novita.fly_kite")
    assert [lack.partition(": ")[2] for lack in missing(named)] == [
        "it is not in OPERATIONS (providers/catalogue.py)",
        "its `source` names no page",
        "its `lifecycle` does not say what is known of it",
        "Kite has no docstring",
        "Kite.tail has no docstring: forms show it",
        "what it gives is not in providers/facts.yaml (`gives`)",
        "there is no task fly_kite (`@task(**paid(...))`) in tasks/novita.py",
        "fly_kite is not in __all__ of tasks/novita.py",
        "Kite is not in __all__ of tasks/novita.py",
        "/v3/async/kite is not in emulator/contract/novita.openapi.yaml",
        "/v3/async/kites is not in emulator/contract/novita.openapi.yaml",
        "the emulator has no handler of POST /v3/async/kite (emulator/novita/)",
        "the emulator has no handler of GET /v3/async/kites (emulator/novita/)",
        "it has no case in tests/contract/cases/",
        "it has no case in tests/emulator/operations.py",
        "tests/typing/user.py does not call it",
        "no flow of tests/orchestration/tasks/test_operations.py buys it",
        "it is not in the table of docs/reference/operations.md: python -m tests.readme",
    ]
    assert "kites.fly: its limits and retention are not in" in "\n".join(missing(new))
