"""ARM: the job as recorded there, listing with pages and filters, cancel as a long-running operation."""

import pytest

from tests.local.azure_ml.api import API_VERSION, SAMPLES, Api


def test_a_job_looks_as_recorded(api: Api) -> None:
    job = api.started(deployment="noop", output="azureml://datastores/workspaceblobstore/paths/arm.csv")
    answer = api.arm_get(job)
    body = answer.json()
    properties = body["properties"]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert body["id"] == f"{api.info.workspace_resource_id}/jobs/{job}"
    assert body["type"] == "Microsoft.MachineLearningServices/workspaces/jobs"
    assert properties["description"] == "Pipeline submission for endpoint: local-endpoint, deployment: noop."
    assert properties["experimentName"] == "local-endpoint"
    assert properties["jobType"] == "Pipeline"
    assert properties["isArchived"] is False
    nulls = ("inputs", "outputs", "jobs", "settings", "computeId", "identity", "componentId", "sourceJobId")
    assert {properties[name] for name in nulls} == {None}
    assert properties["tags"] == {"azureml.batchrun": "true", "azureml.deploymentname": "noop"}
    assert set(properties["services"]["Studio"]) == {
        "jobServiceType",
        "port",
        "endpoint",
        "status",
        "errorMessage",
        "properties",
        "nodes",
    }
    assert body["systemData"]["createdByType"] == "Application"
    assert properties["displayName"] == api.get_job(job).json()["properties"]["name"]


def test_list_is_paged_newest_first_and_stable(start_service, api_of) -> None:
    api = api_of(start_service(page_size=2))
    first = [api.started(deployment="noop") for _ in range(5)]
    page = api.list_jobs(jobType="Pipeline", listViewType="All")
    seen = [job["name"] for job in page.json()["value"]]
    api.started(deployment="noop")
    while "nextLink" in page.json():
        assert "%24skip=" in page.json()["nextLink"]
        assert "jobType=Pipeline" in page.json()["nextLink"]
        page = api.follow(page.json()["nextLink"])
        assert len(page.json()["value"]) <= 2
        seen += [job["name"] for job in page.json()["value"]]
    assert seen == first[::-1]
    assert api.list_jobs(**{"$skip": "bm9ib2R5"}).status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"plain", "component"}),
        ({"jobType": "pipeline"}, {"plain", "component"}),
        ({"jobType": "Command"}, set()),
        ({"listViewType": "ArchivedOnly"}, set()),
        ({"tag": "azureml.batchrun"}, {"plain", "component"}),
        ({"tag": "nobody"}, set()),
        ({"properties": "azureml.deploymentname=pipeline"}, {"component"}),
        ({"properties": "azureml.endpointname,runType=HTTP"}, {"component"}),
        ({"properties": "runType"}, {"plain", "component"}),
    ],
)
def test_list_filters(api: Api, query: dict[str, str], found: set[str]) -> None:
    names = {api.started(): "plain", api.started(deployment="pipeline"): "component"}
    listed = [job["name"] for job in api.list_jobs(**query).json()["value"]]
    assert {kind for name, kind in names.items() if name in listed} == found


def test_cancel_is_a_long_running_operation(api: Api) -> None:
    hold = api.control.hold("Preparing")
    requested = api.control.hold("CancelRequested")
    job = api.started()
    answer = api.cancel(job)
    assert (answer.status_code, answer.text) == (202, "null")
    assert answer.headers["Content-Length"] == "4"
    assert answer.headers["x-ms-async-operation-timeout"] == "PT1H"
    assert "Retry-After" not in answer.headers
    location = answer.headers["Location"]
    assert f"/locations/local/mfeOperationResults/jc:b7a0f5de-5c0d-4b55-8a59-3f2f6a3a9c03:{job}" in location

    pending = api.follow(location)
    assert (pending.status_code, pending.text, pending.headers["Location"]) == (202, "{}", location)
    assert api.get_job(job).json()["properties"]["status"] == "CancelRequested"
    assert api.cancel(job).status_code == 202

    api.control.release(requested)
    api.control.wait_for_status(job, "Canceled")
    done = api.follow(location)
    assert (done.status_code, done.text) == (200, "")
    api.control.release(hold)


@pytest.mark.parametrize("phase", ["Finalizing", "Completed"])
def test_cancel_that_comes_too_late(api: Api, phase: str) -> None:
    if phase == "Finalizing":
        api.control.hold("Finalizing")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, phase)
    answer = api.cancel(job)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "UserError")
    assert phase in answer.json()["error"]["message"]


def test_cancel_that_loses_the_race(api: Api) -> None:
    hold = api.control.hold("Running")
    api.control.fault("cancel", "lose_race")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    answer = api.cancel(job)
    assert answer.status_code == 202
    assert api.get_job(job).json()["properties"]["status"] == "CancelRequested"
    assert api.follow(answer.headers["Location"]).status_code == 202
    assert api.cancel(job).status_code == 202
    api.control.release(hold)
    api.control.wait_for_status(job, "Completed")
    assert api.follow(answer.headers["Location"]).status_code == 200


def test_roles_decide_who_may_do_what(api: Api, service, api_of) -> None:
    job = api.started(deployment="noop")
    wrong = api.session.get(
        api.jobs_url(f"/{job}"), params={"api-version": API_VERSION}, headers=api.ml(), timeout=10
    )
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
    assert "WWW-Authenticate" in wrong.headers
    none = api.session.get(api.jobs_url(), params={"api-version": API_VERSION}, timeout=10)
    assert (none.status_code, none.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")

    invoker = api_of(service, "invoker")
    assert invoker.get_job(job).status_code == 200
    refused = invoker.cancel(job)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert invoker.principal.client_id in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("local-workspace", "other", 404, "ResourceNotFound"),
        ("local-rg", "other", 404, "ResourceGroupNotFound"),
        ("2d9a7b44", "11111111", 404, "SubscriptionNotFound"),
        ("/jobs", "/models", 404, "InvalidResourceType"),
        ("2025-12-01", "latest", 400, "MissingApiVersionParameter"),
    ],
)
def test_wrong_addresses(api: Api, old: str, new: str, status: int, code: str) -> None:
    url = f"{api.jobs_url()}?api-version={API_VERSION}".replace(old, new)
    answer = api.follow(url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_paths_are_matched_without_case(api: Api) -> None:
    job = api.started(deployment="noop")
    url = api.jobs_url(f"/{job}").replace("resourceGroups", "resourcegroups").replace("local-rg", "LOCAL-RG")
    assert api.follow(f"{url}?api-version={API_VERSION}").status_code == 200
    unknown = api.arm_get("nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "UserError")


def test_a_data_asset_names_its_latest_version_and_its_versions_are_read(start_service, api_of) -> None:
    api = api_of(start_service(assets={"heart:2": SAMPLES / "data", "heart:10": SAMPLES / "data"}))
    container = api.read_in_workspace("/data/heart").json()
    assert container["properties"]["latestVersion"] == "10"
    version = api.read_in_workspace("/data/heart/versions/2").json()
    assert version["id"] == f"{api.info.workspace_resource_id}/data/heart/versions/2"
    for missing in ("/data/lungs", "/data/heart/versions/3"):
        assert api.read_in_workspace(missing).status_code == 404
    job = api.started(uri=version["id"], deployment="noop")
    api.control.wait_for_status(job, "Completed")
    refused = api.invoke(uri="azureml:heart@latest")
    assert refused.status_code == 400
    assert "dataVersion is invalid" in refused.text


def test_a_datastore_says_in_which_container_it_is(api: Api) -> None:
    properties = api.read_in_workspace("/datastores/demo").json()["properties"]
    assert (properties["datastoreType"], properties["containerName"]) == ("AzureBlob", "demo")
    assert api.read_in_workspace("/datastores/workspaceblobstore").json()["properties"]["isDefault"] is True
    assert api.read_in_workspace("/datastores/nobody").status_code == 404
