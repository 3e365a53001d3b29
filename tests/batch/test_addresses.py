"""Endpoints, workspaces and job names: what is accepted, and what an address becomes."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import CLOUDS, Cloud, EndpointUri, Origin, WorkspaceId, is_job_name
from tests.batch.builders import WORKSPACE_ID, body, parse, refusals, settings

HOST = "scores.westeurope.inference.ml.azure.com"
ALLOWED = f"https://{HOST}/jobs"


@pytest.mark.parametrize(
    "same",
    [
        ALLOWED,
        f"https://{HOST.upper()}/jobs",
        f"HTTPS://{HOST}/jobs",
        f"https://{HOST}:443/jobs",
    ],
)
def test_spellings_of_one_origin_are_equal(same: str) -> None:
    assert EndpointUri.parse(same) == EndpointUri.parse(ALLOWED)
    assert str(EndpointUri.parse(same)) == ALLOWED
    assert not refusals(body(endpoint_uri=same))


OTHER_ORIGINS = [
    f"https://{HOST}.evil.com/jobs",
    f"https://evil-{HOST}/jobs",
    f"https://evil.{HOST}/jobs",
    "https://westeurope.inference.ml.azure.com/jobs",
    "https://scores.northeurope.inference.ml.azure.com/jobs",
    "https://scores.westeurope.inference.ml.azure.us/jobs",
    "https://scores-westeurope.inference.ml.azure.com/jobs",
    f"https://{HOST}:8443/jobs",
    f"https://{HOST}:80/jobs",
    f"https://{HOST.replace('scores', 'xn--scres-jua')}/jobs",
    "https://127.0.0.1/jobs",
    "https://localhost/jobs",
]


@pytest.mark.parametrize("uri", OTHER_ORIGINS)
def test_a_well_formed_uri_of_another_origin_is_not_allowed(uri: str) -> None:
    EndpointUri.parse(uri)
    [error] = refusals(body(endpoint_uri=uri))
    assert error.field == "endpoint_uri"
    assert "ALLOWED_ENDPOINT_ORIGINS" in error.message


NOT_ENDPOINT_URIS = [
    "",
    "/jobs",
    HOST,
    f"https://{HOST}",
    f"https://{HOST}/",
    f"https://{HOST}/score",
    f"https://{HOST}/jobs/",
    f"https://{HOST}/jobs/1",
    f"https://{HOST}//jobs",
    f"https://{HOST}/a/jobs",
    f"https://{HOST}/../jobs",
    f"https://{HOST}/JOBS",
    f"https://{HOST}/job%73",
    f"https://{HOST}/jobs?a=1",
    f"https://{HOST}/jobs#a",
    f"https://{HOST}/jobs;a",
    f"https://{HOST}/jobs/jobs",
    f"https://{HOST}?/jobs",
    f"https://{HOST}#/jobs",
    f"http://{HOST}/jobs",
    f"ftp://{HOST}/jobs",
    f"//{HOST}/jobs",
    f"https:/{HOST}/jobs",
    f"https:{HOST}/jobs",
    f"https:///{HOST}/jobs",
    f"https:\\\\{HOST}/jobs",
    f"https://evil.com\\@{HOST}/jobs",
    f"https://{HOST}\\.evil.com/jobs",
    f"https://user@{HOST}/jobs",
    f"https://user:password@{HOST}/jobs",
    f"https://{HOST}@evil.com/jobs",
    f"https://{HOST}:443@evil.com/jobs",
    f"https://:@{HOST}/jobs",
    f"https://{HOST}./jobs",
    f"https://.{HOST}/jobs",
    f"https://{HOST.replace('.', '..', 1)}/jobs",
    f"https://{HOST}:/jobs",
    f"https://{HOST}:0/jobs",
    f"https://{HOST}:0443/jobs",
    f"https://{HOST}:65536/jobs",
    f"https://{HOST}:443443/jobs",
    f"https://{HOST}:+443/jobs",
    f"https://{HOST}:\u0664\u0664\u0663/jobs",
    f"https://{HOST.replace('s', chr(0x17F), 1)}/jobs",  # a long s, which folds to s
    f"https://{HOST.replace('c', chr(0x441))}/jobs",  # Cyrillic
    f"https://{HOST.replace('.', chr(0x3002))}/jobs",  # an ideographic full stop, which IDNA maps to a dot
    f"https://{HOST.replace('o', chr(0xF6))}/jobs",
    f"https://{HOST.replace('.', '%2e')}/jobs",
    f"https://{HOST}%2f.evil.com/jobs",
    f"https://{HOST}%00/jobs",
    "https://[::1]/jobs",
    "https://-scores/jobs",
    "https://scores-/jobs",
    "https://sco_res/jobs",
    f" https://{HOST}/jobs",
    f"https://{HOST}/jobs ",
    f"https://{HOST}/jobs\n",
    f"https://{HOST}\n/jobs",
    f"https://{HOST}\t/jobs",
    "https://sco\u00adres.westeurope.inference.ml.azure.com/jobs",
    f"https://{HOST}\x00/jobs",
]


OTHER_SPELLINGS = ("", f"https://{HOST}", f"https://{HOST}/", f"https://{HOST}/jobs/")
"""Requests may have them: absent, without the path, and with a slash."""


@pytest.mark.parametrize("uri", NOT_ENDPOINT_URIS)
def test_anything_but_host_port_and_jobs_is_not_an_endpoint_uri(uri: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        EndpointUri.parse(uri)
    if uri not in OTHER_SPELLINGS:
        assert {error.field for error in refusals(body(endpoint_uri=uri))} == {"endpoint_uri"}


@pytest.mark.parametrize("uri", OTHER_SPELLINGS)
def test_a_request_may_spell_the_endpoint_otherwise(uri: str) -> None:
    _, request = parse(body(endpoint_uri=uri))
    assert request.endpoint_uri == ALLOWED


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["https://", "http://", HOST, "evil.com", "/jobs", "@", ":", "443", ".", "\\", "#"]
            ),
            st.text(max_size=3),
        ),
        max_size=6,
    ).map("".join)
)
def test_an_accepted_uri_leads_to_the_allowed_origin_and_nowhere_else(uri: str) -> None:
    if not refusals(body(endpoint_uri=uri)):
        origin = re.sub(r"(/jobs)?/?$", "", uri).casefold().removesuffix(":443")
        assert origin in ("", f"https://{HOST}")


@given(st.from_regex(r"[a-z0-9]{1,5}(\.[a-z0-9]{1,5}){0,3}", fullmatch=True), st.integers(1, 65_535))
def test_an_origin_is_read_back_from_its_text(host: str, port: int) -> None:
    origin = Origin(host, port)
    assert Origin.parse(str(origin)) == origin
    endpoint = EndpointUri(origin)
    assert EndpointUri.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "hostile", ["a" * 60_000 + "!", "a." * 30_000 + "!", "a-" * 30_000, "/jobs" * 12_000]
)
def test_long_hostile_uris_are_refused_at_once(hostile: str) -> None:
    before = time.process_time()
    with pytest.raises(ValueError, match="must be"):
        EndpointUri.parse(f"https://{hostile}/jobs")
    assert time.process_time() - before < 1.0


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (HOST, "scores"),
        ("batch-ept-11a.westus2-main.inference.ml.azure.com", "batch-ept-11a"),
        ("scores.usgovvirginia.inference.ml.azure.us", "scores"),
        ("localhost", None),
        ("scores.inference.ml.azure.com", None),
        (f"{HOST}.evil.com", None),
    ],
)
def test_the_endpoints_name_is_the_first_label_of_azures_hosts(host: str, name: str | None) -> None:
    assert EndpointUri(Origin(host, 443)).endpoint_name == name


def test_the_setting_allows_further_origins_and_no_similar_ones() -> None:
    app = settings(ALLOWED_ENDPOINT_ORIGINS="https://localhost:8443, https://Other.example")
    for uri in ("https://localhost:8443/jobs", "https://other.example:443/jobs", ALLOWED):
        assert not refusals(body(endpoint_uri=uri), app=app)
    for uri in ("https://localhost/jobs", "https://localhost:8444/jobs", "https://x.other.example/jobs"):
        assert refusals(body(endpoint_uri=uri), app=app)


def test_without_a_default_the_endpoint_is_required_and_none_is_allowed() -> None:
    app = settings(BATCH_ENDPOINT_URI="")
    assert "BATCH_ENDPOINT_URI" in refusals(body(), app=app)[0].message
    assert refusals(body(endpoint_uri=ALLOWED), app=app)


def test_the_status_address_is_built_from_the_endpoint() -> None:
    assert EndpointUri.parse(ALLOWED).job("batchjob-1") == f"{ALLOWED}/batchjob-1"


@pytest.mark.parametrize("name", ["jobs", "jobs-daily", "a-jobs", "jobs.jobs"])
def test_an_endpoint_may_be_called_jobs(name: str) -> None:
    uri = f"https://{name}.westeurope.inference.ml.azure.com/jobs"
    assert str(EndpointUri.parse(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        WORKSPACE_ID,
        WORKSPACE_ID.lower(),
        WORKSPACE_ID.replace("/rg/", "/my_group.(test)-1/"),
        WORKSPACE_ID.replace("/ws", "/my_workspace-1"),
    ],
)
def test_the_resource_id_of_a_workspace_is_accepted(text: str) -> None:
    assert str(WorkspaceId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ws",
        WORKSPACE_ID[1:],
        "/" + WORKSPACE_ID,
        WORKSPACE_ID + "/",
        WORKSPACE_ID + "/jobs/a",
        WORKSPACE_ID + "?a=1",
        WORKSPACE_ID + "\n",
        WORKSPACE_ID.replace("/ws", "/"),
        WORKSPACE_ID.replace("/ws", "/.."),
        WORKSPACE_ID.replace("/ws", "/w%2fs"),
        WORKSPACE_ID.replace("/ws", "/w s"),
        WORKSPACE_ID.replace("/ws", "/ws@evil.com"),
        WORKSPACE_ID.replace("/rg/", "/../"),
        WORKSPACE_ID.replace("/rg/", "//"),
        WORKSPACE_ID.replace("MachineLearningServices", "Storage"),
        WORKSPACE_ID.replace("Microsoft.", "MicrosoftX"),
        WORKSPACE_ID.replace("workspaces", "wor\u212aspaces"),
        "https://management.azure.com" + WORKSPACE_ID,
    ],
)
def test_anything_else_is_not_a_workspace_id(text: str) -> None:
    with pytest.raises(ValueError, match="resource id"):
        WorkspaceId.parse(text)


@pytest.mark.parametrize(
    "tail",
    [
        "/jobs/batchjob-1",
        "/batchEndpoints/scores/deployments/blue/jobs/batchjob-1",
        "/batchEndpoints//jobs/pipelinejob-1",
    ],
)
def test_the_workspace_of_a_job_is_the_start_of_its_id(tail: str) -> None:
    assert WorkspaceId.of_resource(WORKSPACE_ID + tail) == WorkspaceId(WORKSPACE_ID)


@pytest.mark.parametrize(
    "resource_id",
    [None, 5, "", WORKSPACE_ID, WORKSPACE_ID + "/", "/evil" + WORKSPACE_ID + "/jobs/a", "/jobs/a", [], {}],
)
def test_an_id_of_another_form_names_no_workspace(resource_id: object) -> None:
    assert WorkspaceId.of_resource(resource_id) is None


@pytest.mark.parametrize(
    "name",
    [
        "batchjob-be9ebb73-277c-4bd4-9d20-e81f35c54099",
        "c808d695-ada5-4d03-bcf7-9b7d6c8a22e6",
        "pipelinejob-1",
        "a",
        "careful_bulb.plwyqfx0",
        "x" * 255,
    ],
)
def test_names_that_the_service_gives_to_jobs_are_accepted(name: str) -> None:
    assert is_job_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a%2fb",
        "a b",
        "a\n",
        "-a",
        "ä",
        "a;b",
        "x" * 256,
        None,
        5,
        ["a"],
    ],
)
def test_a_text_that_must_not_become_a_path_segment_is_not_a_job_name(name: object) -> None:
    assert not is_job_name(name)


@given(st.text(max_size=10))
def test_a_job_name_cannot_change_an_address(name: str) -> None:
    if is_job_name(name):
        assert not set(name) & set("/\\?#%@: \t\r\n")
        assert name not in (".", "..")
        assert name.isascii()


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.arm_host)
def test_only_the_api_of_a_region_keeps_run_history(cloud: Cloud) -> None:
    api = cloud.ml_api_host
    private = f"52882c08-ead2-44aa-af65-08a75cf094bd.workspace.westeurope.{api}"
    for host in (f"westeurope.{api}", private):
        assert cloud.regional_ml_api(host) == Origin(host, 443)
    for host in (
        *(
            private[1:],
            f"a.{private}",
            private.replace(".workspace.", "."),
            private.replace("westeurope.", ""),
        ),
        *(
            api,
            f".{api}",
            f"a.b.{api}",
            f"a-b.{api}",
            f"A.{api}",
            f"westeurope.{api}.",
            f"westeurope.{api}.evil.example",
        ),
        *(
            f"westeurope.x{api}",
            f"westeurope.{api}:443",
            f"evil.example/{api}",
            f"evil@a.{api}",
            f"\u00e4.{api}",
        ),
        *(f"{'a' * 41}.{api}", f"westeurope.{api}\n", "", "evil.example", api.replace(".", "x")),
    ):
        assert cloud.regional_ml_api(host) is None, host
    assert not any(other.regional_ml_api(f"westeurope.{api}") for other in CLOUDS if other is not cloud)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.arm_host)
def test_only_a_storage_account_may_hold_logs(cloud: Cloud) -> None:
    app = settings(AZURE_RESOURCE_MANAGER_URL=f"https://{cloud.arm_host}")
    blob = cloud.blob_suffix
    for host in (f"logs1.{blob}", f"logs1-secondary.{blob}"):
        assert app.may_hold_logs(Origin(host, 443))
        assert not app.may_hold_logs(Origin(host, 8443))
    for host in (
        blob,
        f"lo.{blob}",
        f"a.b.{blob}",
        f"logs1.{blob}.evil.example",
        f"logs1.x{blob}",
        "127.0.0.1",
    ):
        assert not app.may_hold_logs(Origin(host, 443)), host
