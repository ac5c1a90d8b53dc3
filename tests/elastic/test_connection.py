"""How Elasticsearch is reached: generation of the API, credentials, TLS."""

import logging

import pytest

from remedyd.elastic.client import SERVERLESS, ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.errors import ConfigurationError
from remedyd.settings import ElasticsearchSettings
from support.elastic import Reply, table


@pytest.mark.parametrize("generation", [8, 9])
def test_the_api_generation_is_the_configured_one(fake, source, generation):
    """Both media types name the generation, so that an 8.x server accepts the request."""
    fake.on("/_query", Reply(body=table({"a": "x"})))
    source(compatibility=generation).query("FROM a", {})
    headers = fake.sent("/_query")[0].headers
    wanted = f"compatible-with={generation}"
    assert wanted in headers["accept"]
    assert wanted in headers["content-type"]


def test_an_answer_of_the_older_generation_is_read(fake, source):
    """An 8.x server names generation 8 in its answer."""
    headers = {"Content-Type": "application/vnd.elasticsearch+json;compatible-with=8"}
    fake.on("/_query", Reply(body=table({"a": "x"}), headers=headers))
    assert source(compatibility=8).query("FROM a", {}).rows == (("x",),)


def test_user_and_password_are_sent_as_basic_authentication(fake, source):
    """Basic authentication is used where a user is configured."""
    fake.on("/_query", Reply(body=table({"a": "x"})))
    source(username="u", password="p").query("FROM a", {})
    assert fake.sent("/_query")[0].headers["authorization"] == "Basic dTpw"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "localhost:9200"}, "http://"),
        ({"url": "http://"}, "name a host"),
        ({"url": "http://u:p@host:9200"}, "must not carry a user"),
        ({"url": "http://host:port"}, "cannot be read"),
        ({"url": "http://host", "api_key": "k", "username": "u"}, "both set"),
        ({"url": "http://host", "compatibility": 7}, "8 or 9"),
        ({"url": "https://host", "ca_file": "missing.pem"}, "does not exist"),
    ],
)
def test_unusable_settings_are_refused_at_once(options, words, tmp_path):
    """What can not work is said when the source is made, not at the first query."""
    if "ca_file" in options:
        options = {**options, "ca_file": tmp_path / options["ca_file"]}
    with pytest.raises(ConfigurationError, match=words):
        ElasticSource(Connection(**options))


def test_an_unverified_certificate_is_warned_about(caplog):
    """Switching verification off is possible and said in the log."""
    caplog.set_level(logging.WARNING)
    ElasticSource(Connection("https://es.example:9200", verify=False)).close()
    assert "not verified" in caplog.text


def test_settings_become_a_connection(tmp_path):
    """The daemon's settings name the same things; secrets may lie in files."""
    key = tmp_path / "key"
    key.write_text("abc\n")
    settings = ElasticsearchSettings(url="https://es.example", api_key_file=key, compatibility=8)
    made = Connection.of(settings)
    assert (made.api_key, made.compatibility, made.timeout) == ("abc", 8, 30.0)


def test_serverless_counts_as_newest(fake, source):
    """Serverless reports a number of its own; it has every function."""
    body = {"version": {"number": "8.11.0", "build_flavor": "serverless"}}
    fake.on("/", Reply(body=body))
    one = source()
    assert one.version() == SERVERLESS
    assert one.ping() == "serverless"
