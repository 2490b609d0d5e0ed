from __future__ import annotations

from pathlib import Path

import pytest

from engine import config
from engine.cli.client import ENDPOINT
from engine.config import Config, ConfigInvalid


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*config.os.environ]:
        if name.startswith(config.PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def toml(tmp_path: Path):
    def write(text: str) -> Path:
        file = tmp_path / "isotherm.toml"
        file.write_text(text)
        return file

    return write


def test_later_sources_win_and_each_value_knows_where_it_is_from(toml, monkeypatch) -> None:
    file = toml("pool_size = 1\nrpc_workers = 1\nperiodic_interval = 1\n")
    monkeypatch.setenv("ISOTHERM_RPC_WORKERS", "2")
    monkeypatch.setenv("ISOTHERM_PERIODIC_INTERVAL", "2")
    loaded = config.load({"periodic_interval": "3"}, file=file)

    options = loaded.config
    assert (options.pool_size, options.rpc_workers, options.periodic_interval) == (1, 2, 3)
    assert {name: origin for name, origin in loaded.origins.items() if origin != "default"} == {
        "pool_size": f"file {file}",
        "rpc_workers": "environment",
        "periodic_interval": "flag",
    }


def test_every_source_is_checked_for_keys_that_nobody_knows_and_all_are_told_at_once(toml, monkeypatch) -> None:
    monkeypatch.setenv("ISOTHERM_POOL_SIZ", "1")
    with pytest.raises(ConfigInvalid) as caught:
        config.load({"listen": "nowhere", "rpc_workers": "0"}, file=toml("databse = 'x'"))

    problems = caught.value.problems
    assert len(problems) == 4
    assert problems[0].startswith("databse (file ")
    assert problems[0].endswith("did you mean database?")
    assert problems[1] == "pool_siz (environment): there is no such option; did you mean pool_size?"
    assert problems[2].startswith('listen (flag): "nowhere" is no address')
    assert problems[3].startswith("rpc_workers (flag): ")


def test_the_variables_of_the_command_line_are_no_options(monkeypatch) -> None:
    for name in config.CLIENT_VARIABLES:
        monkeypatch.setenv(name, "x")

    assert config.load({}).config == Config()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("a, b", ("a", "b"), id="a text with commas"),
        pytest.param(("a", "b"), ("a", "b"), id="several"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_lists_can_be_written_as_text(given, expected) -> None:
    assert config.load({"hidden_stack_tags": given}).config.hidden_stack_tags == expected


def test_lists_can_be_written_as_text_in_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("ISOTHERM_PLUGIN_PACKAGES", "ours.types,theirs")

    assert config.load({}).config.plugin_packages == ("ours.types", "theirs")


@pytest.mark.parametrize("empty", ["", (), ("",), []], ids=repr)
def test_notifications_go_to_the_log_unless_somebody_turns_them_off(empty, monkeypatch) -> None:
    assert config.load({}).config.notifications == ("log",)
    assert config.load({"notifications": empty}).config.notifications == ()

    monkeypatch.setenv("ISOTHERM_NOTIFICATIONS", "")
    assert config.load({}).config.notifications == ()


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.8.8.8:0"])
def test_noauth_goes_with_loopback(listen: str) -> None:
    assert config.load({"listen": listen}).config.listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "192.0.2.1:1", "[::]:1", "example.com:1"])
def test_noauth_goes_with_nothing_else(listen: str) -> None:
    with pytest.raises(ConfigInvalid, match="only goes with a loopback address"):
        config.load({"listen": listen})


@pytest.mark.parametrize("text", ["pool_size = ", "\xff"])
def test_a_file_that_is_no_toml_is_told(toml, text: str) -> None:
    file = toml("")
    file.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigInvalid, match=r"isotherm\.toml: "):
        config.load({}, file=file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="No such file"):
        config.load({}, file=tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        pytest.param("sqlite:///isotherm.db", Path("isotherm.key"), id="here"),
        pytest.param("sqlite:////var/lib/isotherm/state.db?timeout=1", Path("/var/lib/isotherm/state.key"), id="there"),
    ],
)
def test_the_key_lies_beside_the_sqlite_file(database: str, expected: Path) -> None:
    assert config.load({"database": database}).config.key_file() == expected


@pytest.mark.parametrize("database", ["sqlite:///:memory:", "postgresql://localhost/isotherm"])
def test_elsewhere_the_key_has_to_be_named(database: str) -> None:
    options = config.load({"database": database, "encryption_key_file": "own.key"}).config

    assert options.key_file() == Path("own.key")
    with pytest.raises(ConfigInvalid, match="encryption_key_file"):
        config.load({"database": database}).config.key_file()


@pytest.mark.parametrize("password", ["secret", "s:e/c@ret"])
def test_secrets_are_neither_shown_nor_printed(password: str) -> None:
    loaded = config.load({"database": f"postgresql://me:{password}@host/db", "encryption_keys": "sesame"})

    assert loaded.shown()["database"] == "postgresql://me:******@host/db"
    assert loaded.shown()["encryption_keys"] == ["******"]
    assert "sesame" not in repr(loaded.config)
    assert password not in repr(loaded.config)


def test_a_client_looks_where_an_engine_listens_by_default() -> None:
    assert Config().listen == ENDPOINT


def test_every_option_is_described() -> None:
    assert [name for name, option in Config.model_fields.items() if not option.description] == []
