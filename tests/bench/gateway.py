"""What the AlphaGenome gateway costs, and what it spares: against the same backend, asked without it."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import psutil
from alphagenome.data import genome
from alphagenome.models import dna_client, interval_scorers, variant_scorers
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from auth.identity import Identity, Level
from tests.alphagenome.conftest import COLON, LIVER, UNLIMITED, Gateway, start_gateway
from tests.alphagenome.service import KEY, Service
from tests.bench.table import Row
from workspace_api.alphagenome.backends import METHODS, Method
from workspace_api.alphagenome.offline.model import OfflineModel
from workspace_api.alphagenome.server import CALLS_AT_ONCE

VARIANT = genome.Variant("chr22", 36_201_698, "A", "C")
SCORERS = [each.to_proto() for each in variant_scorers.RECOMMENDED_VARIANT_SCORERS.values()]
SCORE = METHODS["ScoreVariant"]
NOTEBOOK_OUTPUTS = ("RNA_SEQ", "CAGE", "DNASE")
MIB = 1024**2
Call = Callable[[bytes], list[bytes]]


class Canned(Service):
    """The stand-in for Google's service, which computes each answer once and then replays it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._replayed: dict[bytes, list[bytes]] = {}
        self.asked = 0

    def _answer(self, method: Method, request: bytes, context: Any) -> Iterator[bytes]:
        self.asked += 1
        key = method.path.encode() + request
        if self._over_quota():
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for predictions per second")
        if key not in self._replayed:
            self._replayed[key] = [m.SerializeToString() for m in self._model.answer(method.name, request)]
        yield from self._replayed[key]


def caller(address: str, roots: bytes, token: str, method: Method = SCORE) -> Call:
    """Return a function that asks a service as the client does, and leaves the bytes as they are."""
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), options=UNLIMITED)
    ask = channel.stream_stream(method.path)
    return lambda request: list(ask(iter([request]), metadata=[("x-goog-api-key", token)]))


def score(width: int, scorers: list[pb.VariantScorer], variant: genome.Variant = VARIANT) -> bytes:
    """Return a question for a variant's scores."""
    return service.ScoreVariantRequest(
        interval=variant.reference_interval.resize(width).to_proto(),
        variant=variant.to_proto(),
        organism=pb.ORGANISM_HOMO_SAPIENS,
        variant_scorers=scorers,
    ).SerializeToString()


def milliseconds(ask: Call, request: bytes, times: int) -> float:
    """Return the median time of an answer; the first two warm up."""
    waits = []
    for _ in range(times + 2):
        started = time.perf_counter()
        ask(request)
        waits.append(1000 * (time.perf_counter() - started))
    return statistics.median(waits[2:])


def gateway_rows(folder: Path) -> Iterator[Row]:
    """Measure everything about the gateway."""
    canned = Canned(folder)
    settings = {
        "LABFORK_ALPHAGENOME_API_KEY": KEY,
        "LABFORK_ALPHAGENOME__UPSTREAM": canned.address,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(canned.roots),
    }
    plain = start_gateway(folder / "plain", LABFORK_ALPHAGENOME__CACHE_GIB="0", **settings)
    keeping = start_gateway(folder / "keeping", **settings)
    try:
        direct = caller(canned.address, canned.roots.read_bytes(), KEY)
        yield from passing(direct, through(plain))
        yield hit(direct, through(keeping))
        yield small_calls(keeping)
        yield identical(canned, keeping)
        yield batch(canned, keeping)
        yield notebook_again(canned, keeping)
        yield streams(plain)
        yield memory(plain)
        yield fairness(canned, keeping)
    finally:
        for gateway in (plain, keeping):
            gateway.stop()
        canned.stop()
    yield offline_model()


def offline_model(*, times: int = 9) -> Row:
    """The offline model by itself: a variant at 131 kb, every output of one tissue, in processor time."""
    model = OfflineModel(100 * MIB)
    request = service.PredictVariantRequest(
        interval=VARIANT.reference_interval.resize(131_072).to_proto(),
        variant=VARIANT.to_proto(),
        organism=pb.ORGANISM_HOMO_SAPIENS,
        requested_outputs=[each.to_proto() for each in dna_client.OutputType],
        ontology_terms=[dna_client.ontology.from_curie(LIVER).to_proto()],
    ).SerializeToString()
    needed = []
    for _ in range(times + 1):
        started = time.process_time()
        for message in model.answer("PredictVariant", request):
            message.SerializeToString()
        needed.append(1000 * (time.process_time() - started))
    median = statistics.median(needed[1:])
    words = "offline model, a variant at 131 kb, one tissue"
    return Row(words, median, "ms", "under 300 ms of one core", median < 300)


def through(gateway: Gateway, user: str = "ada", method: Method = SCORE) -> Call:
    """Return a function that asks through the gateway."""
    return caller(gateway.address, gateway.roots.read_bytes(), gateway.token(user=user).secret, method)


def passing(direct: Call, passed: Call) -> Iterator[Row]:
    """A call through the gateway, which keeps nothing, beside the same call without it."""
    for name, request, times, most in (
        ("small call (16 kb, 1 scorer)", score(16_384, SCORERS[:1]), 60, 5),
        ("1 Mb variant, 19 scorers", score(1_048_576, SCORERS), 15, 10),
    ):
        theirs, ours = milliseconds(direct, request, times), milliseconds(passed, request, times)
        added = ours - theirs
        yield Row(
            f"gateway, {name}", ours, "ms", f"at most {most} ms added ({added:.1f})", added <= most, theirs,
            "without the gateway",
        )  # fmt: skip


def hit(direct: Call, kept: Call) -> Row:
    """An answer of 1 to 2 MB that is kept."""
    request = score(1_048_576, SCORERS)
    size = sum(len(message) for message in kept(request)) / 1e6
    theirs, ours = milliseconds(direct, request, 15), milliseconds(kept, request, 15)
    words = f"gateway, kept answer of {size:.1f} MB"
    return Row(words, ours, "ms", "at most 10 ms", ours <= 10, theirs, "backend that replays it")


def small_calls(gateway: Gateway, *, threads: int = 16, seconds: float = 6) -> Row:
    """Small kept answers in a second, asked by several people at once."""
    request = score(16_384, SCORERS[:1])
    people = [through(gateway, user) for user in ("ada", "ben") for _ in range(threads // 2)]
    for ask in people:
        ask(request)
    ends = time.monotonic() + seconds

    def ask_on(ask: Call) -> int:
        count = 0
        while time.monotonic() < ends:
            ask(request)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        rate = sum(pool.map(ask_on, people)) / seconds
    return Row("gateway, small calls in a second", rate, "/s", "at least 500 /s", rate >= 500)


def identical(canned: Canned, gateway: Gateway) -> Row:
    """Twenty who ask the same at once."""
    request = score(131_072, SCORERS, genome.Variant("chr22", 36_201_700, "A", "C"))
    people = [through(gateway, user) for user in ("ada", "ben") for _ in range(10)]
    before = canned.asked
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda ask: ask(request), people))
    asked = canned.asked - before
    return Row("gateway, 20 identical calls at once", asked, "upstream calls", "1", asked == 1)


def batch(canned: Canned, gateway: Gateway, *, variants: int = 40) -> Row:
    """Forty variants, 19 scorers at 1 Mb with the client itself: kept answers beside the first time."""
    model = dna_client.DnaClient(
        channel=gateway.channel(), metadata=[("x-goog-api-key", gateway.token().secret)]
    )
    asked = [genome.Variant("chr22", 36_201_698 + 7 * at, "A", "C") for at in range(variants)]
    intervals = [each.reference_interval.resize(1_048_576) for each in asked]
    seconds = []
    for _ in range(2):
        started = time.monotonic()
        model.score_variants(intervals, asked, progress_bar=False)
        seconds.append(time.monotonic() - started)
    first, again = seconds
    ratio = first / again
    return Row(
        "gateway, 40 variants x 19 scorers at 1 Mb, kept", again, "s",
        f"at least 2.5 times faster ({ratio:.1f})", ratio >= 2.5, first, "the first time",
    )  # fmt: skip


def notebook_again(canned: Canned, gateway: Gateway) -> Row:
    """The calls of the worksheets 01 and 02, with their defaults and the client itself, made twice."""
    model = dna_client.DnaClient(
        channel=gateway.channel(), metadata=[("x-goog-api-key", gateway.token().secret)]
    )
    outputs = [dna_client.OutputType[name] for name in NOTEBOOK_OUTPUTS]
    asked = {"requested_outputs": outputs, "ontology_terms": [COLON, LIVER]}
    region = genome.Interval("chr22", 36_180_000, 36_270_000).resize(131_072)
    expression = interval_scorers.GeneMaskScorer(
        requested_output=dna_client.OutputType.RNA_SEQ,
        width=None,
        aggregation_type=interval_scorers.IntervalAggregationType.MEAN,
    )
    window = VARIANT.reference_interval.resize(131_072)
    scorers = [variant_scorers.RECOMMENDED_VARIANT_SCORERS[name] for name in NOTEBOOK_OUTPUTS]
    counts = []
    for _ in range(2):
        before = canned.asked
        model.output_metadata()
        model.predict_interval(region, **asked)
        model.score_interval(region, [expression])
        model.predict_variant(window, VARIANT, **asked)
        model.score_variant(window, VARIANT, scorers)
        counts.append(canned.asked - before)
    first, again = counts
    return Row(
        "gateway, notebook run again", again, "upstream calls", "none", again == 0 < first, first,
        "the first time",
    )  # fmt: skip


def streams(gateway: Gateway, *, at_once: int = 64) -> Row:
    """Many streams at once, of people who read slowly."""
    ask = [through(gateway, user) for user in ("ada", "ben")]
    requests = [
        score(131_072, SCORERS[:3], genome.Variant("chr22", 36_300_000 + at, "A", "C"))
        for at in range(at_once)
    ]
    with ThreadPoolExecutor(at_once) as pool:
        answered = sum(bool(each) for each in pool.map(lambda at: ask[at % 2](requests[at]), range(at_once)))
    return Row("gateway, 64 streams at once", answered, "answered", "all of them", answered == at_once)


def memory(gateway: Gateway) -> Row:
    """The most that the gateway keeps in memory while predictions of 1 Mb stream through it."""
    method = METHODS["PredictVariant"]
    ask = through(gateway, method=method)
    request = service.PredictVariantRequest(
        interval=VARIANT.reference_interval.resize(1_048_576).to_proto(),
        variant=VARIANT.to_proto(),
        organism=pb.ORGANISM_HOMO_SAPIENS,
        requested_outputs=[pb.OUTPUT_TYPE_RNA_SEQ, pb.OUTPUT_TYPE_DNASE],
        ontology_terms=[dna_client.ontology.from_curie(LIVER).to_proto()],
    ).SerializeToString()
    process, most, done = psutil.Process(gateway.process.pid), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ask(request), range(12)))
    done.set()
    watching.join()
    return Row("gateway, memory with 1 Mb predictions", most / MIB, "MiB", "under 300 MiB", most / MIB < 300)


def fairness(canned: Canned, gateway: Gateway, *, variants: int = 1000, per_second: int = 10) -> Row:
    """Three people with a batch each before a service of ten calls a second; three of ten calls repeat one.

    What is repeated was asked by another of them. The shares are those of the calls that have ended when half
    of all have.
    """
    gateway.workspace.people.add("cleo")
    gateway.workspace.alphagenome.accept_terms(Identity(user="cleo", level=Level.DEVELOPER))
    people = ("ada", "ben", "cleo")
    through_it = {user: through(gateway, user) for user in people}
    ended: list[str] = []

    def ask(at: int) -> None:
        user = people[at % 3]
        number = at if at % 10 < 7 else at - 7
        variant = genome.Variant("chr22", 36_400_000 + number, "A", "C")
        through_it[user](score(16_384, SCORERS[:1], variant))
        ended.append(user)

    canned.per_second = per_second
    before, started = canned.asked, time.monotonic()
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(CALLS_AT_ONCE)) for _ in people]
        batches = [pool.map(ask, range(first, variants, 3)) for first, pool in enumerate(pools)]
        for batch in batches:
            list(batch)
    seconds = time.monotonic() - started
    canned.per_second = 0
    least = variants * 0.7 / per_second
    shares = Counter(ended[: variants // 2])
    fair = max(shares.values()) / min(shares[user] for user in people)
    return Row(
        f"gateway, {variants} variants of three people at {per_second} calls/s, 30 % repeated",
        seconds,
        "s",
        f"the limit's pace, fair ({fair:.2f} between people, {canned.asked - before} upstream calls)",
        seconds <= 1.5 * least and fair < 1.3,
        least,
        "the limit itself",
    )
