"""What is said of a job that stands in the ledger: what happened, what became of the money, what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect_genmedia.errors import (
    BOUGHT_ONCE,
    MAY_BE_BILLED,
    NOTHING_BOUGHT,
    GenMediaError,
    JobExpiredError,
    JobFailedError,
    resume_advice,
)
from prefect_genmedia.jobs.values import ref_of
from prefect_genmedia.ledger import LedgerState as S

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

AGAIN = "Mend what it names (a key, credit, the prompt), or wait where it was away; then run its flow again."
ADOPT = (
    "Look it up at the provider, then: genmedia jobs adopt {name} --job-id ID, "
    "or genmedia jobs adopt {name} --not-accepted."
)


def sentences(row: JobRow) -> list[str]:
    """The three sentences of a job as its row has it; of a bad end, those that its run has said."""
    name, ref = row.id[:12], ref_of(row)
    why = f": {row.reason}" if row.reason else ""
    match S(row.state):
        case S.FAILED:
            return JobFailedError.of(ref, "", row.reason, row.refunded, row.attempt).sentences
        case S.EXPIRED:
            return JobExpiredError.of(ref, "", row.reason).sentences
        case S.NOT_ACCEPTED:
            return _three(f"the provider did not take it{why}", NOTHING_BOUGHT, AGAIN)
        case S.UNKNOWN:
            said = f"its submit got no usable answer{why}, and nobody could tell what became of it"
            return _three(said, MAY_BE_BILLED, ADOPT.format(name=name))
        case S.INTENT:
            said = "a worker is sending it, or has died doing so"
            return _three(said, MAY_BE_BILLED, "Run its flow again: it finds out, and sends it only if nobody has.")
        case S.SUBMITTED:
            stands = f" ({row.provider_state})" if row.provider_state else ""
            return _three(f"the provider has it{stands}", BOUGHT_ONCE, resume_advice(ref))
        case S.SUCCEEDED if row.reason:
            advice = f"Ask for it: genmedia jobs resume {name}; or be content: genmedia jobs accept {name}."
            return _three(f"it is done, and some of its files have not come ({row.reason})", BOUGHT_ONCE, advice)
        case S.SUCCEEDED:
            return _three("it is done, and its files are not here yet", BOUGHT_ONCE, resume_advice(ref))
        case _:
            advice = f"Nothing is to be done. Were its files lost: genmedia jobs resume {name}."
            return _three("it is done, and its files are here", BOUGHT_ONCE, advice)


def _three(happened: str, money: str, advice: str) -> list[str]:
    return GenMediaError(happened, money=money, advice=advice).sentences
