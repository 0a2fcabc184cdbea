from __future__ import annotations

import inspect

import openai
import pytest

from callers import HELLO
from claif_cla import AsyncClaudeClient, AsyncOpenAI, ClaudeClient, OpenAI, ThinkingMemory
from claif_cla.backends.simulator import SimulatorBackend
from loopback import json_answer, message, text_block

CLIENTS = [(ClaudeClient, openai.OpenAI), (AsyncClaudeClient, openai.AsyncOpenAI)]
both = pytest.mark.parametrize(("client_class", "stock_class"), CLIENTS, ids=["sync", "async"])

REFUSED = {"workload_identity", "provider", "data_residency"}
GIVEN = {
    "api_key": "sk-ant-x",
    "organization": "org-mine",
    "project": "proj-mine",
    "webhook_secret": "whsec",
    "admin_api_key": "admin",
    "base_url": "https://proxy.test",
    "websocket_base_url": "wss://proxy.test",
    "timeout": 5.0,
    "max_retries": 7,
    "default_headers": {"x-own": "1"},
    "default_query": {"q": "1"},
    "http_client": None,
    "_strict_response_validation": True,
    "_enforce_credentials": True,
}
OURS = {
    "backend": "simulator",
    "compat": "strict",
    "default_model": "opus",
    "model_aliases": {"gpt-4o": "opus"},
    "prompt_caching": "off",
    "reasoning": "summary",
}


def stock_keywords(stock_class):
    parameters = inspect.signature(stock_class.__init__).parameters
    return set(parameters) - {"self"}


def settings_of(client):
    return client._claif.settings


# The constructor


@both
def test_every_stock_keyword_is_accepted_or_refused_by_name(client_class, stock_class):
    keywords = stock_keywords(stock_class)
    assert keywords <= GIVEN.keys() | REFUSED, "a new keyword of openai: accept or refuse it"
    for name in keywords & REFUSED:
        with pytest.raises(openai.OpenAIError, match=f"`{name}`"):
            client_class(api_key="k", **{name: object()})
    client = client_class(**{name: GIVEN[name] for name in keywords - REFUSED})
    for name in keywords & {"organization", "project", "webhook_secret", "admin_api_key"}:
        assert getattr(client, name) == GIVEN[name]
    assert (client.api_key, client.timeout, client.max_retries) == ("sk-ant-x", 5.0, 7)
    assert str(client.base_url) == "https://proxy.test/v1/"
    assert client._strict_response_validation is True


@both
def test_a_keyword_that_nobody_knows_is_a_type_error(client_class, stock_class):
    with pytest.raises(TypeError, match="temperatur"):
        client_class(api_key="k", temperatur=1)


@both
def test_clients_are_stock_clients_under_two_names(client_class, stock_class):
    client = client_class(api_key="k")
    assert isinstance(client, stock_class)
    assert client_class is {ClaudeClient: OpenAI, AsyncClaudeClient: AsyncOpenAI}[client_class]


@both
def test_no_key_is_an_openai_error_that_says_what_to_do(client_class, stock_class):
    with pytest.raises(openai.OpenAIError) as caught:
        client_class()
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert 'backend="simulator"' in str(caught.value)


@both
def test_an_openai_key_in_the_environment_is_no_key(monkeypatch, client_class, stock_class):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-openai-admin")
    with pytest.raises(openai.OpenAIError, match="ANTHROPIC_API_KEY"):
        client_class()


@both
def test_simulator_needs_no_key(monkeypatch, client_class, stock_class):
    assert isinstance(client_class(backend="simulator")._claif.backend, SimulatorBackend)
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    assert isinstance(client_class()._claif.backend, SimulatorBackend)


@both
def test_own_options_reach_the_translation(client_class, stock_class):
    settings = settings_of(client_class(**OURS))
    for name in OURS.keys() - {"backend"}:
        assert getattr(settings, name) == OURS[name]


# base_url


@pytest.mark.parametrize(
    "given",
    ["http://h.test", "http://h.test/", "http://h.test/v1", "http://h.test/v1/"],
)
def test_base_url_is_shown_with_its_version_as_openais_own(given):
    assert str(ClaudeClient(api_key="k", base_url=given).base_url) == "http://h.test/v1/"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/pre/fix", "/pre/fix/v1/", "/v1beta"])
@pytest.mark.parametrize("later", [False, True], ids=["constructed", "assigned"])
@pytest.mark.parametrize("as_url", [False, True], ids=["str", "URL"])
def test_requests_go_below_the_base_url(new_caller, server, path, later, as_url):
    caller = new_caller()
    url = f"{server.url}{path}"
    given = type(caller.client.base_url)(url) if as_url else url
    if later:
        caller.client.base_url = given
    else:
        caller = new_caller(base_url=given)
    server.enqueue(json_answer(message([text_block("Hi")])))
    caller.create(messages=HELLO)
    prefix = path.rstrip("/").removesuffix("/v1")
    assert server.last.target == f"{prefix}/v1/messages"


def test_base_url_of_the_environment_is_anthropics(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://env.test/api")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://openai.test/v1")
    assert str(ClaudeClient(api_key="k").base_url) == "http://env.test/api/v1/"
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    assert str(ClaudeClient(api_key="k").base_url) == "https://api.anthropic.com/v1/"


# Copies


@both
@pytest.mark.parametrize("method", ["copy", "with_options"])
def test_copies_keep_every_option(client_class, stock_class, method):
    known = stock_keywords(stock_class) - REFUSED - {"_enforce_credentials", "http_client"}
    client = client_class(**{name: GIVEN[name] for name in known}, **OURS)
    copied = getattr(client, method)(timeout=9)
    assert type(copied) is client_class
    assert copied is not client
    assert settings_of(copied) == settings_of(client)
    assert copied._claif.backend is client._claif.backend
    assert copied._claif.warner is client._claif.warner
    assert copied._client is client._client
    assert (copied.timeout, copied.max_retries, copied.api_key) == (9, 7, "sk-ant-x")
    assert copied.base_url == client.base_url
    assert copied.organization == "org-mine"
    assert copied._custom_headers == {"x-own": "1"}
    assert copied._custom_query == {"q": "1"}


@both
@pytest.mark.parametrize("name", sorted(OURS.keys() - {"backend"}))
def test_copies_accept_every_option_of_ours(client_class, stock_class, name):
    client = client_class(api_key="k")
    copied = client.with_options(**{name: OURS[name]})
    assert getattr(settings_of(copied), name) == OURS[name]
    assert getattr(settings_of(client), name) != OURS[name]


@both
def test_copies_of_copies_keep_what_was_changed(client_class, stock_class):
    twice = client_class(api_key="k").with_options(compat="strict").copy(max_retries=0)
    assert settings_of(twice).compat == "strict"


@both
def test_copies_change_keys_and_tokens(client_class, stock_class):
    client = client_class(api_key="k")
    assert client.copy(api_key="other").api_key == "other"
    assert client.copy(auth_token="token").api_key == "token"
    assert client.copy(api_key="other", auth_token="token").api_key == "other"
    assert client.copy().api_key == "k"


@both
def test_a_copy_that_leaves_the_simulator_needs_a_key(monkeypatch, client_class, stock_class):
    simulated = client_class(backend="simulator")
    with pytest.raises(openai.OpenAIError, match="ANTHROPIC_API_KEY"):
        simulated.copy(backend="anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "env")
    assert simulated.copy(backend="anthropic").api_key == "env"


@both
def test_copies_refuse_what_the_constructor_refuses(client_class, stock_class):
    client = client_class(api_key="k")
    with pytest.raises(ValueError, match="`compat`"):
        client.with_options(compat="loose")
    with pytest.raises(TypeError, match="temperatur"):
        client.with_options(temperatur=1)


@both
def test_extra_arguments_of_a_subclass_are_carried(client_class, stock_class):
    class Own(client_class):
        def __init__(self, *, tag=None, **options):
            self.tag = tag
            super().__init__(**options)

    client = Own(tag="a", api_key="k")
    assert client.copy(_extra_kwargs={"tag": "b"}).tag == "b"


# The life of a client


def test_context_manager_and_close_close_the_http_client():
    with ClaudeClient(api_key="k") as client:
        assert not client.is_closed()
    assert client.is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        client.with_options(max_retries=0)._client.get("http://127.0.0.1:9/")


@pytest.mark.anyio
async def test_async_context_manager_closes_the_http_client():
    async with AsyncClaudeClient(api_key="k") as client:
        assert not client.is_closed()
    assert client.is_closed()


@both
def test_repr_and_signature_hold_no_surprise(client_class, stock_class):
    client = client_class(api_key="sk-ant-SECRET")
    assert "SECRET" not in repr(client)
    parameters = inspect.signature(client_class).parameters
    assert all(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters.values())
    assert OURS.keys() <= parameters.keys()


def memory_of(client):
    return client._claif.settings.memory


@both
def test_a_memory_is_the_clients_own_and_its_copies(client_class, stock_class):
    first, second = client_class(backend="simulator"), client_class(backend="simulator")
    assert isinstance(memory_of(first), ThinkingMemory)
    assert memory_of(first) is not memory_of(second)
    assert memory_of(first.with_options(timeout=1).copy()) is memory_of(first)


@both
def test_a_given_memory_is_shared_even_while_it_is_empty(client_class, stock_class):
    memory = ThinkingMemory()
    clients = [client_class(backend="simulator", thinking_memory=memory) for _ in range(2)]
    assert [memory_of(one) is memory for one in clients] == [True, True]
    assert memory_of(clients[0].with_options(thinking_memory=False)) is None


@both
def test_a_client_without_a_memory_has_copies_without(client_class, stock_class):
    assert memory_of(client_class(backend="simulator", thinking_memory=False).copy()) is None


@both
@pytest.mark.parametrize("wrong", [{}, "yes", None, 1])
def test_what_is_no_memory_is_refused(client_class, stock_class, wrong):
    with pytest.raises(TypeError, match="`thinking_memory` must be"):
        client_class(backend="simulator", thinking_memory=wrong)
