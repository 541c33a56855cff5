"""What an administrator may set, and how a wrong setting is refused."""

from __future__ import annotations

import pytest

from deploy.configuration import ConfigurationError, read_configuration
from deploy.doctor import origins


def test_without_anything_set_the_workspace_listens_on_loopback_with_the_offline_model():
    configuration = read_configuration({})

    assert configuration.address == "http://127.0.0.1:8000"
    assert configuration.alphagenome_api_key.get_secret_value() == ""


def test_a_variable_overrides_the_file(tmp_path):
    file = tmp_path / "labfork.toml"
    file.write_text("port = 9000\n[runs]\nworkers = 1\nminutes = 5\n")

    configuration = read_configuration({"LABFORK_CONFIG": str(file), "LABFORK_RUNS__WORKERS": "4"})

    assert (configuration.port, configuration.runs.workers, configuration.runs.minutes) == (9000, 4, 5)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"LABFORK_RUN__WORKERS": "1"}, "Did you mean LABFORK_RUNS__WORKERS"),
        ({"LABFORK_PORT": "eighty"}, "LABFORK_PORT"),
        ({"LABFORK_RUNS__WORKERS": "0"}, "LABFORK_RUNS__WORKERS"),
        ({"LABFORK_CONFIG": "nowhere.toml"}, "nowhere.toml"),
        ({"LABFORK_PUBLIC_URL": "labfork.example.org"}, "LABFORK_PUBLIC_URL"),
        ({"LABFORK_PUBLIC_URL": "https://example.org/labfork"}, "without a path"),
        ({"LABFORK_SESSIONS__HOST": "http://s.example"}, "without http://.*LABFORK_SESSIONS__HOST"),
        ({"LABFORK_SESSIONS__HOST": "s.example:8000"}, "without http:// and port"),
        ({"LABFORK_SESSIONS__HOST": "127.0.0.1", "LABFORK_HOST": "0.0.0.0"}, "LABFORK_SESSIONS__HOST"),
        (
            {"LABFORK_SESSIONS__HOST": "127.0.0.1", "LABFORK_PUBLIC_URL": "https://example.org"},
            "reach the work",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_the_remedy(environ, words):
    with pytest.raises(ConfigurationError, match=words):
        read_configuration(environ)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"LABFORK_PORT": "9000"}, "http://localhost:9000"),
        ({"LABFORK_HOST": "localhost"}, ""),
        ({"LABFORK_HOST": "0.0.0.0"}, ""),
        ({"LABFORK_PUBLIC_URL": "https://lab.example"}, ""),
        ({"LABFORK_SESSIONS__HOST": "127.0.0.1"}, ""),
        (
            {"LABFORK_SESSIONS__HOST": "s.example", "LABFORK_PUBLIC_URL": "https://lab.example"},
            "https://s.example",
        ),
        (
            {"LABFORK_SESSIONS__HOST": "s.example", "LABFORK_PUBLIC_URL": "http://lab:81"},
            "http://s.example:81",
        ),
    ],
)
def test_sessions_have_an_address_of_their_own_where_the_machine_has_two_names(environ, address):
    configuration = read_configuration(environ)

    assert configuration.sessions_url == address
    assert origins(configuration).present is bool(address)


def test_sizes_of_sessions_come_from_the_file_and_from_variables(tmp_path):
    file = tmp_path / "labfork.toml"
    file.write_text('[sessions.classes.large]\ncpus = 4\nmemory_gib = 8\ngroups = ["cohort"]\n')
    configuration = read_configuration(
        {
            "LABFORK_CONFIG": str(file),
            "LABFORK_SESSIONS__CLASSES__LARGE__HOURS": "12",
            "LABFORK_SESSIONS__CLASSES__TINY__CPUS": "0.5",
            "LABFORK_SESSIONS__CLASSES__TINY__MEMORY_GIB": "1",
            "LABFORK_SESSIONS__CLASSES__TINY__GROUPS": "cohort, lab",
        }
    )
    large, tiny = configuration.sessions.classes["large"], configuration.sessions.classes["tiny"]

    assert (large.cpus, large.hours, large.groups) == (4, 12, ("cohort",))
    assert (tiny.cpus, tiny.memory_gib, tiny.groups) == (0.5, 1, ("cohort", "lab"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sessions.classes.large]\ncpus = 4\n", r"sessions\.classes\.large\.memory_gib"),
        ("[sessions.classes.large]\ncpus = 0\nmemory_gib = 1\n", r"sessions\.classes\.large\.cpus"),
        ("[sessions.classes.large]\ncpus = 1\nmemory_gib = 1\nram = 1\n", r"sessions\.classes\.large\.ram"),
        ('[sessions.classes."Very large"]\ncpus = 1\nmemory_gib = 1\n', "is no name for a size"),
        (
            "[sessions]\nmemory_at_once_gib = 4\n[sessions.classes.large]\ncpus = 1\nmemory_gib = 8\n",
            r"4 is less than memory_gib of the class large \(8\), which could never start",
        ),
    ],
)
def test_a_size_that_cannot_be_is_refused_in_words(tmp_path, text, words):
    file = tmp_path / "labfork.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=words):
        read_configuration({"LABFORK_CONFIG": str(file)})


def test_an_unknown_key_of_the_file_is_refused(tmp_path):
    file = tmp_path / "labfork.toml"
    file.write_text("[runs]\nworker = 1\n")

    with pytest.raises(ConfigurationError, match=r"runs\.worker"):
        read_configuration({"LABFORK_CONFIG": str(file)})


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path):
    file = tmp_path / "labfork.toml"
    file.write_text("port = \n")

    with pytest.raises(ConfigurationError, match="line 1"):
        read_configuration({"LABFORK_CONFIG": str(file)})


def test_a_key_never_shows_in_the_text_of_the_configuration():
    configuration = read_configuration({"ALPHAGENOME_API_KEY": "the-shared-key"})

    assert "the-shared-key" not in repr(configuration)
