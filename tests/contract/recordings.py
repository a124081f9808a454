"""A recording of `genmedia live-check`, read back through the parsers that read the provider."""

from __future__ import annotations

from typing import Any

from prefect_genmedia.operation import JobState
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import WITNESS
from tests.contract.cases import CASES
from tests.contract.cases.case import digests
from tests.contract.wire import answer_of, complaints, described

PROVIDERS = {"ttapi": TTAPI, "novita": NOVITA}


def read_back(recording: dict[str, Any]) -> dict[str, set[str]]:
    """Every read as it was read then; the states seen of each operation."""
    provider = PROVIDERS[recording["provider"]]
    seen: dict[str, set[str]] = {}
    for read in recording["reads"]:
        body = read["body"]
        if read["what"] == "job" and body is not None:
            operation = OPERATIONS[read["operation"]]
            status = provider.status(body)
            assert status.state == read["state"] and provider.job_id_of(body)
            fetch = described(recording["provider"], "GET", read["path"])
            assert fetch is not None
            assert complaints(recording["provider"], answer_of(recording["provider"], fetch)["schema"], body) == []
            result = operation.result.model_validate(provider.payload(body))
            if status.state is JobState.SUCCEEDED:
                asked = CASES[operation.name].smallest
                assert operation.links(result, asked.canonical(digests(asked)))
            seen.setdefault(operation.name, set()).add(str(status.state))
        elif read["what"] == "list" and body is not None:
            WITNESS.job_ids(body)
        elif read["what"] == "balance" and body is not None:
            assert provider.balance(body) >= 0
    return seen
