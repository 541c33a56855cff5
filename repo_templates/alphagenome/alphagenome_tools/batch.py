"""Many variants: each on its own, a few at a time, with what is finished kept as it comes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from alphagenome.data import genome
from alphagenome.models import dna_client

from alphagenome_tools.backend import OFFLINE, backend
from alphagenome_tools.connection import ModelError, asking
from alphagenome_tools.journal import COLUMNS, FAILED, Journal, names_of
from alphagenome_tools.notice import Notice, notice_for
from alphagenome_tools.outputs import output_types
from alphagenome_tools.progress import Progress
from alphagenome_tools.ranking import rank_variants
from alphagenome_tools.regions import checked_window, variant_interval
from alphagenome_tools.scores import scorers_for, scores_table
from alphagenome_tools.usage import quota

JOURNALS = "alphagenome_batches"
WORKERS = 4
MOST_IN_A_ROW = 12  # failures after each of which the client has waited some ten seconds itself
Finished = Callable[[str, pd.DataFrame | None, str], None]
MOST_PREDICTIONS = 200  # a prediction holds every base of the window; scores are small


@dataclass(frozen=True)
class Predicted:
    """The prediction of one variant, or in ``error`` why there is none."""

    variant: genome.Variant
    output: Any = None
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """What a batch gave: ``scores`` in long form, ``states`` of the variants in their order, and the model.

    ``states`` has the columns variant, state (done or failed) and message.
    """

    scores: pd.DataFrame
    states: pd.DataFrame
    model: str

    @property
    def synthetic(self) -> bool:
        """Whether the offline model answered."""
        return self.model == OFFLINE

    def ranked(self) -> pd.DataFrame:
        """Return one row per scored variant, strongest first (:func:`rank_variants`), marked if synthetic."""
        table = rank_variants(self.scores)
        table.attrs["synthetic"] = self.synthetic
        return table

    def notice(self) -> Notice:
        """Return what a reader must know: that the scores are synthetic, or the terms."""
        return notice_for(synthetic=self.synthetic)

    def failures(self) -> pd.DataFrame:
        """Return the variants that failed, each with the reason."""
        failed = self.states[self.states["state"] == FAILED]
        return failed[["variant", "message"]].reset_index(drop=True)


def batch_predict_variants(
    variants: Iterable[genome.Variant],
    model: Any,
    ontology_terms: Sequence[str],
    show_progress: bool = True,
    *,
    outputs: Sequence[str] = ("RNA_SEQ",),
    window: int = 131_072,
    workers: int = WORKERS,
) -> list[Predicted]:
    """Return the prediction of both alleles of each variant, in their order; one that fails stops no other.

    All of them are held in memory: for more than 200 variants use :func:`batch_score_variants`. Raises
    ModelError when the model refuses for a reason that all variants share, such as a used-up quota.
    """
    asked = list(variants)
    if len(asked) > MOST_PREDICTIONS:
        raise ValueError(
            f"{len(asked):,} predictions would not fit in memory; at most {MOST_PREDICTIONS}. "
            "Use batch_score_variants, which keeps scores only."
        )
    types, window = output_types(outputs), checked_window(window)

    def predict(variant: genome.Variant) -> Any:
        return model.predict_variant(
            variant_interval(variant, window),
            variant,
            requested_outputs=types,
            ontology_terms=list(ontology_terms),
        )

    found: dict[int, Predicted] = {}
    stop = threading.Event()
    progress = Progress(len(asked), "variants predicted", show=show_progress)
    try:
        for index, output, error in _answers(predict, list(enumerate(asked)), workers, stop):
            if error is not None and error.final:
                raise error
            found[index] = Predicted(asked[index], output, str(error or ""))
            progress.step(failed=error is not None, note=quota(model))
    finally:
        progress.close()
    return [found[index] for index in range(len(asked))]


def batch_score_variants(
    variants: Iterable[genome.Variant],
    model: Any,
    *,
    outputs: Sequence[str],
    ontology_terms: Sequence[str] = (),
    window: int = 131_072,
    journal: str | Path | None = None,
    retry_failed: bool = False,
    on_finished: Finished | None = None,
    workers: int = WORKERS,
    show_progress: bool = True,
) -> Batch:
    """Return the scores of each variant for ``outputs`` in the tissues ``ontology_terms`` (all for none).

    With a ``journal`` (a path) each finished variant is on the disk before the next is taken, and a batch
    that was cut off continues with those that are left; failures that pass by themselves are asked again,
    with ``retry_failed`` all of them. Answers of the offline model are never mixed with those of AlphaGenome.
    ``on_finished`` is called with each variant, its scores (None if it failed) and the error; for those that
    were finished before, at the start.

    Raises ModelError when the model refuses for a reason that all variants share, or is away (what is done is
    kept), and JournalError.
    """
    by_name = {str(variant): variant for variant in variants}
    window, scorers = checked_window(window), scorers_for(outputs)

    def score(variant: genome.Variant) -> Any:
        return model.score_variant(variant_interval(variant, window), variant, scorers)

    book = Journal(journal, question(outputs, ontology_terms, window))
    try:
        book.forget(failed="all" if retry_failed else "passing")
        kept = book.states()
        if (kept["state"] != FAILED).any():
            book.forget(other_than=_answering(model))
            kept = book.states()
        finished = set(kept["variant"])
        left = [(name, one) for name, one in by_name.items() if name not in finished]
        if on_finished is not None:
            _tell_kept(on_finished, book, kept[kept["variant"].isin(by_name)])
        progress = Progress(
            len(by_name), "variants scored", show=show_progress, done=len(by_name) - len(left)
        )
        try:
            _score_all(score, left, book, ontology_terms, progress, model, workers, on_finished or _nobody)
        finally:
            progress.close()
        return _batch(book, list(by_name))
    finally:
        book.close()


def _score_all(
    score: Any,
    left: Sequence[tuple[str, genome.Variant]],
    book: Journal,
    terms: Sequence[str],
    progress: Progress,
    model: Any,
    workers: int,
    tell: Finished,
) -> None:
    """Score what is left; a refusal that all share stops it, after what is under way was kept.

    So do many failures in a row that pass by themselves: the model is away then, and asking on is no use.
    """
    stop = threading.Event()
    reason: ModelError | None = None
    in_a_row = 0
    for name, raw, error in _answers(score, left, workers, stop):
        if error is not None and error.final:
            reason = error
            stop.set()
            continue
        if error is not None:
            book.keep_failure(name, str(error), passing=error.passing)
            tell(name, None, str(error))
        else:
            table = scores_table(raw, terms)
            book.keep(name, table, backend(raw))
            tell(name, table, "")
        progress.step(failed=error is not None, note=quota(model))
        in_a_row = in_a_row + 1 if error is not None and error.passing else 0
        if in_a_row == MOST_IN_A_ROW:
            reason = error
            stop.set()
    if reason is not None:
        kept = " What is done is kept: run it again to continue." if book.path else ""
        raise ModelError(f"Stopped at {progress.done:,} of {progress.total:,} variants. {reason}{kept}")


def _answering(model: Any) -> str:
    """Return the name of the model that answers now."""
    with asking():
        return backend(model.output_metadata(dna_client.Organism.HOMO_SAPIENS))


def _nobody(_: str, _scores: pd.DataFrame | None, _error: str) -> None:
    """Tell nobody."""


def _tell_kept(tell: Finished, book: Journal, kept: pd.DataFrame) -> None:
    tables = dict(tuple(book.scores().groupby("variant", sort=False)))
    empty = pd.DataFrame(columns=list(COLUMNS))
    for row in kept.to_dict("records"):
        failed = row["state"] == FAILED
        scores = tables.get(row["variant"], empty).drop(columns="variant", errors="ignore")
        tell(row["variant"], None if failed else scores, row["message"])


def _answers(
    ask: Any, questions: Sequence[tuple[Any, genome.Variant]], workers: int, stop: threading.Event
) -> Iterator[tuple[Any, Any, ModelError | None]]:
    """Yield (key, answer, error) of each question as it is answered; at most ``workers`` are under way.

    After ``stop`` is set no other question is asked; those under way are still yielded.
    """

    def guarded(variant: genome.Variant) -> tuple[Any, ModelError | None]:
        try:
            with asking():
                return ask(variant), None
        except ModelError as error:
            return None, error
        except ValueError as error:  # the client's own checks
            return None, ModelError(str(error))

    waiting = iter(questions)
    with ThreadPoolExecutor(workers) as pool:
        under_way: dict[Future[Any], Any] = {}
        try:
            while True:
                while len(under_way) < workers and not stop.is_set() and (next_one := next(waiting, None)):
                    under_way[pool.submit(guarded, next_one[1])] = next_one[0]
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    key = under_way.pop(future)
                    yield key, *future.result()
        finally:
            for future in under_way:
                future.cancel()


def _batch(book: Journal, names: Sequence[str]) -> Batch:
    states = book.states().set_index("variant").reindex(names).rename_axis("variant").reset_index()
    scores = book.scores()
    order = {name: index for index, name in enumerate(names)}
    scores = scores[scores["variant"].isin(order)]
    scores = scores.iloc[scores["variant"].map(order).argsort(kind="stable")].reset_index(drop=True)
    models = [model for model in states["model"].dropna().unique() if model]
    return Batch(scores, states[["variant", "state", "message"]], models[0] if models else "")


def question(outputs: Sequence[str], terms: Sequence[str], window: int) -> dict[str, Any]:
    """Return what a journal must agree on: what is asked of every variant, and the client's version."""
    return {
        "outputs": list(outputs),
        "tissues": sorted(terms),
        "window": window,
        "client": version("alphagenome"),
    }


def journal_for(
    variants: Iterable[genome.Variant],
    outputs: Sequence[str],
    terms: Sequence[str],
    window: int,
    folder: str | Path | None = None,
) -> Path:
    """Return the journal of a batch: its name follows from what is asked, so that asking again continues it.

    It lies in ``folder``, by default ``alphagenome_batches`` in your home.
    """
    asked = [names_of(variants), question(outputs, terms, window)]
    name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    return (Path.home() / JOURNALS if folder is None else Path(folder)) / f"{name}.sqlite"
