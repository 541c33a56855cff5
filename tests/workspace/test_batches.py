"""The curated batch worksheet, from a table to ranked rows and the genome view, in the whole workspace."""

from __future__ import annotations

import gzip

import pytest

from tests.conftest import wait_for
from tests.workspace.test_sessions import Person

pytestmark = [pytest.mark.browser, pytest.mark.workspace, pytest.mark.timeout(600)]
WORKSHEET = "/projects/genomics/alphagenome/worksheets/03_batch_analysis.ipynb"
VCF = (
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "22\t36201698\trs1\tA\tC,G\t.\t.\t.\n22\t36201710\trs2\tAT\tA\t.\t.\t.\n22\t1\t.\tN\tA\t.\t.\t.\n"
)


@pytest.fixture(scope="module")
def bea(workspace, browser):
    person = Person(workspace, browser, "bea")
    yield person
    person.context.close()


def test_a_packed_vcf_becomes_ranked_rows_and_tracks(bea):
    page = bea.page
    page.goto(WORKSHEET)
    page.get_by_role("link", name="Upload a table").click()
    packed = {
        "name": "variants.vcf.gz",
        "mimeType": "application/gzip",
        "buffer": gzip.compress(VCF.encode(), mtime=0),
    }
    page.set_input_files("#table", packed)
    page.get_by_role("button", name="Check the table").click()
    page.get_by_text("1 row was left out").wait_for()
    page.get_by_role("button", name="Run 3 rows").click()
    page.wait_for_url("**/batches/*")
    address = "/api/v1/batches/" + page.url.rpartition("/")[2]

    def ended() -> dict | None:
        told = bea.context.request.get(address).json()
        return told if told["run"] and told["state"] in ("finished", "stopped") else None

    told = wait_for(ended, seconds=300, what="the end of the batch")
    assert (told["state"], told["done"], told["failed"]) == ("finished", 3, 0), told["run"]["error"]
    rows = bea.context.request.get(f"{address}/rows").json()["items"]
    sizes = [abs(row["values"]["effect"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert {row["variant"] for row in rows} == {
        "chr22:36201698:A>C",
        "chr22:36201698:A>G",
        "chr22:36201710:AT>A",
    }

    page.locator("[data-batch]").wait_for(state="detached")  # it loads itself again at the end
    page.get_by_role("link", name="The run with its report and files").click()
    page.get_by_role("link", name="Genome view").click()
    page.locator('#genome[data-ready="yes"]').wait_for(timeout=60_000)
    assert page.get_by_role("button", name="Show").count() >= 2
