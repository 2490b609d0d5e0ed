from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import global_environment
from engine.global_environment import GlobalEnvironment
from engine.model.errors import Code, TemplateInvalid
from engine.template import aliases, registry
from engine.template.environment import Environment
from engine.template.source import Limits

HOT = "heat_template_version: 2021-04-16\n"


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return directory


def problems_of(directory: Path, **options: Any) -> list[tuple[str, str, int | None, str]]:
    """Return name of the file, path, line and text of every problem."""
    with pytest.raises(TemplateInvalid) as caught:
        global_environment.load(directory, **options)
    assert caught.value.code is Code.INVALID_GLOBAL_RESOURCE
    assert {one.code for one in caught.value.problems} == {Code.INVALID_GLOBAL_RESOURCE}
    return [(Path(one.source).name, one.where(), one.line, one.summary) for one in caught.value.problems]


def test_where_there_is_no_directory_nothing_is_said(tmp_path: Path) -> None:
    assert global_environment.load(tmp_path / "none") == GlobalEnvironment()


def test_an_empty_directory_says_nothing(tmp_path: Path) -> None:
    assert global_environment.load(tmp_path) == global_environment.NOTHING


def test_files_are_laid_over_each_other_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        b="resource_registry: {A: three, My::*: null}",
        a__yaml="resource_registry: {A: one, B: two, My::X: x, resources: {web: {A: web}}}",
        c="resource_registry: {My::Y: y, resources: {db: {A: db}}}\nparameters: {}",
        __hidden="nonsense: [",
        empty="",
    )
    (tmp_path / "directory").mkdir()

    assert global_environment.load(tmp_path).registry == {
        "A": "three",
        "B": "two",
        "My::*": None,
        "My::Y": "y",
        "resources": {"web": {"A": "web"}, "db": {"A": "db"}},
    }


def test_types_are_removed_by_null(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {Real::One: null, Real::Two: x}", b="resource_registry: {Real::Two: null}")
    found = global_environment.load(tmp_path).registry

    assert [aliases.is_removed(found, name) for name in ("Real::One", "Real::Two", "Real::Three")] == [
        True,
        True,
        False,
    ]


def test_templates_are_read_from_beside_the_file_and_from_their_directory(tmp_path: Path) -> None:
    templates = write(tmp_path / "templates", x__yaml=HOT + "# far", y__template=HOT)
    directory = write(
        tmp_path / "environment.d",
        x__yaml="resource_registry: {}",
        main="resource_registry: {A: x.yaml, B: y.template, resources: {web: {A: ../templates/x.yaml}}}",
    )
    (directory / "x.yaml").write_text("resource_registry: {}", encoding="utf-8")
    with pytest.raises(TemplateInvalid):  # what stands beside the file comes first, and is no template here
        global_environment.load(directory, templates)
    (directory / "x.yaml").unlink()
    x, y = (templates / "x.yaml").as_uri(), (templates / "y.template").as_uri()

    assert global_environment.load(directory, templates) == GlobalEnvironment(
        {"A": x, "B": y, "resources": {"web": {"A": x}}}, {x: HOT + "# far", y: HOT}
    )


def test_templates_are_read_by_their_url(tmp_path: Path) -> None:
    template = tmp_path / "with a blank.yaml"
    template.write_text(HOT, encoding="utf-8")
    url = template.as_uri()
    directory = write(tmp_path / "d", a=f"resource_registry: {{A: '{url}', B: 'file://localhost{url[7:]}'}}")

    assert url.endswith("with%20a%20blank.yaml")
    assert global_environment.load(directory) == GlobalEnvironment({"A": url, "B": url}, {url: HOT})


def test_the_name_of_a_template_does_not_follow_links(tmp_path: Path) -> None:
    """Mounted configuration is often a link to a directory whose name changes with its content."""
    write(tmp_path / "v1", a="resource_registry: {A: x.yaml}")
    write(tmp_path / "templates-v1", x__yaml=HOT)
    (tmp_path / "environment.d").symlink_to(tmp_path / "v1")
    (tmp_path / "templates").symlink_to(tmp_path / "templates-v1")
    found = global_environment.load(tmp_path / "environment.d", tmp_path / "templates")

    assert list(found.files) == [(tmp_path / "templates" / "x.yaml").as_uri()]


def test_templates_that_a_later_file_replaces_are_not_kept(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {A: x.yaml, B: x.yaml}", b="resource_registry: {A: null, B: C}")
    write(tmp_path / "templates", x__yaml=HOT)

    assert global_environment.load(tmp_path, tmp_path / "templates").files == {}


def test_what_stands_after_a_null_keeps_its_place(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {A1: x.yaml, A*: null, A2: x.yaml}")
    write(tmp_path / "templates", x__yaml=HOT)

    assert list(global_environment.load(tmp_path, tmp_path / "templates").registry) == ["A*", "A2"]


REGISTRY = "environment.resource_registry"


@pytest.mark.parametrize(
    ("text", "path", "line", "expected"),
    [
        pytest.param("a: [", "", 1, "not YAML", id="syntax"),
        pytest.param("\nfoo: {}", "environment.foo", 2, "is not a section", id="section"),
        pytest.param("parameters: {a: 1}", "environment.parameters", 1, "nothing else", id="parameters"),
        pytest.param("\nparameter_defaults: {a: 1}", "environment.parameter_defaults", 2, "leave", id="defaults"),
        pytest.param("event_sinks: [{type: x}]", "environment.event_sinks", 1, "nothing else", id="sinks"),
        pytest.param(
            "resource_registry:\n  resources:\n    web:\n      hooks: pre-create",
            f"{REGISTRY}.resources.web.hooks",
            4,
            "a matter of stacks",
            id="hooks",
        ),
        pytest.param(
            "resource_registry:\n  resources:\n    web:\n      in: {A: B}",
            f"{REGISTRY}.resources.web.in",
            4,
            "can't reach into nested ones",
            id="inner",
        ),
        pytest.param("resource_registry:\n  A: http://host/x.yaml", f"{REGISTRY}.A", 2, "is not fetched", id="fetched"),
        pytest.param(
            "resource_registry:\n  A: swift://host/x.yaml", f"{REGISTRY}.A", 2, "write file:///", id="other scheme"
        ),
        pytest.param(
            "resource_registry:\n  A: file://x.yaml",
            f"{REGISTRY}.A",
            2,
            "has to begin with file:///",
            id="relative URL",
        ),
        pytest.param(
            "resource_registry:\n  resources:\n    web:\n      A: none.yaml",
            f"{REGISTRY}.resources.web.A",
            4,
            "none.yaml can't be read: No such file",
            id="no template",
        ),
    ],
)
def test_a_file_that_is_wrong_stops_the_start(tmp_path: Path, text: str, path: str, line: int, expected: str) -> None:
    write(tmp_path, a=text)
    (found,) = problems_of(tmp_path)

    assert found[:3] == ("a", path, line)
    assert expected in found[3]


def test_problems_of_all_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, a="parameters: {a: 1}", b="foo: {}", c="resource_registry: {A: x.yaml}")
    (tmp_path / "d").write_bytes(b"\xff")

    assert [(found[0], found[1]) for found in problems_of(tmp_path)] == [
        ("a", "environment.parameters"),
        ("b", "environment.foo"),
        ("c", f"{REGISTRY}.A"),
        ("d", ""),
    ]


def test_templates_that_are_wrong_are_told_once_with_their_lines(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {A: x.yaml, B: x.yaml, C: y.yaml}")
    templates = write(tmp_path / "templates", x__yaml=HOT + "resources:\n  a: {}\n", y__yaml="no: version")
    found = problems_of(tmp_path, templates=templates)

    assert [(name, path, line) for name, path, line, _ in found] == [
        ("x.yaml", "resources.a.type", 3),
        ("y.yaml", "", None),
    ]


def test_a_text_over_the_limit_is_told(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {A: B}")

    assert "at most 10 are allowed" in problems_of(tmp_path, limits=Limits(max_size=10))[0][3]


def test_a_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, file="")

    assert problems_of(tmp_path / "file") == [("file", "", None, "the directory can't be read: Not a directory")]


def test_types_are_found_in_what_was_loaded(tmp_path: Path) -> None:
    write(tmp_path, a="resource_registry: {My::Server: .x.yaml, Old::*: Real::*}", __x__yaml=HOT)
    found = global_environment.load(tmp_path)
    search = registry.search_of(Environment(), is_known={"Real::One"}.__contains__, operator=found.registry)
    names = [registry.resolve_type(search, "web", name) for name in ("My::Server", "Old::One", "Old::Two")]

    assert names == [(tmp_path / ".x.yaml").as_uri(), "Real::One", "Old::Two"]
    assert names[0] in found.files
