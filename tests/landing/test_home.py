"""The landing page: worksheets to choose from."""

from __future__ import annotations

from sqlalchemy import select

from auth.identity import Identity
from deploy.seed import seed_workspace
from tests.landing.conftest import NOTEBOOK, PROJECT, WORKSHEET, application, browser_of
from tests.landing.reading import Page
from workspace_api.database import now
from workspace_api.projects.models import Curation, Project, Snapshot, Worksheet

EVE = Identity(user="eve")


def test_every_curated_worksheet_is_a_card(house):
    page = house.visitor().get("/")

    assert page.status_code == 200
    assert "One variant, every tissue" in page.text
    assert "Compares the reference and the alternate allele" in page.text
    assert f'href="{WORKSHEET}"' in page.text
    assert f'href="/projects/{PROJECT}/notebooks/{NOTEBOOK}"' in page.text
    assert "Regulatory genomics" in page.text
    assert "v1.0" in page.text


def test_a_card_says_that_its_example_is_being_made_until_there_is_one(visitor, bench):
    assert visitor.get("/").text.count("The example is being made.") == 5

    example = bench.example()

    page = visitor.get("/").text
    assert page.count("The example is being made.") == 4
    assert f'src="/runs/{example}/thumbnail.webp"' in page
    assert "about 12 s" in page


def test_an_example_of_every_worksheet_is_asked_for_where_they_are_wanted(make_workspace):
    assert seed_workspace(make_workspace(runs={"examples": False})) == []
    assert len([line for line in seed_workspace(make_workspace()) if "example of" in line]) == 5


def test_where_no_examples_are_made_no_card_promises_one(make_workspace):
    browser = browser_of(application(make_workspace(runs={"examples": False})))

    assert browser.get("/").text.count("No example is made here.") == 5
    assert "No example is made here" in browser.get(WORKSHEET).text


def test_a_card_says_that_its_environment_is_being_built(visitor, bench):
    assert "Getting ready: building the environment" in visitor.get("/").text

    bench.environment(state="failed")

    assert "Its environment could not be built" in visitor.get("/").text


def test_the_thumbnail_of_an_example_is_small(visitor, bench):
    picture = visitor.get(f"/runs/{bench.example()}/thumbnail.webp")

    assert picture.headers["content-type"] == "image/webp"
    assert len(picture.content) < 30_000


def test_a_search_shows_the_worksheets_that_it_means(house):
    page = house.visitor().get("/", params={"q": "glance"}).text

    assert "A region at a glance" in page
    assert "One variant, every tissue" not in page
    assert "1 worksheet for “glance”" in page


def test_a_search_without_result_says_what_to_do(house):
    page = house.visitor().get("/", params={"q": "<script>alert(1)</script>"}).text

    assert "show all worksheets" in page
    assert "<script>alert" not in page


def test_an_area_narrows_the_list(house):
    assert (
        "One variant, every tissue" in house.visitor().get("/", params={"area": "Regulatory genomics"}).text
    )
    assert "One variant, every tissue" not in house.visitor().get("/", params={"area": "Splicing"}).text


def test_signed_in_people_see_what_they_ran_last(eve, visitor, bench):
    assert "You have not run anything yet" in eve.get("/").text

    run = bench.ask(EVE)

    assert f'href="/runs/{run}"' in eve.get("/").text
    assert f'href="/runs/{run}"' not in visitor.get("/").text


def test_the_first_view_transfers_less_than_100_kilobytes(visitor, bench):
    bench.example()
    page = visitor.get("/")
    total = len(page.content)
    for address in sorted(addresses_loaded(page.text)):
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        total += int(answer.headers["content-length"])

    assert total < 100_000


def test_the_offline_model_is_named_where_it_answers(visitor, make_workspace):
    assert "Offline model: figures are synthetic" in visitor.get("/").text

    real = make_workspace(alphagenome={"backend": "alphagenome"})
    assert "Offline model" not in browser_of(application(real)).get("/").text


def test_a_workspace_without_sandbox_says_so_on_every_page(make_workspace):
    browser = browser_of(application(make_workspace(sandboxed=False)))

    for address in ("/", WORKSHEET, f"/projects/{PROJECT}", "/me", "/nowhere"):
        assert "Runs are not sandboxed here" in browser.get(address).text, address


def test_the_address_of_a_server_asks_strangers_to_sign_in_and_tells_nobody_elses(house):
    _, browser = house.person()
    address = "/user/ada/l-project-1234/lab/tree/x.ipynb?reset=1"

    assert house.visitor().get(address).status_code == 401
    assert browser.get(address).status_code == 404


def curate_many(workspace, count: int, area: str) -> None:
    """Curate `count` projects of one worksheet each, which the forge need not know."""
    with workspace.database.write() as session:
        known = session.scalars(select(Curation)).one().snapshot
        for number in range(count):
            project = Project(namespace="many", name=f"p{number:02}", forge_id=10_000 + number)
            project.visibility, project.default_branch, project.seen_at = "public", "main", now()
            session.add(project)
            session.flush()
            sheet = Worksheet(position=0, notebook="a.ipynb", title=f"Sheet {number}", summary="of many")
            sheet.schema, sheet.notebook_sha256 = {}, "0" * 64
            snapshot = Snapshot(project_id=project.id, commit=f"{number:040}", title="Many", area=area)
            snapshot.summary = snapshot.readme = ""
            snapshot.resources, snapshot.problems, snapshot.worksheets = {}, [], [sheet]
            snapshot.environment_key, snapshot.created_at = known.environment_key, now()
            session.add(snapshot)
            session.flush()
            curation = Curation(project_id=project.id, snapshot_id=snapshot.id, version="v1", area=area)
            curation.summary, curation.curated_at = "", now()
            session.add(curation)


def test_many_projects_have_pages_that_keep_the_search_and_the_area(workspace, visitor):
    area = "Many & <b>"
    curate_many(workspace, 49, area)
    pages = [Page(visitor.get("/", params={"q": "many", "area": area, "page": n}).text) for n in (1, 2, 3)]

    assert [len(page.all("li", **{"class": "card"})) for page in pages] == [24, 24, 1]
    assert pages[0].one("a", rel="next")["href"] == "/?q=many&area=Many+%26+%3Cb%3E&page=2"
    assert pages[1].one("a", rel="prev")["href"] == "/?q=many&area=Many+%26+%3Cb%3E"
    assert pages[2].all("a", rel="next") == []
    assert "Page 2 of 3" in pages[1].text
    assert area in pages[0].text
    assert pages[0].all("a", href="/?q=many")
    assert "Page 1 of 3" in Page(visitor.get("/").text).text


def addresses_loaded(html: str) -> set[str]:
    """Return what a page loads by itself."""
    pieces = [
        piece for attribute in ('src="', 'rel="stylesheet" href="') for piece in html.split(attribute)[1:]
    ]
    return {piece.split('"', 1)[0] for piece in pieces}
