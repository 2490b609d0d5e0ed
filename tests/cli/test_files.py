from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.cli import files
from engine.cli.exits import Failed


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def test_files_templates_and_what_they_refer_to_are_found_at_any_distance(write) -> None:
    root = write("root.yaml", "resources: {a: {type: sub/inner.yaml}, b: {properties: {x: {get_file: script.sh}}}}")
    write("script.sh", "echo")
    write("sub/inner.yaml", "resources: {c: {properties: {y: [{get_file: note.txt}]}}}")
    write("sub/note.txt", "deep")

    texts = files.collect(root, [], {})

    assert texts.template == root.read_text()
    assert set(texts.files) == {"script.sh", "sub/inner.yaml", "note.txt"}
    assert texts.files["note.txt"] == "deep"


def test_the_registry_of_an_environment_is_followed_and_nothing_else_of_it(write) -> None:
    root = write("root.yaml", "resources: {}")
    environment = write(
        "env/e.yaml",
        "parameters: {file: not-a-file.yaml}\n"
        "resource_registry: {'My::Type': mine.yaml, 'Other::Type': 'OS::Heat::None', resources: {a: {'X::Y': z.yaml}}}",
    )
    write("env/mine.yaml", "resources: {}")
    write("env/z.yaml", "resources: {}")

    texts = files.collect(root, [environment], {})

    assert set(texts.files) == {"mine.yaml", "z.yaml"}
    assert texts.environment == environment.read_text()
    assert texts.environment_files == ()


def test_of_several_environments_the_command_line_has_the_last_word(write) -> None:
    environments = [write("a.yaml", "parameters: {x: 1}"), write("b.yaml", "parameters: {x: 2}")]

    texts = files.collect(None, environments, {"x": "3"})

    assert texts.environment == ""
    assert [yaml.safe_load(texts.files[name])["parameters"]["x"] for name in texts.environment_files] == [1, 2, "3"]


def test_a_missing_file_is_told_with_the_line_that_wants_it(write) -> None:
    root = write("root.yaml", "resources:\n  a:\n    properties:\n      x: {get_file: gone.sh}\n")

    with pytest.raises(Failed, match=r"root.yaml, line 4: gone.sh: No such file"):
        files.collect(root, [], {})


def test_a_type_that_is_no_file_here_is_left_to_the_engine(write) -> None:
    root = write("root.yaml", "resources: {a: {type: mapped-elsewhere.yaml}}")

    assert files.collect(root, [], {}).files == {}


def test_a_file_on_the_web_is_left_to_the_engine(write) -> None:
    root = write("root.yaml", "resources: {a: {x: {get_file: 'https://example.com/x.sh'}}}")

    assert files.collect(root, [], {}).files == {}


def test_one_name_for_two_files_is_refused(write) -> None:
    root = write("root.yaml", "resources: {a: {type: sub/inner.yaml}, b: {x: {get_file: note.txt}}}")
    write("note.txt", "one")
    write("sub/inner.yaml", "resources: {c: {y: {get_file: note.txt}}}")
    write("sub/note.txt", "another")

    with pytest.raises(Failed, match="means two files"):
        files.collect(root, [], {})


def test_templates_that_use_each_other_are_read_once(write) -> None:
    root = write("a.yaml", "resources: {x: {type: b.yaml}}")
    write("b.yaml", "resources: {x: {type: a.yaml}}")

    assert set(files.collect(root, [], {}).files) == {"a.yaml", "b.yaml"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [", id="no YAML"),
        pytest.param("", id="nothing"),
        pytest.param("a: &a [*a]", id="an alias to itself"),
        pytest.param("just text", id="a text"),
    ],
)
def test_what_does_not_parse_is_sent_as_it_is(write, text) -> None:
    assert files.collect(write("t.yaml", text), [], {}) == files.Texts(template=text)


def test_what_is_no_text_cannot_be_sent(write, tmp_path: Path) -> None:
    root = write("root.yaml", "x: {get_file: image.png}")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")

    with pytest.raises(Failed, match="no UTF-8 text"):
        files.collect(root, [], {})


def test_a_key_without_a_space_after_its_colon_mentions_a_file_too() -> None:
    found = list(files.references("outputs: {x: {value: {a:[1], get_file: b}}}", in_environment=False))

    assert [one.key for one in found] == ["b"]
