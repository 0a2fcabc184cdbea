from __future__ import annotations

import openai
import pytest

from claif_cla import options
from claif_cla.backends.base import Hop
from claif_cla.backends.http import HttpBackend
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.options import base_url_for, credentials, refuse_foreign, transport_for
from claif_cla.warn import Warner

OWN = {
    "backend": None,
    "compat": "adapt",
    "default_model": None,
    "model_aliases": None,
    "prompt_caching": "auto",
    "reasoning": "auto",
    "thinking_memory": True,
}


class OwnBackend:
    name = "own"
    needs_key = False

    def is_official(self, root: str) -> bool:
        return False

    def open(self, request: object, hop: Hop) -> None:
        raise NotImplementedError

    async def aopen(self, request: object, hop: Hop) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "https://api.anthropic.com/v1"),
        ("", "https://api.anthropic.com/v1"),
        ("https://proxy.test", "https://proxy.test/v1"),
        ("https://proxy.test/", "https://proxy.test/v1"),
        ("https://proxy.test/v1", "https://proxy.test/v1"),
        ("https://proxy.test/v1/", "https://proxy.test/v1"),
        ("https://proxy.test/v1//", "https://proxy.test/v1"),
        ("https://proxy.test/anthropic", "https://proxy.test/anthropic/v1"),
        ("https://proxy.test/anthropic/v1/", "https://proxy.test/anthropic/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_base_url_is_given_its_version_once(given, url):
    assert base_url_for(given) == url


def test_base_url_comes_from_the_environment_where_none_is_given(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://env.test/v1/")
    assert base_url_for(None) == "https://env.test/v1"
    assert base_url_for("https://given.test") == "https://given.test/v1"


@pytest.mark.parametrize(
    ("api_key", "auth_token", "environment", "found"),
    [
        ("key", "token", {"ANTHROPIC_API_KEY": "env"}, "key"),
        (None, "token", {"ANTHROPIC_API_KEY": "env"}, "token"),
        (None, None, {"ANTHROPIC_API_KEY": "env", "ANTHROPIC_AUTH_TOKEN": "env-token"}, "env"),
        (None, None, {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "env-token"}, "env-token"),
        ("", None, {"ANTHROPIC_API_KEY": "env"}, "env"),
        (" key\r\n", None, {}, "key"),
        (None, None, {"ANTHROPIC_API_KEY": "env\n"}, "env"),
    ],
)
def test_credentials_are_looked_for_in_this_order(
    monkeypatch, api_key, auth_token, environment, found
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert credentials(api_key, auth_token, HttpBackend(), enforce=True) == found


def test_a_function_for_a_key_is_passed_on():
    def source() -> str:
        return "key"

    assert credentials(source, None, HttpBackend(), enforce=True) is source


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_no_key_is_refused_with_what_to_do(key):
    with pytest.raises(openai.OpenAIError) as caught:
        credentials(key, None, HttpBackend(), enforce=True)
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert 'backend="simulator"' in str(caught.value)


def test_no_key_is_let_through_where_nobody_enforces_one():
    assert credentials(None, None, HttpBackend(), enforce=False) == ""


def test_simulator_needs_no_key_but_takes_one():
    assert credentials(None, None, SimulatorBackend(), enforce=True)
    assert credentials("key", None, SimulatorBackend(), enforce=True) == "key"


def test_the_stand_in_for_a_key_never_goes_upstream(monkeypatch):
    stand_in = credentials(None, None, SimulatorBackend(), enforce=True)
    with pytest.raises(openai.OpenAIError, match="No key"):
        credentials(stand_in, None, HttpBackend(), enforce=True)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "env")
    assert credentials(stand_in, None, HttpBackend(), enforce=True) == "env"


@pytest.mark.parametrize("key", ["sk-SECRET\nX-Evil: 1", "sk-SECRET\x00", "sk-SECRET\u2026"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key):
    with pytest.raises(openai.OpenAIError) as caught:
        credentials(key, None, HttpBackend(), enforce=True)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["workload_identity", "provider", "data_residency"])
def test_what_leads_to_openai_is_refused_by_name(name):
    with pytest.raises(openai.OpenAIError, match=f"`{name}`"):
        refuse_foreign({name: object()})
    refuse_foreign({name: None, "organization": "mine"})


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("compat", "loose", "'strict', 'adapt', 'lenient'"),
        ("prompt_caching", None, "'auto', 'always', 'off'"),
        ("reasoning", "on", "'auto', 'summary', 'model'"),
    ],
)
def test_a_value_outside_the_choices_is_refused_with_them(name, value, choices):
    with pytest.raises(ValueError, match=f"`{name}` must be one of {choices}, not {value!r}"):
        transport_for({**OWN, name: value}, None)


def test_backend_by_name_by_object_and_by_default():
    assert isinstance(transport_for(OWN, None)[0].backend, HttpBackend)
    by_name = transport_for({**OWN, "backend": "simulator"}, None)[0]
    assert isinstance(by_name.backend, SimulatorBackend)
    own = OwnBackend()
    transport, filled = transport_for({**OWN, "backend": own}, None)
    assert transport.backend is own
    assert filled["backend"] is own


def test_backend_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Backend object; int has no `name`, `needs_key`"):
        transport_for({**OWN, "backend": 5}, None)
    half = type("Half", (OwnBackend,), {"aopen": None})()
    with pytest.raises(TypeError, match=r"Half has no `aopen`$"):
        transport_for({**OWN, "backend": half}, None)
    with pytest.raises(ValueError, match="unknown backend 'openai'"):
        transport_for({**OWN, "backend": "openai"}, None)


def test_backend_from_the_environment(monkeypatch):
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    assert isinstance(transport_for(OWN, None)[0].backend, SimulatorBackend)
    given = transport_for({**OWN, "backend": "anthropic"}, None)[0]
    assert isinstance(given.backend, HttpBackend)
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "nonsense")
    with pytest.raises(ValueError, match=r"'nonsense'.*\(from CLAIF_CLA_BACKEND\)"):
        transport_for(OWN, None)


@pytest.mark.parametrize("given", [5, True, b"sonnet", ["sonnet"]])
def test_a_default_model_that_is_no_name_is_refused(given):
    kind = type(given).__name__
    with pytest.raises(TypeError, match=f"`default_model` must be a string.*not {kind}"):
        transport_for({**OWN, "default_model": given}, None)


@pytest.mark.parametrize("given", [5, False, "gpt-4o", ["gpt-4o"], [("gpt-4o", "sonnet")]])
def test_aliases_that_are_no_mapping_are_refused(given):
    kind = type(given).__name__
    with pytest.raises(TypeError, match=f"`model_aliases` must map names to models.*a {kind}"):
        transport_for({**OWN, "model_aliases": given}, None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mine": 5}, "'mine': 5 has int"),
        ({"mine": None}, "'mine': None has NoneType"),
        ({"good": "sonnet", 7: "opus"}, "7: 'opus' has int"),
    ],
)
def test_an_alias_that_is_no_name_is_refused_by_itself(given, told):
    with pytest.raises(TypeError, match=told):
        transport_for({**OWN, "model_aliases": given}, None)


def test_default_model_from_the_environment(monkeypatch):
    assert transport_for(OWN, None)[0].settings.default_model is None
    monkeypatch.setenv("CLAIF_CLA_MODEL", "opus")
    assert transport_for(OWN, None)[0].settings.default_model == "opus"
    given = transport_for({**OWN, "default_model": "haiku"}, None)[0]
    assert given.settings.default_model == "haiku"


def test_settings_carry_every_option_and_no_reference_to_the_callers_mapping():
    aliases = {"gpt-4o": "opus"}
    own = {
        **OWN,
        "compat": "strict",
        "model_aliases": aliases,
        "prompt_caching": "off",
        "reasoning": "summary",
    }
    settings = transport_for(own, None)[0].settings
    aliases.clear()
    assert (settings.compat, settings.prompt_caching, settings.reasoning) == (
        "strict",
        "off",
        "summary",
    )
    assert settings.model_aliases == {"gpt-4o": "opus"}


def test_a_given_warner_is_shared_and_a_missing_one_made():
    warner = Warner()
    assert transport_for(OWN, warner)[0].warner is warner
    assert transport_for(OWN, None)[0].warner is not transport_for(OWN, None)[0].warner


def test_user_agent_names_us_openai_and_python():
    agent = transport_for(OWN, None)[0].user_agent
    assert agent.startswith("claif_cla/")
    assert f" openai/{openai.__version__} python/3." in agent


def test_forgetting_leaves_what_was_given(monkeypatch):
    client = openai.OpenAI(api_key="k", organization="mine", default_headers={"x-own": "1"})
    client.project = "from the environment"
    options.forget_openai_environment(client, {"organization": "mine"}, {"x-own": "1"})
    assert (client.organization, client.project) == ("mine", None)
    assert client._custom_headers == {"x-own": "1"}
    client.close()
