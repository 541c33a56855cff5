"""Batches against a model over TLS: isolation, journals, kills, quotas, ranking."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest
from alphagenome.models import dna_client

TERMS = ["UBERON:0001157", "UBERON:0002107"]
OUTPUTS = ["RNA_SEQ", "DNASE"]
SCRIPT = """
import sys
sys.path.insert(0, {template!r})
import alphagenome_tools as ag
model = ag.connect()
variants = [ag.parse_variant(f"chr22:{{36_200_000 + index}}:A>C") for index in range({count})]
batch = ag.batch_score_variants(variants, model, outputs=["DNASE"], ontology_terms=["UBERON:0002107"],
    window=16_384, journal={journal!r}, workers=2, show_progress=False)
print(len(batch.ranked()), batch.scores["score"].sum(), ag.quota(model))
"""


@pytest.fixture
def ag(library: None) -> Any:
    import alphagenome_tools

    return alphagenome_tools


@pytest.fixture
def served(models: Any, tmp_path: Path) -> Iterator[Any]:
    """A known model on a port, with ``model``, ``address``, ``roots`` and a ``client``."""
    model = models.KnownModel("ENCODE")
    server, address = models.serve(model, tmp_path / "roots.pem")
    credentials = grpc.ssl_channel_credentials((tmp_path / "roots.pem").read_bytes())
    channel = grpc.secure_channel(address, credentials)
    client = dna_client.DnaClient(channel=channel, metadata=[("x-goog-api-key", models.KEY)])
    parts = {"model": model, "address": address, "roots": tmp_path / "roots.pem", "client": client}
    yield type("Served", (), parts)
    channel.close()
    server.stop(None)


def variants(ag: Any, count: int = 5) -> list[Any]:
    return [ag.parse_variant(f"chr22:{36_200_000 + index}:A>C") for index in range(count)]


def score(ag: Any, served: Any, count: int = 5, **more: Any) -> Any:
    given = {"outputs": OUTPUTS, "ontology_terms": TERMS, "window": 16_384, "show_progress": False, **more}
    return ag.batch_score_variants(variants(ag, count), served.client, **given)


def test_each_variant_has_its_scores_in_the_order_of_the_file(ag: Any, served: Any) -> None:
    batch = score(ag, served)

    assert list(batch.states["variant"]) == [str(one) for one in variants(ag)]
    assert set(batch.states["state"]) == {"done"}
    assert (batch.model, batch.synthetic) == ("AlphaGenome", False)
    # Open chromatin in two tissues, and two genes in two tissues.
    assert len(batch.scores) == 5 * (2 + 4)
    assert sorted(served.model.scored) == sorted(map(str, variants(ag)))


def test_a_variant_that_is_refused_stops_no_other(ag: Any, served: Any) -> None:
    served.model.refusals["chr22:36200002:A>C"] = (grpc.StatusCode.INVALID_ARGUMENT, "not the reference")

    batch = score(ag, served)

    assert len(batch.ranked()) == 4
    assert batch.failures().to_dict("records") == [
        {"variant": "chr22:36200002:A>C", "message": "not the reference"}
    ]


def test_a_finished_batch_is_not_asked_again(ag: Any, served: Any, tmp_path: Path) -> None:
    first = score(ag, served, journal=tmp_path / "b.sqlite")
    asked = len(served.model.scored)

    again = score(ag, served, journal=tmp_path / "b.sqlite")

    assert len(served.model.scored) == asked
    pd.testing.assert_frame_equal(again.ranked(), first.ranked())


def test_failures_that_last_are_asked_again_only_on_request(ag: Any, served: Any, tmp_path: Path) -> None:
    served.model.refusals["chr22:36200002:A>C"] = (grpc.StatusCode.INVALID_ARGUMENT, "not the reference")
    score(ag, served, journal=tmp_path / "b.sqlite")
    served.model.refusals.clear()
    served.model.scored.clear()

    assert len(score(ag, served, journal=tmp_path / "b.sqlite").failures()) == 1
    assert served.model.scored == []
    assert score(ag, served, journal=tmp_path / "b.sqlite", retry_failed=True).failures().empty
    assert served.model.scored == ["chr22:36200002:A>C"]


def test_failures_that_pass_are_asked_again(ag: Any, served: Any, tmp_path: Path) -> None:
    served.model.refusals["chr22:36200002:A>C"] = (grpc.StatusCode.DEADLINE_EXCEEDED, "slow today")
    assert "slow today" in score(ag, served, journal=tmp_path / "b.sqlite").failures()["message"][0]
    served.model.refusals.clear()

    assert score(ag, served, journal=tmp_path / "b.sqlite").failures().empty


def test_a_used_up_quota_stops_the_batch_and_keeps_what_is_done(ag: Any, served: Any, tmp_path: Path) -> None:
    refusal = (grpc.StatusCode.PERMISSION_DENIED, "quota-exhausted: 100 of 100 calls, resets at midnight")
    served.model.refusals["chr22:36200003:A>C"] = refusal

    with pytest.raises(ag.ModelError, match=r"Stopped at 3 of 20 variants\. quota-exhausted.*is kept"):
        score(ag, served, 20, journal=tmp_path / "b.sqlite", workers=1)
    assert len(served.model.scored) == 4

    served.model.refusals.clear()
    assert len(score(ag, served, 20, journal=tmp_path / "b.sqlite").ranked()) == 20
    assert len(served.model.scored) == 21


def test_a_model_that_is_away_stops_the_batch(ag: Any, served: Any, tmp_path: Path) -> None:
    away = (grpc.StatusCode.DEADLINE_EXCEEDED, "no answer")
    served.model.refusals = {str(one): away for one in variants(ag, 60)[3:]}

    with pytest.raises(ag.ModelError, match=r"Stopped at 15 of 60 variants.*took too long.*is kept"):
        score(ag, served, 60, journal=tmp_path / "b.sqlite", workers=1)

    assert len(served.model.scored) == 15
    served.model.refusals.clear()
    assert len(score(ag, served, 60, journal=tmp_path / "b.sqlite").ranked()) == 60


def test_a_full_disk_is_told_and_leaves_whole_variants(ag: Any, served: Any, tmp_path: Path) -> None:
    from alphagenome_tools.journal import Journal

    rows = pd.DataFrame({"measure": ["x" * 500] * 200, "score": 1.0})
    book = Journal(tmp_path / "b.sqlite", {})
    pages = book._database.execute("pragma page_count").fetchone()[0]
    book._database.execute(f"pragma max_page_count = {pages + 40}")
    book.keep("chr1:1:A>C", rows, "AlphaGenome")

    with pytest.raises(ag.JournalError, match=r"b\.sqlite cannot be used: .*full.*Make room"):
        book.keep("chr1:2:A>C", rows, "AlphaGenome")

    assert list(book.states()["variant"]) == ["chr1:1:A>C"]
    assert len(book.scores()) == 200
    book.close()


def test_a_killed_batch_continues_where_it_was(
    ag: Any, served: Any, models: Any, template: Path, tmp_path: Path
) -> None:
    served.model.remaining = 9_960
    count, journal = 60, tmp_path / "b.sqlite"
    script = SCRIPT.format(template=str(template), count=count, journal=str(journal))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ALPHAGENOME_ADDRESS": served.address,
        "ALPHAGENOME_API_KEY": models.KEY,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(served.roots),
    }
    started = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 120
    while len(served.model.scored) < 10:
        assert started.poll() is None, "the batch ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    started.send_signal(signal.SIGKILL)
    started.wait()
    with sqlite3.connect(journal) as database:
        kept = {row[0] for row in database.execute("select variant from variants where state = 'done'")}
        partial = database.execute("select count(distinct variant) from scores").fetchone()[0]
    asked_before = list(served.model.scored)

    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )

    assert ended.stdout.strip() == f"{count} {float(count)} 9,960 of 10,000 calls a day left"
    assert 0 < len(kept) < count
    assert partial == len(kept)  # a variant is there whole or not at all
    asked_after = served.model.scored[len(asked_before) :]
    assert kept.isdisjoint(asked_after)
    assert len(asked_after) == count - len(kept)


def test_two_notebooks_do_not_write_one_journal(ag: Any, served: Any, tmp_path: Path) -> None:
    from alphagenome_tools.journal import Journal, JournalError

    question = {"outputs": OUTPUTS}
    book = Journal(tmp_path / "b.sqlite", question)
    with pytest.raises(JournalError, match="another notebook or run"):
        Journal(tmp_path / "b.sqlite", question)
    book.close()

    Journal(tmp_path / "b.sqlite", question).close()
    with pytest.raises(JournalError, match=r"another question: its outputs is \[\"RNA_SEQ\", \"DNASE\"\]"):
        Journal(tmp_path / "b.sqlite", {"outputs": ["CAGE"]})
    (tmp_path / "c.sqlite").write_text("no database at all, but a text that somebody put here")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(tmp_path / "c.sqlite", question)


def test_answers_of_the_offline_model_are_never_mixed_with_real_ones(
    ag: Any, served: Any, tmp_path: Path
) -> None:
    served.model._mark = "synthetic (offline model)"
    assert score(ag, served, 3, journal=tmp_path / "b.sqlite").synthetic
    served.model._mark = "ENCODE"
    served.model.scored.clear()

    batch = score(ag, served, 5, journal=tmp_path / "b.sqlite")

    assert not batch.synthetic
    assert len(served.model.scored) == 5
    assert len(batch.scores) == 5 * 6


def test_the_same_question_has_the_same_journal(ag: Any, tmp_path: Path) -> None:
    asked = variants(ag)
    one = ag.journal_for(asked, OUTPUTS, TERMS, 16_384, tmp_path)

    assert one == ag.journal_for(asked, OUTPUTS, TERMS[::-1], 16_384, tmp_path)
    assert one != ag.journal_for(asked[:-1], OUTPUTS, TERMS, 16_384, tmp_path)
    assert one != ag.journal_for(asked, OUTPUTS, TERMS, 131_072, tmp_path)


def test_a_follower_is_told_each_row_once_and_across_a_cut(ag: Any, served: Any, tmp_path: Path) -> None:
    rows = {str(one): number for number, one in enumerate(variants(ag), 1)}
    served.model.refusals["chr22:36200002:A>C"] = (grpc.StatusCode.INVALID_ARGUMENT, "not the reference")
    path = tmp_path / "page" / "journal.jsonl"
    score(ag, served, journal=tmp_path / "b.sqlite", on_finished=ag.Follower(path, rows))
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:2]) + '\n{"row": 4, "sta')

    score(ag, served, journal=tmp_path / "b.sqlite", on_finished=ag.Follower(path, rows))

    told = []
    for line in path.read_text().splitlines():
        try:
            told.append(json.loads(line))
        except ValueError:
            assert line == '{"row": 4, "sta'
    done = [line["row"] for line in told if line["state"] == "done"]
    assert sorted(done) == [1, 2, 4, 5]
    assert [line["error"] for line in told if line["row"] == 3][-1] == "not the reference"
    first = next(line for line in told if line["state"] == "done")
    assert first["effect"] == 0.5
    assert (first["measure"], first["score"]) == ("DNase-seq", 1.0)


def test_predictions_of_a_batch_fail_one_by_one(ag: Any, served: Any) -> None:
    asked = [*variants(ag, 2), ag.parse_variant("chr22:36200000:A>C")]

    found = ag.batch_predict_variants(asked, served.client, TERMS, False, outputs=["DNASE"], window=16_384)

    assert [str(one.variant) for one in found] == [str(one) for one in asked]
    assert all(one.output.reference.dnase.values.shape == (16_384, 2) for one in found)


def test_too_many_predictions_are_refused_with_the_way_out(ag: Any) -> None:
    with pytest.raises(ValueError, match="batch_score_variants"):
        ag.batch_predict_variants(variants(ag, 201), None, TERMS)


def scores_of(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["variant", "measure", "score", "quantile"])
    return table.assign(tissue="liver", gene=None)


def test_variants_are_ranked_by_the_strongest_quantile(ag: Any) -> None:
    ranked = ag.rank_variants(
        scores_of(
            ("chr1:5:A>C", "CAGE", 9.0, 0.2),
            ("chr1:5:A>C", "DNase-seq", 0.1, 0.4),
            ("chr22:7:A>C", "CAGE", -0.2, -0.9),
        )
    )

    assert list(ranked["variant"]) == ["chr22:7:A>C", "chr1:5:A>C"]
    assert list(ranked["rank"]) == [1, 2]
    assert (ranked["chromosome"][0], ranked["position"][0], ranked["score"][0]) == ("chr22", 7, -0.2)
    assert ranked["CAGE"].tolist() == [-0.9, 0.2]
    assert np.isnan(ranked["DNase-seq"][0])


def test_splicing_is_summed_as_its_authors_recommend(ag: Any) -> None:
    parts = [("Splice sites", 0.5), ("Splice site usage", 0.25), ("Splice junctions", 2.0)]
    rows = [("chr1:5:A>C", measure, value, 0.1) for measure, value in parts]

    assert ag.rank_variants(scores_of(*rows))["splicing"].tolist() == [pytest.approx(0.5 + 0.25 + 0.4)]
    assert "splicing" not in ag.rank_variants(scores_of(*rows[:2]))


def test_what_is_known_of_a_quota_is_said_in_words(ag: Any) -> None:
    from alphagenome_tools.usage import QuotaMeter

    meter = QuotaMeter()
    meter.read([("x-other", "1")])
    assert str(meter) == ""
    meter.read([("x-labfork-answered", "cache"), ("x-labfork-remaining", "person calls/day=12000 of 15000")])
    left = "person calls/day=11999 of 15000; group bases/minute=5 of 900"
    meter.read(
        [
            ("x-labfork-answered", "model"),
            ("x-labfork-remaining", left),
            ("x-labfork-warning", "Little is left."),
        ]
    )
    assert str(meter) == (
        "11,999 of 15,000 calls a day left; 5 of 900 bases a minute of your group left; Little is left.; "
        "1 of 2 answers from the team's cache"
    )
    assert ag.quota(object()) == ""


def test_the_gateway_s_own_words_of_a_quota_are_understood(ag: Any) -> None:
    from alphagenome_tools.usage import QuotaMeter

    from workspace_api.alphagenome.desk import Told
    from workspace_api.alphagenome.quotas import Account, Kind, Measure, Standing, Window
    from workspace_api.alphagenome.server import _trailer

    tomorrow = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    standing = Standing(Account(Kind.PERSON, "ada"), Measure.CALLS, Window.DAY, 40, 10_000, tomorrow)
    meter = QuotaMeter()
    meter.read(_trailer(Told("cache", [standing])))

    assert str(meter) == "9,960 of 10,000 calls a day left; 1 of 1 answers from the team's cache"
