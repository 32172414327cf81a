"""Errors of an unusable warehouse: one sentence, and a class for what can be done."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import AccessDeniedError, OzonError, SchemaError, WarehouseUnavailableError
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support.refusing_postgres import refusing_server

pytestmark = pytest.mark.faults

WRITE = "INSERT INTO ozon.fbo_stock_requests VALUES ('main', 1, now())"


def use(dsn: str, statement: str = WRITE, **settings: int) -> None:
    """Open a session and write, as every task does."""
    connect = partial(psycopg.connect, dsn, connect_timeout=2)
    with open_session(connect, WarehouseSettings(**settings), "a test") as connection:
        connection.execute(statement.encode())


def password_of(dsn: str) -> str:
    return urlsplit(dsn).password or ""


@pytest.fixture
def reader_dsn(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[str]:
    """Return the warehouse's address for a role that may only read."""
    superuser = postgres.dsn(urlsplit(warehouse_dsn).path[1:], SUPERUSER)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reads'")
        connection.execute("GRANT USAGE ON SCHEMA ozon TO reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ozon TO reader")
    url = urlsplit(warehouse_dsn)
    yield f"postgresql://reader:reads@{url.hostname}:{url.port}{url.path}"
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


def test_a_session_that_works_is_set_up_for_a_load(warehouse_dsn: str) -> None:
    settings = WarehouseSettings(lock_timeout_seconds=7, statement_timeout_seconds=8)
    with open_session(partial(psycopg.connect, warehouse_dsn), settings, "product_etl run/main") as connection:
        found = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("application_name", "TimeZone", "lock_timeout", "statement_timeout")
        }

    assert found == {
        "application_name": ("product_etl run/main",),
        "TimeZone": ("UTC",),
        "lock_timeout": ("7s",),
        "statement_timeout": ("8s",),
    }
    assert connection.closed


def test_a_wrong_password_is_refused_and_not_shown(warehouse_dsn: str) -> None:
    dsn = warehouse_dsn.replace(password_of(warehouse_dsn), "not-the-password")

    with pytest.raises(AccessDeniedError, match=r"password.*ozon_warehouse") as refused:
        use(dsn)

    assert "not-the-password" not in str(refused.value)


@pytest.mark.parametrize(
    ("part", "wrong", "error", "sentence"),
    [
        (r"//ozon:", "//nobody:", AccessDeniedError, "ozon_warehouse"),
        (r"/[^/]+$", "/nowhere", AccessDeniedError, r'"nowhere" does not exist.*ozon_warehouse'),
        (r":\d+/", ":1/", WarehouseUnavailableError, "host and port of connection ozon_warehouse"),
        (r"127\.0\.0\.1", "warehouse.invalid", WarehouseUnavailableError, "host and port"),
    ],
)
def test_a_wrong_part_of_the_address_is_named(
    warehouse_dsn: str, part: str, wrong: str, error: type[OzonError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        use(re.sub(part, wrong, warehouse_dsn))


# The messages of PostgreSQL 15 to 18 in Russian (ru.po), and of PgBouncer in English; those that a retry cannot
# solve are fatal.
SERVER_MESSAGES: dict[str, tuple[str, type[OzonError], str]] = {
    'пользователь "ozon" не прошёл проверку подлинности (по паролю)': ("28P01", AccessDeniedError, "login"),
    'пользователь "ozon" не прошёл проверку подлинности (Ident)': ("28000", AccessDeniedError, "login and password"),
    'в pg_hba.conf нет записи для компьютера "::1", пользователя "ozon", базы "ozon_warehouse", без шифрования': (
        "28000", AccessDeniedError, "login and password",
    ),
    'pg_hba.conf отвергает подключение: компьютер "::1", пользователь "ozon", база данных "w", без шифрования': (
        "28000", AccessDeniedError, "login and password",
    ),
    'для роли "ozon" вход запрещён': ("28000", AccessDeniedError, "login and password"),
    'доступ к базе "ozon_warehouse" запрещён': ("42501", AccessDeniedError, "login and password"),
    'нет доступа к базе данных ozon_warehouse': ("42501", AccessDeniedError, "login and password"),
    'база данных "ozon_warehouse" не существует': ("3D000", AccessDeniedError, "database or role is missing"),
    'роль "ozon" не существует': ("28000", AccessDeniedError, "database or role is missing"),
    "извините, уже слишком много клиентов": ("53300", WarehouseUnavailableError, "run out of"),
    'слишком много подключений к БД "ozon_warehouse"': ("53300", WarehouseUnavailableError, "run out of"),
    'слишком много подключений для роли "ozon"': ("53300", WarehouseUnavailableError, "run out of"),
    "оставшиеся слоты подключений зарезервированы для подключений суперпользователя (не для репликации)": (
        "53300", WarehouseUnavailableError, "run out of",
    ),
    "система баз данных запускается": ("57P03", WarehouseUnavailableError, "cannot be reached"),
    'база "ozon_warehouse" не принимает подключения в данный момент': (
        "55000", WarehouseUnavailableError, "cannot be reached",
    ),
    "password authentication failed": ("08P01", AccessDeniedError, "login and password"),
    "no such user: ozon": ("08P01", AccessDeniedError, "login and password"),
    "no such database: ozon_warehouse": ("08P01", AccessDeniedError, "database or role is missing"),
    "no more connections allowed (max_client_conn)": ("08P01", WarehouseUnavailableError, "run out of"),
}  # fmt: skip


# A server on a Russian Windows uses its own code page before it knows the session's database.
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize("words", SERVER_MESSAGES)
def test_a_refusal_is_recognized_in_the_servers_language(words: str, encoding: str) -> None:
    sqlstate, expected, sentence = SERVER_MESSAGES[words]

    with refusing_server(words, sqlstate, encoding) as dsn, pytest.raises(expected, match=sentence) as refused:
        use(dsn)

    assert words in str(refused.value)


def test_a_refusal_in_an_unknown_language_is_retriable_and_quoted() -> None:
    words = "用户 “ozon” Password 认证失败"
    with refusing_server(words, "28P01") as dsn, pytest.raises(WarehouseUnavailableError, match=words):
        use(dsn)


@pytest.mark.parametrize("condition", ["disk_full", "out_of_memory", "too_many_connections", "insufficient_resources"])
def test_a_server_without_resources_reports_which(warehouse_dsn: str, condition: str) -> None:
    with pytest.raises(WarehouseUnavailableError, match=rf"run out of disk, memory or connections.*{condition}"):
        use(warehouse_dsn, f"DO $$ BEGIN RAISE {condition}; END $$")


def test_a_database_without_free_connections_reports_that(postgres: EmbeddedPostgres, warehouse_dsn: str) -> None:
    name = urlsplit(warehouse_dsn).path[1:]
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 1").format(sql.Identifier(name)))
    with (
        psycopg.connect(warehouse_dsn),
        pytest.raises(WarehouseUnavailableError, match=r"run out of .* connections \(.*too many connections"),
    ):
        use(warehouse_dsn)


def test_a_read_only_database_is_refused(warehouse_dsn: str) -> None:
    database = sql.Identifier(urlsplit(warehouse_dsn).path[1:])
    with psycopg.connect(warehouse_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database))

    with pytest.raises(AccessDeniedError, match=r"does not allow this.*standby"):
        use(warehouse_dsn)
    with pytest.raises(AccessDeniedError, match="does not allow this"):
        schema.downgrade(partial(psycopg.connect, warehouse_dsn), "base")


def test_a_role_that_may_only_read_is_refused(reader_dsn: str) -> None:
    use(reader_dsn, "SELECT count(*) FROM ozon.products")

    with pytest.raises(AccessDeniedError, match=r"permission denied.*ozon_loader to load and of ozon_owner to migrate"):
        use(reader_dsn)


def test_a_role_that_may_not_make_schemas_cannot_migrate(reader_dsn: str, empty_database_dsn: str) -> None:
    dsn = reader_dsn.replace(urlsplit(reader_dsn).path, urlsplit(empty_database_dsn).path)

    with pytest.raises(AccessDeniedError, match="permission denied"):
        schema.upgrade(partial(psycopg.connect, dsn))


@pytest.mark.parametrize("statement", ["SELECT FROM ozon.not_there", "SELECT not_there FROM ozon.products"])
def test_a_missing_table_is_reported_with_the_command(warehouse_dsn: str, statement: str) -> None:
    with pytest.raises(SchemaError, match="Run `ozon db upgrade`"):
        use(warehouse_dsn, statement)


def test_a_statement_that_takes_too_long_names_its_setting(warehouse_dsn: str) -> None:
    with pytest.raises(WarehouseUnavailableError, match="statement_timeout_seconds"):
        use(warehouse_dsn, "SELECT pg_sleep(30)", statement_timeout_seconds=1)


def test_a_lock_that_is_not_granted_names_its_setting(warehouse_dsn: str) -> None:
    with psycopg.connect(warehouse_dsn) as somebody:
        somebody.execute("LOCK TABLE ozon.fbo_stock_requests")

        with pytest.raises(WarehouseUnavailableError, match="lock_timeout_seconds"):
            use(warehouse_dsn, lock_timeout_seconds=1)


def test_a_deadlock_is_retriable_with_its_own_message(warehouse_dsn: str, postgres: EmbeddedPostgres) -> None:
    connect = partial(psycopg.connect, warehouse_dsn)
    superuser = postgres.dsn(urlsplit(warehouse_dsn).path[1:], SUPERUSER)
    has_inventory = Event()
    with psycopg.connect(superuser) as somebody, ThreadPoolExecutor(1) as thread:
        # PostgreSQL ends the session whose deadlock_timeout passes first: the load's.
        somebody.execute("SET deadlock_timeout = '1min'")
        somebody.execute("LOCK TABLE ozon.products")

        def load() -> None:
            with open_session(connect, WarehouseSettings(), "a test") as connection, connection.transaction():
                connection.execute("LOCK TABLE ozon.inventory")
                has_inventory.set()
                while not connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
                    pass
                connection.execute("LOCK TABLE ozon.products")

        loading = thread.submit(load)
        assert has_inventory.wait(10)
        somebody.execute("LOCK TABLE ozon.inventory")
        with pytest.raises(WarehouseUnavailableError, match="blocked each other") as failed:
            loading.result()
    assert "host and port" not in str(failed.value)


def test_a_serialization_failure_is_retriable_with_its_own_message(warehouse_dsn: str) -> None:
    use(warehouse_dsn)
    change = "UPDATE ozon.fbo_stock_requests SET asked_at = now()"

    def load() -> None:
        connect = partial(psycopg.connect, warehouse_dsn)
        with open_session(connect, WarehouseSettings(), "a test") as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            connection.execute("SELECT count(*) FROM ozon.fbo_stock_requests")
            use(warehouse_dsn, change)
            connection.execute(change.encode())

    with pytest.raises(WarehouseUnavailableError, match="changed the same rows") as failed:
        load()
    assert "host and port" not in str(failed.value)


def test_a_transaction_that_the_server_ends_is_retriable(warehouse_dsn: str) -> None:
    def load() -> None:
        connect = partial(psycopg.connect, warehouse_dsn)
        with open_session(connect, WarehouseSettings(), "a test") as connection, connection.transaction():
            connection.execute("SET idle_in_transaction_session_timeout = '10ms'")
            time.sleep(0.2)
            connection.execute("SELECT 1")

    with pytest.raises(WarehouseUnavailableError, match="dropped the connection"):
        load()


def test_a_lost_connection_is_retriable(warehouse_dsn: str) -> None:
    cut = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(WarehouseUnavailableError, match="dropped the connection"):
        use(warehouse_dsn, cut)


def test_a_session_that_ends_with_an_error_is_closed_and_its_statement_cancelled(warehouse_dsn: str) -> None:
    connect = partial(psycopg.connect, warehouse_dsn)
    with connect(autocommit=True) as watching, ThreadPoolExecutor(1) as thread:

        def end() -> None:
            with open_session(connect, WarehouseSettings(), "a test") as connection:
                thread.submit(connection.execute, "SELECT pg_sleep(60)")
                while not watching.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").rowcount:
                    pass
                raise OzonError("ours")

        with pytest.raises(OzonError, match="ours"):
            end()
        while watching.execute("SELECT FROM pg_stat_activity WHERE application_name = 'a test'").rowcount:
            pass


def test_an_error_of_the_program_is_not_taken_for_one_of_the_warehouse(warehouse_dsn: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        use(warehouse_dsn, f"{WRITE}; {WRITE}")
