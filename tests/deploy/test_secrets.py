"""Secrets are made once and kept private."""

from __future__ import annotations

import json

from deploy.secrets import load_secrets


def test_secrets_are_kept_from_one_start_to_the_next(tmp_path):
    first = load_secrets(tmp_path / "secrets.json")

    assert load_secrets(tmp_path / "secrets.json") == first


def test_only_the_owner_may_read_the_file(tmp_path):
    load_secrets(tmp_path / "secrets.json")

    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(tmp_path):
    path = tmp_path / "secrets.json"
    first = load_secrets(path)
    known = json.loads(path.read_text())
    del known["forge_token"]
    path.write_text(json.dumps(known))

    second = load_secrets(path)

    assert second.session_key == first.session_key
    assert second.forge_token.startswith("glpat-")
