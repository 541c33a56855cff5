"""The client package's own tests, over a real server and through the gateway."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT

OF_THE_MOCK = {  # these call the mock itself, and no service
    "RpcRetryTest.test_retry_fails_after_max_attempts_no_backoff_multiplier",
    "RpcRetryTest.test_retry_fails_after_max_attempts_no_retries",
    "RpcRetryTest.test_retry_fails_after_max_attempts_normal",
    "RpcRetryTest.test_retry_rpc",
}
ASKED_ONCE = {  # these ask the same several times at once, and count how often the service hears of it
    "ClientTest.test_score_intervals0",
    "ClientTest.test_score_intervals1",
}


@pytest.mark.parametrize(
    ("way", "differ"),
    [("direct", OF_THE_MOCK), ("cached", OF_THE_MOCK | ASKED_ONCE)],
    ids=["over a real server", "through the gateway with its cache"],
)
def test_the_clients_own_tests_pass_but_for_those_that_are_about_their_mock(tmp_path, way, differ):
    target = tmp_path / "outcomes.json"
    command = [sys.executable, "-m", "tests.alphagenome.wire", way, target]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, timeout=280)
    outcomes = json.loads(target.read_text())

    assert len(outcomes) > 40
    assert {name for name, failure in outcomes.items() if failure} == differ
