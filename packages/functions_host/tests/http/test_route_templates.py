import pytest

from functions_host.http.route_constraints import RouteTemplateError
from functions_host.http.route_templates import parse_route

NO = None


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/jobs", "/api/jobs", {}),
        ("api/jobs", "/API/Jobs/", {}),
        ("api/jobs", "/api/jobs/1", NO),
        ("api/a.b", "/api/axb", NO),
        ("jobs/{id}", "/jobs/A-1", {"id": "A-1"}),
        ("jobs/{id}", "/jobs", NO),
        ("jobs/{id}", "/jobs/1/2", NO),
        ("jobs/{id?}", "/jobs", {}),
        ("jobs/{id?}", "/jobs/1", {"id": "1"}),
        ("jobs/{id=7}", "/jobs", {"id": "7"}),
        ("jobs/{id=7}", "/jobs/8", {"id": "8"}),
        ("files/{*path}", "/files", {}),
        ("files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
        ("files/{**path}", "/files/a/b", {"path": "a/b"}),
        ("{a}-{b}/x", "/1-2/x", {"a": "1", "b": "2"}),
        ("f/{name}.{ext}", "/f/report.csv", {"name": "report", "ext": "csv"}),
        ("{id:int}", "/42", {"id": "42"}),
        ("{id:int}", "/-42", {"id": "-42"}),
        ("{id:int}", "/4x", NO),
        ("{id:int}", "/2147483648", NO),
        ("{id:long}", "/2147483648", {"id": "2147483648"}),
        ("{id:int?}", "/", {}),
        ("{on:bool}", "/TRUE", {"on": "TRUE"}),
        ("{on:bool}", "/yes", NO),
        (
            "{id:guid}",
            "/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            {"id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
        ),
        ("{id:guid}", "/nope", NO),
        ("{day:datetime}", "/2026-01-31", {"day": "2026-01-31"}),
        ("{day:datetime}", "/tomorrow", NO),
        ("{x:double}", "/1.5", {"x": "1.5"}),
        ("{x:decimal}", "/z", NO),
        ("{x:alpha}", "/abC", {"x": "abC"}),
        ("{x:alpha}", "/ab1", NO),
        ("{x:min(18)}", "/17", NO),
        ("{x:min(18)}", "/18", {"x": "18"}),
        ("{x:max(9)}", "/10", NO),
        ("{x:max(9)}", "/x", NO),
        ("{x:range(1,3)}", "/3", {"x": "3"}),
        ("{x:range(1,3)}", "/4", NO),
        ("{x:length(3)}", "/abc", {"x": "abc"}),
        ("{x:length(3)}", "/ab", NO),
        ("{x:length(2,3)}", "/ab", {"x": "ab"}),
        ("{x:minlength(2)}", "/a", NO),
        ("{x:maxlength(2)}", "/abc", NO),
        ("{x:required}", "/a", {"x": "a"}),
        (r"{x:regex(^\d{{3}}-[ab]$)}", "/123-a", {"x": "123-a"}),
        (r"{x:regex(^\d{{3}}-[ab]$)}", "/123-c", NO),
        ("{x:int:min(5)}", "/4", NO),
        ("{x:int:min(5)}", "/5", {"x": "5"}),
    ],
)
def test_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert parse_route(template).match(path) == values


def test_most_specific_first() -> None:
    templates = ["{*rest}", "a/{x}", "a/b", "a/{x:int}", "{z}/b", "{*rest:alpha}"]
    ranked = sorted(templates, key=lambda text: parse_route(text).precedence)
    assert ranked == ["a/b", "a/{x:int}", "a/{x}", "{z}/b", "{*rest:alpha}", "{*rest}"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a/{id", "unbalanced braces"),
        ("a/{}", "is not a route parameter"),
        ("a/{1x}", "is not a route parameter"),
        ("{id}/{id}", "appears twice"),
        ("{id:integer}", "no constraint 'integer'"),
        ("{id:range(1)}", "wrong arguments"),
        ("{id:min(x)}", "wrong arguments"),
        ("{id:regex([)}", "wrong arguments"),
    ],
)
def test_a_wrong_template_is_refused(template: str, reason: str) -> None:
    with pytest.raises(RouteTemplateError, match=reason):
        parse_route(template)
