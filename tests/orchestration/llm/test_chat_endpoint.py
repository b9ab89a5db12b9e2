"""Asking an endpoint that behaves and one that does not."""

import socket
import threading
import time

import pytest

from assets.chat import ChatAddress, ChatAnswer, ChatFailed, ChatRequest
from orchestration.chat import endpoint
from orchestration.chat.endpoint import HttpChatEndpoint, HttpChatEndpoints
from orchestration.chat.pace import Clock, Pace

KEY = "sk-very-secret"
REQUEST = ChatRequest(
    messages=(("system", "label"), ("user", "good")),
    schema={"properties": {"label": {"enum": ["positive", "negative", None]}}},
    temperature=0.0,
    max_tokens=16,
    seed=3,
    log_probabilities=True,
)


def opened(tool, waits, **settings) -> HttpChatEndpoint:
    facts = {"url": tool.url, "model": "m", "timeout_s": 0.3, "retries": 2, **settings}
    return HttpChatEndpoints({"THE_KEY": KEY}, waits.clock).open(ChatAddress(**facts))


def refusal(tool, waits, **settings) -> ChatFailed:
    with pytest.raises(ChatFailed) as caught:
        opened(tool, waits, **settings).complete(REQUEST)
    return caught.value


def test_a_request_says_all_that_was_asked(tool, waits) -> None:
    opened(tool, waits, key_variable="THE_KEY").complete(REQUEST)
    (body,) = tool.bodies
    assert body["messages"][1] == {"role": "user", "content": "good"}
    assert (body["model"], body["seed"], body["max_tokens"]) == ("m", 3, 16)
    assert body["response_format"]["json_schema"]["schema"] == REQUEST.schema
    assert body["logprobs"] is True
    assert tool.keys == [f"Bearer {KEY}"]


def test_an_answer_brings_its_tokens_and_their_count(tool, waits) -> None:
    tool.log_probability = -0.5
    answer = opened(tool, waits).complete(REQUEST)
    assert "".join(token for token, _ in answer.tokens) == answer.text == '{"label": "positive"}'
    assert (answer.input_tokens, answer.output_tokens, answer.tries) == (100, 10, 1)


def test_an_answer_without_usage_and_log_probabilities_is_an_answer(tool, waits) -> None:
    tool.faults = ["no usage"]
    assert opened(tool, waits).complete(REQUEST) == ChatAnswer('{"label": "positive"}')


@pytest.mark.parametrize("fault", ["500", "503", "cut off", "slow", "html", "deep", "later 0"])
def test_an_endpoint_in_trouble_is_asked_again(tool, waits, fault) -> None:
    tool.faults = [fault, fault]
    assert opened(tool, waits).complete(REQUEST).tries == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("500", "answered HTTP 500"),
        ("later 0", "answered HTTP 429"),
        ("cut off", "broke off its answer"),
        ("slow", "took longer than 0.3 s"),
        ("html", "answered what is no JSON"),
    ],
)
def test_an_endpoint_that_stays_in_trouble_is_given_up_with_the_cause(
    tool, waits, fault, reason
) -> None:
    tool.always = fault
    failure = refusal(tool, waits, retries=1)
    assert (failure.reason, failure.tries, failure.lasting) == (reason, 2, False)
    assert len(tool.bodies) == 2


@pytest.mark.parametrize(
    ("fault", "reason", "lasting"),
    [
        ("wrong", "answered what is no completion", False),
        ("401", "answered HTTP 401", True),
        ("404", "answered HTTP 404", True),
        ("302", "answered HTTP 302", True),
    ],
)
def test_what_asking_again_cannot_mend_is_asked_once(tool, waits, fault, reason, lasting) -> None:
    tool.always = fault
    failure = refusal(tool, waits)
    assert (failure.reason, failure.lasting, len(tool.bodies)) == (reason, lasting, 1)


def test_a_server_that_says_how_long_to_wait_is_heard(tool, waits) -> None:
    tool.faults = ["later 7"]
    opened(tool, waits).complete(REQUEST)
    assert waits == [pytest.approx(7, abs=0.2)]


def test_a_server_that_asks_for_an_hour_is_given_up(tool, waits) -> None:
    tool.always = "later 3600"
    assert refusal(tool, waits).tries == 1
    assert not waits


def test_pauses_between_tries_double(tool, waits) -> None:
    tool.always = "500"
    refusal(tool, waits, retries=3)
    assert waits == [endpoint.FIRST_PAUSE_SECONDS * 2**k for k in range(3)]


def test_an_endpoint_that_is_not_there_is_named(tool, waits) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    failure = refusal(tool, waits, url=url, retries=0)
    assert failure.reason == "could not be reached"


@pytest.mark.parametrize("lacks", [{"response_format"}, {"logprobs", "seed"}, {"max_tokens"}])
def test_a_server_that_lacks_an_option_is_asked_without_it_from_then_on(tool, waits, lacks) -> None:
    tool.lacks = lacks
    asked = opened(tool, waits)
    assert asked.complete(REQUEST).text == asked.complete(REQUEST).text
    assert len(tool.bodies) == 2 + len(lacks)
    assert not lacks & tool.bodies[-1].keys()


def test_a_bad_request_does_not_cost_later_ones_the_form_of_the_answer(tool, waits) -> None:
    asked = opened(tool, waits)
    tool.faults = ["400", "400"]
    with pytest.raises(ChatFailed, match="HTTP 400"):
        asked.complete(REQUEST)
    asked.complete(REQUEST)
    assert "response_format" in tool.bodies[-1]


def test_a_key_that_is_missing_is_asked_for_by_the_name_of_its_variable(tool, waits) -> None:
    with pytest.raises(ChatFailed, match="set NO_KEY in the environment") as caught:
        opened(tool, waits, key_variable="NO_KEY")
    assert caught.value.lasting


def test_a_key_is_in_no_message(tool, waits) -> None:
    tool.always = "401"  # The stand-in repeats the key, as some servers do.
    failure = refusal(tool, waits, key_variable="THE_KEY")
    assert "***" in failure.detail
    assert KEY not in str(failure)


def test_a_key_that_no_header_can_carry_is_refused_unsaid() -> None:
    with pytest.raises(ChatFailed, match="THE_KEY") as caught:
        HttpChatEndpoints({"THE_KEY": "sk-sécret"}).open(
            ChatAddress("http://127.0.0.1:1/v1", "m", key_variable="THE_KEY")
        )
    assert "cret" not in str(caught.value)


def test_requests_keep_their_distance() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(60.0, None, Clock(lambda: now[0], sleep))
    for _ in range(4):
        pace.wait(1000)
    assert slept == [1.0, 1.0, 1.0]


def test_tokens_are_counted_as_they_were_used() -> None:
    now, slept = [0.0], []
    pace = Pace(None, 600.0, Clock(lambda: now[0], slept.append))
    pace.wait(100)
    pace.correct(-40)
    pace.wait(100)
    assert slept == [6.0]


def test_a_pause_that_the_server_asks_for_holds_every_thread(tool, waits) -> None:
    tool.faults = ["later 5"]
    asked = opened(tool, waits, concurrency=2)
    asked.complete(REQUEST)
    threads = [threading.Thread(target=asked.complete, args=(REQUEST,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [round(seconds) for seconds in waits] == [5, 5, 5]


def test_a_try_ends_in_time_however_slowly_the_server_sends(tool, waits) -> None:
    tool.always = "slow"
    began = time.monotonic()
    refusal(tool, waits, retries=0)
    assert time.monotonic() - began < 5
