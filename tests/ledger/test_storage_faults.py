"""What Azure Table Storage and the way to it can do wrong, and what the ledger says then."""

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from ledger.errors import LedgerUnavailable
from ledger.storage_account import Identity, SharedAccessSignature, StorageAccount
from ledger.storage_client import Timeouts
from ledger.storage_table import StorageTable
from ledger.table import (
    Comparison,
    Condition,
    Delete,
    Insert,
    Key,
    Merge,
    Query,
    Replace,
    RowChanged,
    RowExists,
)
from tests.ledger.azurite import ACCOUNT_NAME, KEY, emulated
from tests.ledger.storage_stand_in import (
    Answer,
    StandIn,
    closes,
    cut_off,
    is_silent,
    multipart,
    never_ends,
    part_refuses,
    refuses,
    says,
    stand_in,
)

SHORT = Timeouts(connect=1.0, read=0.3, call=0.6, query=0.6)
A = Key("runs", "a")
ETAG = "W/\"datetime'2026-01-31T12%3A00%3A00.0000000Z'\""
ALL = Query("runs", "", "~", 10)

Call = Callable[[StorageTable], Awaitable[object]]
WRITES: dict[str, Call] = {
    "insert": lambda table: table.write(Insert(A, {"name": "one"})),
    "replace": lambda table: table.write(Replace(A, {"name": "one"}, ETAG)),
    "merge": lambda table: table.write(Merge(A, {"name": "one"})),
    "delete": lambda table: table.write(Delete(A)),
    "several": lambda table: table.write(Insert(A, {}), Delete(Key("runs", "b"))),
}
READS: dict[str, Call] = {"read": lambda table: table.read(A), "rows": lambda table: table.rows(ALL)}
CALLS = {**WRITES, **READS}

written = multipart(
    "--batchresponse_b\r\nContent-Type: multipart/mixed; boundary=changesetresponse_c\r\n\r\n"
    "--changesetresponse_c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    'HTTP/1.1 204 No Content\r\nETag: W/"1"\r\n\r\n\r\n--changesetresponse_c--\r\n--batchresponse_b--\r\n'
)
created = says(201, {"TableName": "RunsLedger"})


@pytest.fixture
async def service() -> AsyncIterator[StandIn]:
    async with stand_in() as server:
        yield server


@pytest.fixture
async def table(service: StandIn) -> AsyncIterator[StorageTable]:
    opened = StorageTable(emulated(service.port), "RunsLedger", SHORT)
    yield opened
    await opened.close()


async def failure(table: StorageTable, call: Call) -> LedgerUnavailable:
    """The failure of the call, whose texts are free of secrets."""
    with pytest.raises(LedgerUnavailable) as raised:
        await call(table)
    error = raised.value
    assert error.retryable
    shown = "".join(traceback.format_exception(error))
    assert KEY not in shown
    assert "SharedKey" not in shown
    return error


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_missing_role_is_named(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [refuses(403, "AuthorizationPermissionMismatch", x_ms_request_id="7-7")]
    error = await failure(table, call)
    assert error.message == (
        "The ledger of runs is not available: table RunsLedger of storage account devstoreaccount1 answered 403"
        " AuthorizationPermissionMismatch (request 7-7): the app's identity needs the role"
        " Storage Table Data Contributor on the account."
    )
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_the_network_rules_are_named(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [refuses(403, "AuthorizationFailure")]
    assert "network rules" in (await failure(table, call)).message


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_signature_that_the_service_quotes_is_not_shown(
    service: StandIn, table: StorageTable, call: Call
) -> None:
    async def quotes(request: web.Request) -> web.StreamResponse:
        signed = request.headers["Authorization"]
        return await refuses(403, "AuthenticationFailed", f"The MAC signature '{signed}' differs")(request)

    service.answers = [quotes]
    error = await failure(table, call)
    assert "does not accept the key" in error.message
    [sent] = service.authorizations
    scheme, _, signature = sent.rpartition(":")
    assert scheme == f"SharedKey {ACCOUNT_NAME}"
    assert signature not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_busy_service_says_when_to_come_back(
    service: StandIn, table: StorageTable, call: Call, status: int
) -> None:
    service.answers = [refuses(status, "ServerBusy", Retry_After="7")]
    error = await failure(table, call)
    assert f"answered {status} ServerBusy" in error.message
    assert error.retry_after == 7
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
async def test_a_busy_service_in_a_transaction(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [part_refuses(503, "ServerBusy")]
    assert "answered 503 ServerBusy" in (await failure(table, call)).message
    assert len(service.requests) == 1


UNREADABLE: dict[str, Answer] = {
    "500 without a body": says(500, b""),
    "500 with a page": says(500, b"<html>down</html>"),
    "500 with a list": says(500, []),
    "404 with a page": says(404, b"<html>not here</html>"),
    "409 without a body": says(409, b""),
    "412 with a number": says(412, 5),
    "error that is a text": says(400, {"odata.error": "no"}),
    "200 with a page": says(200, b"<html>sign in</html>"),
    "200 with a list": says(200, []),
    "200 without a body": says(200, b""),
    "200 with another value": says(200, {"value": 5}),
    "202 with a page": says(202, b"<html>sign in</html>"),
    "202 without parts": multipart("nothing"),
    "202 with a part cut off": multipart("--batchresponse_b\r\nContent-Type: multipart/mixed"),
    "204": says(204, b""),
    "redirect": says(307, b"", Location="http://127.0.0.1:9/elsewhere"),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_answer_that_says_nothing(
    service: StandIn, table: StorageTable, call: Call, answer: Answer
) -> None:
    service.answers = [answer]
    await failure(table, call)
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_lost_answer_of_a_new_connection(service: StandIn, table: StorageTable, call: Call) -> None:
    """aiohttp itself sends a GET again, which does no harm."""
    service.answers = [closes]
    assert "gave no answer" in (await failure(table, call)).message
    assert len(service.requests) == (1 if call in WRITES.values() else 2)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_answer_that_is_cut_off(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [cut_off]
    await failure(table, call)
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
async def test_a_lost_answer_of_a_connection_in_use(
    service: StandIn, table: StorageTable, call: Call
) -> None:
    service.answers = [written, closes]
    await table.write(Insert(A, {}))
    await failure(table, call)
    assert len(service.requests) == 2


@pytest.mark.parametrize("answer", [is_silent, never_ends])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_answer_that_does_not_come_to_an_end(
    service: StandIn, table: StorageTable, call: Call, answer: Answer
) -> None:
    service.answers = [answer]
    assert "gave no answer" in (await failure(table, call)).message
    assert len(service.requests) == 1


async def test_a_service_that_is_not_there() -> None:
    async with stand_in() as server:
        pass
    table = StorageTable(emulated(server.port), "RunsLedger", SHORT)
    for call in CALLS.values():
        assert f"Cannot connect to host 127.0.0.1:{server.port}" in (await failure(table, call)).message
    await table.close()


ROW = {"odata.etag": ETAG, "PartitionKey": "runs", "RowKey": "a", "name": "one"}


@pytest.mark.parametrize(
    "creation", [created, refuses(409, "TableAlreadyExists")], ids=["created", "by others"]
)
@pytest.mark.parametrize("missing", [refuses(404, "TableNotFound"), part_refuses(404, "TableNotFound")])
async def test_a_missing_table_is_created_for_a_write(
    service: StandIn, table: StorageTable, creation: Answer, missing: Answer
) -> None:
    service.answers = [missing, creation, written]
    await table.write(Insert(A, {"name": "one"}))
    assert service.requests == ["POST $batch", "POST Tables", "POST $batch"]
    assert '"TableName": "RunsLedger"' in service.bodies[1]


@pytest.mark.parametrize(
    "creation", [created, refuses(409, "TableAlreadyExists")], ids=["created", "by others"]
)
async def test_a_missing_table_is_created_for_a_read(
    service: StandIn, table: StorageTable, creation: Answer
) -> None:
    service.answers = [refuses(404, "TableNotFound"), creation, says(200, ROW)]
    row = await table.read(A)
    assert row is not None
    assert (row.values, row.etag) == ({"name": "one"}, ETAG)
    service.answers = [refuses(404, "TableNotFound"), creation, says(200, {"value": [ROW]})]
    assert await table.rows(ALL) == [row]
    assert len(service.requests) == 6


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_table_that_stays_missing(service: StandIn, table: StorageTable, call: Call) -> None:
    missing = refuses(404, "TableNotFound")
    service.answers = [missing, created, missing]
    assert "answered 404 TableNotFound" in (await failure(table, call)).message
    assert len(service.requests) == 3


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_table_that_is_being_deleted(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [refuses(404, "TableNotFound"), refuses(409, "TableBeingDeleted")]
    assert "the table is being deleted" in (await failure(table, call)).message
    assert len(service.requests) == 2


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_table_that_may_not_be_created(service: StandIn, table: StorageTable, call: Call) -> None:
    service.answers = [refuses(404, "TableNotFound"), refuses(403, "AuthorizationPermissionMismatch")]
    assert "Storage Table Data Contributor" in (await failure(table, call)).message


async def test_a_conflict_is_no_failure(service: StandIn, table: StorageTable) -> None:
    """As the service words it; the emulator's words may differ."""
    service.answers = [part_refuses(409, "EntityAlreadyExists")]
    with pytest.raises(RowExists):
        await table.write(Insert(A, {}))
    for status, code in ((412, "UpdateConditionNotSatisfied"), (404, "ResourceNotFound")):
        service.answers = [part_refuses(status, code)]
        with pytest.raises(RowChanged):
            await table.write(Replace(A, {}, ETAG))
    service.answers = [refuses(404, "ResourceNotFound")]
    assert await table.read(A) is None


def page(*rows: str, more: bool) -> Answer:
    found = [{"odata.etag": ETAG, "PartitionKey": "runs", "RowKey": row, "name": None} for row in rows]
    place = {"x_ms_continuation_NextPartitionKey": "1!8!cnVucw--", "x_ms_continuation_NextRowKey": "1!4!YQ--"}
    return says(200, {"value": found}, **(place if more else {}))


async def test_pages_without_rows_are_not_the_end(service: StandIn, table: StorageTable) -> None:
    empty = page(more=True)
    service.answers = [*[empty] * 40, page("a", more=True), *[empty] * 3, page("b", more=False)]
    rows = await table.rows(replace(ALL, conditions=(Condition("name", Comparison.EQUAL, ("one",)),)))
    assert [row.key.row for row in rows] == ["a", "b"]
    assert len(service.requests) == 45


async def test_no_page_is_asked_for_after_the_last_row_that_is_needed(
    service: StandIn, table: StorageTable
) -> None:
    service.answers = [page("a", more=True), page("b", "c", more=True), page("d", more=True)]
    rows = await table.rows(replace(ALL, top=3))
    assert [row.key.row for row in rows] == ["a", "b", "c"]
    assert len(service.requests) == 2


async def test_a_selected_value_that_the_row_does_not_have_is_null(
    service: StandIn, table: StorageTable
) -> None:
    service.answers = [page("a", more=False)]
    [row] = await table.rows(replace(ALL, names=("name",)))
    assert row.values == {}


async def test_a_failure_on_a_later_page(service: StandIn, table: StorageTable) -> None:
    service.answers = [page("a", more=True), refuses(503, "ServerBusy", Retry_After="2")]
    assert (await failure(table, READS["rows"])).retry_after == 2


@pytest.mark.parametrize(
    "answer", [closes, refuses(403, "AuthenticationFailed"), refuses(500, "InternalError")]
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_shared_access_signature_is_not_shown(service: StandIn, call: Call, answer: Answer) -> None:
    signature = "sv=2024-11-04&ss=t&sig=c2VjcmV0"
    account = replace(emulated(service.port), credential=SharedAccessSignature(signature))
    table = StorageTable(account, "RunsLedger", SHORT)
    service.answers = [answer]
    error = await failure(table, call)
    await table.close()
    assert "c2VjcmV0" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_identity_that_gets_no_token(
    service: StandIn, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is asked for first, so the storage itself may be anywhere."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{service.port}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "c2VjcmV0")
    service.answers = [says(400, {"statusCode": 400, "message": "No such identity"})]
    account = _with(Identity(managed=True, client_id="1-1"))
    table = StorageTable(account, "RunsLedger", replace(SHORT, call=5, query=5))
    error = await failure(table, call)
    await table.close()
    assert "no token for storage account ledgers. The identity library says: " in error.message
    assert "c2VjcmV0" not in "".join(traceback.format_exception(error))
    assert service.requests == ["GET token"]


async def test_a_token_is_for_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    async def gives_token(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        token = {
            "access_token": "c2VjcmV0",
            "expires_on": "4102444800",
            "resource": request.query["resource"],
        }
        return await says(200, token)(request)

    async with stand_in() as elsewhere:
        pass
    async with stand_in() as service:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{service.port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        service.answers = [gives_token]
        account = replace(
            emulated(elsewhere.port, "https"), credential=Identity(managed=True, client_id="1-1")
        )
        table = StorageTable(account, "RunsLedger", replace(SHORT, call=5))
        for _ in range(2):
            error = await failure(table, WRITES["insert"])
            assert f"Cannot connect to host 127.0.0.1:{elsewhere.port}" in error.message
        await table.close()
    [query] = asked
    assert query["resource"] == "https://storage.azure.com"
    assert query["client_id"] == "1-1"


async def test_no_identity_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    table = StorageTable(_with(Identity(managed=False, client_id=None)), "RunsLedger", replace(SHORT, call=5))
    error = await failure(table, READS["read"])
    await table.close()
    assert "no token for storage account ledgers. The identity library says: " in error.message
    assert "EnvironmentCredential" in error.message


def _with(identity: Identity) -> StorageAccount:
    return StorageAccount("ledgers", "https://ledgers.table.example", identity)
