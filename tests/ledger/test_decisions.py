"""What people decided of files: the newest counts, what was said is never changed, and every run has its own."""

from __future__ import annotations

from prefect_genmedia.ledger import Asked, Ledger, Verdict

ONE, OTHER = "1" * 64, "2" * 64


def asked(count: int, sha256: str = ONE) -> list[Asked]:
    return [Asked(place, place // 2, sha256, {"uri": f"file:///{place}"}) for place in range(count)]


def test_what_is_asked_again_stays_and_what_was_said_is_not_said_again(ledger: Ledger) -> None:
    ledger.ask("flow:1", asked(200))
    ledger.ask("flow:1", asked(3, OTHER))
    ledger.ask("flow:2", asked(1))
    rows = ledger.asked("flow:1")
    assert [row.position for row in rows] == list(range(200)) and {row.sha256 for row in rows} == {ONE}
    assert (rows[3].picture, rows[3].file, rows[3].decision) == (1, {"uri": "file:///3"}, None)
    ledger.decide("flow:1", {0: Verdict("approved", "Ana", "sharp", 4), 1: Verdict("rejected", "Ana")})
    ledger.decide("flow:1", {0: Verdict("rejected", "the next process"), 2: Verdict("changes", "Ana", "warmer")})
    said = [(row.decision, row.who, row.why, row.rating) for row in ledger.asked("flow:1")[:4]]
    assert said == [
        ("approved", "Ana", "sharp", 4),
        ("rejected", "Ana", "", None),
        ("changes", "Ana", "warmer", None),
        (None, "", "", None),
    ]
    assert [row.decided_at for row in ledger.asked("flow:2")] == [None]


def test_of_several_decisions_and_ratings_the_newest_counts(ledger: Ledger) -> None:
    assert ledger.decisions([ONE]) == {} == ledger.ratings([ONE])
    for run, decision, stars in (("flow:1", "rejected", 2), ("flow:2", "approved", None)):
        ledger.ask(run, asked(1))
        ledger.decide(run, {0: Verdict(decision, "Ana", rating=stars)})
    ledger.ask("flow:3", asked(1))  # nobody has answered
    assert ledger.decisions([ONE, OTHER])[ONE].decision == "approved"
    assert ledger.ratings([ONE, OTHER]) == {ONE: 2}
    for stars in (3, 5):
        ledger.rate("flow:4", ONE, stars, "Ben")
    ledger.rate("flow:4", OTHER, 1, "Ben", "dull")
    assert ledger.ratings([ONE, OTHER]) == {ONE: 5, OTHER: 1}
    assert ledger.decisions([ONE])[ONE].run == "flow:2", "stars decide nothing"


def test_what_is_said_of_a_size_is_said_of_the_picture(ledger: Ledger) -> None:
    size, picture = "3" * 64, "4" * 64
    ledger.ask("flow:1", [Asked(0, 1, size, {}, source=picture)])
    ledger.decide("flow:1", {0: Verdict("rejected", "Ana", rating=1)})
    assert {each: row.decision for each, row in ledger.decisions([size, picture, ONE]).items()} == {
        size: "rejected",
        picture: "rejected",
    }
    ledger.rate("flow:2", picture, 4, "Ben")
    assert ledger.ratings([picture, size]) == {picture: 4, size: 1}
