"""A run's tracks along the genome: as a table, and in the picture that igv.js draws of them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import httpx
import pytest

from landing.genome import tracks_shown
from tests.bigwig import write_bigwig
from tests.conftest import CHECKOUT
from tests.landing.reading import HOSTILE, Page
from workspace_api.genomes import CHROMOSOMES
from workspace_api.runs.tracks import GenomeView, Track

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHR22 = CHROMOSOMES["hg38"]["chr22"]
BEGIN = 36_199_000
BED = (
    f"chr22\t{BEGIN + 500}\t{BEGIN + 900}\tpeak\t0\t+\n"
    f"chr22\t{BEGIN + 2000}\t{BEGIN + 2600}\t<img src=x>\t0\t-\n"
)
VCF = (
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chr22\t36201698\trs1\tA\tC\t.\t.\t.\n"
)
INKED = """() => [...document.getElementById('genome').shadowRoot.querySelectorAll('canvas')]
.filter((canvas) => canvas.width && canvas.height)
.map((canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)
.reduce((sum, data) => {
    for (let i = 0; i < data.length; i += 4) {
        const colours = [data[i], data[i + 1], data[i + 2]];
        if (data[i + 3] > 128 && Math.max(...colours) - Math.min(...colours) > 40) sum++;
    }
    return sum;
}, 0)"""


@dataclass(frozen=True)
class Shown:
    """A finished run with tracks, its owner's browser, and where browsers reach the pages."""

    run_id: str
    browser: object
    address: str


@pytest.fixture(scope="module")
def signal(tmp_path_factory) -> bytes:
    """A bigWig with 4,000 bp of signal."""
    path = tmp_path_factory.mktemp("bigwig") / "signal.bw"
    write_bigwig(path, "chr22", CHR22, BEGIN, [float(n % 50) for n in range(500)], span=8)
    return path.read_bytes()


@pytest.fixture(scope="module")
def shown(house, address, signal) -> Shown:
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    files = {
        "outputs/signal.bw": signal,
        "outputs/peaks.bed": BED.encode(),
        "outputs/variants.vcf.gz": gzip.compress(VCF.encode(), mtime=0),
        "outputs/damaged.bw": b"no bigWig at all",
        f"outputs/{HOSTILE[:40].replace('/', '')}.bedgraph": b"chr22\t36199000\t36199500\t2.5\n",
        "outputs/scores.csv": b"a\n1\n",
    }
    house.bench.finish(run_id, identity.user, files)
    return Shown(run_id, browser, address)


@pytest.fixture
def open_view(browser, shown):
    """Open the genome view in a real browser; anything asked of another host, and any error, is kept."""
    contexts, foreign, errors = [], [], []

    def opened(scheme: str = "light", width: int = 1280, *, javascript: bool = True, query: str = ""):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=javascript
        )
        contexts.append(context)
        jar = shown.browser.cookies.jar
        context.add_cookies([{"name": c.name, "value": c.value or "", "url": shown.address} for c in jar])
        context.on(
            "request", lambda r: None if r.url.startswith((shown.address, "data:")) else foreign.append(r.url)
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{shown.address}/runs/{shown.run_id}/genome{query}")
        if javascript:
            page.locator('#genome[data-ready="yes"]').wait_for(timeout=30_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert foreign == []
    assert errors == []


def inked(page) -> int:
    """Return how many pixels of the picture are in a track's colours."""
    return page.evaluate(INKED)


def test_the_run_page_leads_to_the_view_where_there_are_tracks(house, shown):
    identity, browser = house.person()
    plain = house.bench.ask(identity)
    house.bench.finish(plain, identity.user, {"outputs/scores.csv": b"a\n1\n"})

    assert Page(shown.browser.get(f"/runs/{shown.run_id}").text).all("a", href=f"/runs/{shown.run_id}/genome")
    assert "Genome view" not in browser.get(f"/runs/{plain}").text
    assert "wrote nothing that lies along a genome" in browser.get(f"/runs/{plain}/genome").text


def test_the_table_has_every_track_with_where_its_data_begin(shown):
    page = Page(shown.browser.get(f"/runs/{shown.run_id}/genome").text)
    links = [link["href"] for link in page.all("a", download="")]

    assert page.active() == []
    assert "Offline model: figures are synthetic" in page.text
    assert len(links) == 5
    assert all(shown.browser.get(link).status_code == 200 for link in links)
    for words in (f"chr22:{BEGIN}-{BEGIN + 4000}", "Signal (bigWig)", "Features (BED)", "Variants (VCF)"):
        assert words in page.text
    assert "could not be told" in page.text
    assert "keeps no reference sequence" in page.text
    assert page.one("input", name="place")["value"] == "chr22:36196698-36206698"


def test_a_place_that_is_none_is_refused_in_words_and_kept(shown):
    answer = shown.browser.get(f"/runs/{shown.run_id}/genome?place=chr22:9-3&assembly=mm10")
    page = Page(answer.text)

    assert answer.status_code == 422
    assert "mm10 has no chromosome “chr22”" in page.text
    assert page.one("input", name="place")["value"] == "chr22:9-3"


def test_a_track_is_read_by_parts(shown, signal):
    path = f"/api/v1/runs/{shown.run_id}/files/outputs/signal.bw"
    part = shown.browser.get(path, headers={"Range": "bytes=0-63"})

    assert part.status_code == 206
    assert part.content == signal[:64]
    assert part.headers["content-range"] == f"bytes 0-63/{len(signal)}"
    assert part.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_a_program_is_given_the_tracks_and_the_chromosomes(shown):
    told = shown.browser.get(f"/api/v1/runs/{shown.run_id}/tracks").json()
    sizes = shown.browser.get(f"/api/v1/assemblies/{told['assembly']}/chromosomes").text

    assert told["place"] == "chr22:36196698-36206698"
    assert {item["format"] for item in told["items"]} == {"bigwig", "bed", "vcf", "bedgraph"}
    assert f"chr22\t{CHR22}\n" in sizes
    assert shown.browser.get("/api/v1/assemblies/hg19/chromosomes").status_code == 404


def test_somebody_else_sees_no_tracks(house, shown):
    _, other = house.person()

    for path in (f"/runs/{shown.run_id}/genome", f"/api/v1/runs/{shown.run_id}/tracks"):
        assert other.get(path).status_code == 404


@pytest.mark.browser
def test_the_picture_shows_the_tracks_and_moves_by_keyboard(open_view):
    page = open_view()
    before = inked(page)

    assert before > 2_000
    assert "with 4 tracks" in page.inner_text("#genome-words")
    assert "could not be drawn" in page.inner_text('[data-name="damaged.bw"]')

    page.focus("#genome")
    page.keyboard.press("+")
    page.wait_for_function("document.getElementById('place').value.startsWith('chr22:36199198-')")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.getElementById('place').value.startsWith('chr22:36201698-')")
    page.get_by_role("button", name="Show signal.bw").press("Enter")
    page.get_by_text("with 3 tracks").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "false"


@pytest.mark.browser
def test_what_a_file_holds_is_shown_as_text(open_view):
    page = open_view(query=f"?place=chr22:{BEGIN + 1900}-{BEGIN + 2700}")

    assert page.evaluate("document.getElementById('genome').shadowRoot.querySelectorAll('img').length") == 0


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_view_shuts_nobody_out(open_view, scheme, width):
    page = open_view(scheme, width)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)

    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_without_javascript_the_table_and_the_form_are_there(open_view):
    page = open_view(javascript=False)

    assert page.is_hidden("#genome")
    assert page.get_by_text("drawn with JavaScript").is_visible()
    page.fill("#place", "chr22:100-200")
    page.click("text=Go")
    assert page.input_value("#place") == "chr22:100-200"


def test_igv_is_compressed_and_kept_for_ever(shown):
    html = shown.browser.get(f"/runs/{shown.run_id}/genome").text
    address = Page(html).one("div", id="genome")["data-igv"]
    answer = httpx.get(shown.address + address, headers={"Accept-Encoding": "gzip"})

    assert int(answer.headers["content-length"]) < 500_000
    assert "immutable" in answer.headers["cache-control"]


def test_places_come_first_and_the_signals_of_the_two_alleles_side_by_side():
    names = [
        "x/alternate_cage.bw",
        "x/alternate_dnase.bw",
        "x/reference_cage.bw",
        "x/reference_dnase.bw",
        "x/v.bed",
    ]
    tracks = [
        Track(f"outputs/{name}", "", "", "annotation" if name.endswith("bed") else "wig", 1) for name in names
    ]

    shown = tracks_shown("run", GenomeView("hg38", None, tuple(tracks)))

    assert [each.name for each in shown] == [
        "v.bed", "alternate_cage.bw", "reference_cage.bw", "alternate_dnase.bw", "reference_dnase.bw",
    ]  # fmt: skip
    assert shown[0].url == "/api/v1/runs/run/files/outputs/x/v.bed"
    assert all(each.drawn for each in shown)
