"""Where the ledger is: addresses that are wrong, files that cannot be written, and passwords that nobody reads."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from prefect_genmedia.errors import ConfigurationError, GenMediaError, LedgerError
from prefect_genmedia.ledger import Database, Ledger, open_ledger
from tests.ledger.actors import Processes, open_without_a_driver, open_without_rights, read_without_rights, want

SECRET = "s3cr3t"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def everything_said(error: BaseException) -> str:
    """The error as it is shown, logged, and printed with all that led to it."""
    return f"{error} {error!r} {error.args} {vars(error)} {''.join(traceback.format_exception(error))}"


# -- addresses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ledger.db",
        "/srv/ledger.db",
        "sqlite",
        "://",
        f"user:{SECRET}@host/db",
        f"postgresql://user:{SECRET}/db",
        f"postgresql://user:{SECRET}@127.0.0.1:{SECRET}/db",
        f"postgresql://user:{SECRET}@127.0.0.1:99999999/db",
    ],
)
def test_what_is_no_database_url_is_told_with_examples(url: str) -> None:
    with pytest.raises(ConfigurationError, match="GENMEDIA_LEDGER_URL") as caught:
        open_ledger(url, 60)
    assert "sqlite:///" in str(caught.value)
    assert "postgresql://" in str(caught.value)
    assert SECRET not in everything_said(caught.value)


@pytest.mark.parametrize("backend", ["mysql", "mssql+pyodbc", "oracle", "redis", "https", "duckdb"])
def test_other_databases_are_not_for_the_ledger(backend: str) -> None:
    with pytest.raises(ConfigurationError, match="SQLite and PostgreSQL") as caught:
        open_ledger(f"{backend}://user:{SECRET}@127.0.0.1/db", 60)
    assert SECRET not in everything_said(caught.value)


IN_MEMORY = [
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:///:memory:?cache=shared",
    "sqlite:///file::memory:?cache=shared&uri=true",
    "sqlite:///file:ledger?mode=memory&cache=shared&uri=true",
    "sqlite:///file:/ledger?vfs=memdb&uri=true",
]


@pytest.mark.parametrize("url", IN_MEMORY)
def test_a_ledger_in_memory_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="outlive the process"):
        open_ledger(url, 60)


def test_prefects_own_way_to_name_an_sqlite_driver_is_understood(isolated: Path) -> None:
    ledger = open_ledger(f"sqlite+aiosqlite:///{isolated / 'ledger.db'}", 60)
    assert ledger.claim(want(), "call-1").mine


@pytest.mark.postgres
@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_every_way_to_name_a_postgresql_driver_is_understood(postgres_url: str, driver: str) -> None:
    url = make_url(postgres_url).set(drivername=driver).render_as_string(hide_password=False)
    assert open_ledger(url, 60).claim(want(), "call-1").mine


def test_without_the_driver_it_is_told_how_to_install_it() -> None:
    url = f"postgresql://user:{SECRET}@127.0.0.1/db"
    (said,) = Processes(1, open_without_a_driver, url).said()
    assert said.startswith("ConfigurationError")
    assert "pip install 'prefect-genmedia[postgres]'" in said
    assert SECRET not in said


# -- passwords --------------------------------------------------------------------------------------------

HIDING_PLACES = [
    "postgresql://user:{secret}@127.0.0.1:{port}/db",
    "postgresql://user:{secret}%40%2F@127.0.0.1:{port}/db",
    "postgresql://user@127.0.0.1:{port}/db?password={secret}",
    "postgresql://127.0.0.1:{port}/db?user=me&password={secret}&sslpassword={secret}",
    "postgresql://user:{secret}@127.0.0.1:{port}/db?no_such_option=1",
    "postgresql://user:{secret}@127.0.0.1:{port}/db?sslmode=nonsense",
    "postgresql://user:p@{secret}@127.0.0.1:{port}/db",
    "postgresql://user:{secret}@/db?host=127.0.0.1&port={port}",
]


@pytest.mark.parametrize("form", HIDING_PLACES)
def test_no_error_shows_the_password(form: str) -> None:
    url = form.format(secret=SECRET, port=closed_port())
    for call in (open_ledger, lambda url, _: Database(url).migrate(), lambda url, _: Database(url).schema()):
        with pytest.raises(GenMediaError) as caught:
            call(url, 60)
        assert SECRET not in everything_said(caught.value)


@pytest.mark.postgres
def test_an_error_in_mid_work_shows_no_password_and_no_values(postgres_url: str) -> None:
    url = make_url(postgres_url).update_query_dict({"password": SECRET}).render_as_string(hide_password=False)
    ledger = open_ledger(url, 60)
    with pytest.raises(GenMediaError) as caught:
        ledger.take(f"{SECRET}-row", "call-1")
    assert SECRET not in everything_said(caught.value)


def test_nobody_at_the_address_is_told_by_address() -> None:
    port = closed_port()
    with pytest.raises(LedgerError, match=f"127.0.0.1:{port}/db does not answer") as caught:
        open_ledger(f"postgresql://user:{SECRET}@127.0.0.1:{port}/db", 60)
    assert "Run again when the database is back" in str(caught.value)


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_told_by_name(empty_postgres_url: str) -> None:
    url = make_url(empty_postgres_url).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(LedgerError, match="no_such_database"):
        open_ledger(url, 60)


# -- files --------------------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are for one user only."""
    folder = Path(tempfile.mkdtemp(prefix="genmedia-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def without_rights(file: Path) -> str:
    """What a user hears who may not write there. Root may write everywhere: then another user asks."""
    (said,) = Processes(1, open_without_rights, f"sqlite:///{file}", os.geteuid() == 0).said()
    return str(said)


def test_a_file_in_a_new_folder_is_made_with_the_folder(isolated: Path) -> None:
    file = isolated / "a" / "b c" / "žába" / "ledger.db"
    assert open_ledger(f"sqlite:///{file}", 60).claim(want(), "call-1").mine
    assert file.exists()


def test_a_folder_that_cannot_be_made_is_told(isolated: Path) -> None:
    isolated.parent.mkdir()
    (isolated.parent / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match=r"ledger\.db cannot be written"):
        open_ledger(f"sqlite:///{isolated.parent / 'file' / 'ledger.db'}", 60)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode"), [(0o444, 0o777), (0o444, 0o555), (None, 0o555)], ids=["file", "both", "no file yet"]
)
def test_what_may_not_be_written_is_told(folder: Path, file_mode: int | None, folder_mode: int) -> None:
    file = folder / "ledger.db"
    if file_mode is not None:
        Database(f"sqlite:///{file}").migrate()
        file.chmod(file_mode)
    folder.chmod(folder_mode)
    said = without_rights(file)
    folder.chmod(0o755)
    assert said.startswith("ConfigurationError")
    assert f"the ledger {file} cannot be written" in said
    # Of a ledger that is there, nobody is told to begin another: it would be empty, and all be bought again.
    assert ("Set GENMEDIA_LEDGER_URL" in said) == (file_mode is None)
    assert ("Begin no new ledger in its place" in said) == (file_mode is not None)


@pytest.mark.parametrize("folder_mode", [0o777, 0o555])
def test_a_ledger_that_may_only_be_read_can_be_read(folder: Path, folder_mode: int) -> None:
    file = folder / "ledger.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    Ledger(database, 60).claim(want(), "call-1")
    database.engine.dispose()
    file.chmod(0o444)
    folder.chmod(folder_mode)
    assert Processes(1, read_without_rights, f"sqlite:///{file}", os.geteuid() == 0).said() == [1]
    folder.chmod(0o755)


@pytest.mark.parametrize("made", [True, False], ids=["a ledger", "an empty file"])
def test_a_folder_that_takes_no_journal_is_told(folder: Path, made: bool) -> None:
    """SQLite keeps its journal beside the file."""
    file = folder / "ledger.db"
    file.touch()
    if made:
        database = Database(f"sqlite:///{file}")
        database.migrate()
        database.engine.dispose()
    file.chmod(0o666)
    folder.chmod(0o555)
    said = without_rights(file)
    folder.chmod(0o755)
    assert said.startswith(("ConfigurationError", "LedgerError"))
    assert str(file) in said


def test_a_folder_in_the_place_of_the_file_is_told(isolated: Path) -> None:
    (isolated / "ledger.db").mkdir(parents=True)
    with pytest.raises(GenMediaError, match=r"ledger\.db"):
        open_ledger(f"sqlite:///{isolated / 'ledger.db'}", 60)


def test_another_kind_of_file_is_told_and_left_as_it_is(isolated: Path) -> None:
    file = isolated / "ledger.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(LedgerError, match="not a database"):
        open_ledger(f"sqlite:///{file}", 60)
    assert file.read_bytes() == b"Dear diary, " * 1000


def test_a_database_of_something_else_gets_a_ledger_beside_what_it_holds(isolated: Path) -> None:
    file = isolated / "ledger.db"
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE diary (line TEXT)")
        connection.execute("INSERT INTO diary VALUES ('rain')")
    connection.close()
    assert open_ledger(f"sqlite:///{file}", 60).claim(want(), "call-1").mine
    assert sqlite3.connect(file).execute("SELECT line FROM diary").fetchall() == [("rain",)]


def test_an_address_that_was_wrong_at_first_works_once_it_is_right(isolated: Path) -> None:
    file = isolated / "ledger.db"
    file.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(GenMediaError):
            open_ledger(f"sqlite:///{file}", 60)
    file.rmdir()
    assert open_ledger(f"sqlite:///{file}", 60).claim(want(), "call-1").mine
