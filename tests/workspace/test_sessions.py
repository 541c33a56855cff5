"""Opening a project, working in it, and giving the work back: real JupyterHub, kernels, git and a browser."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from hub.usage import servers_folder
from hub.warm.asking import ForkServer, warm_folder
from tests.conftest import CHECKOUT, wait_for
from tests.publishing import notebook, publish
from tests.system_calls import number

pytestmark = [pytest.mark.browser, pytest.mark.workspace, pytest.mark.timeout(600)]

CURATED = "/projects/genomics/alphagenome"


WORKSHEETS = sorted(file.name for file in (CHECKOUT / "repo_templates" / "alphagenome").glob("0*.ipynb"))
REQUIREMENTS = (CHECKOUT / "repo_templates" / "alphagenome" / "requirements.txt").read_text()
RUN_WORKSHEET = """
import nbclient, nbformat
worksheet = nbformat.read("{notebook}", 4)
nbclient.NotebookClient(worksheet, timeout=300).execute()
print(str(worksheet).lower())
"""


class Person:
    """Somebody signed in, in a browser of their own."""

    def __init__(self, workspace, browser, name: str) -> None:
        self.workspace = workspace
        self.name = name
        password = secrets.token_urlsafe(12)
        made = workspace.labfork("user", "add", name, "--password", password)
        assert made.returncode == 0, made.stderr
        self.context = browser.new_context(base_url=workspace.url, viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.password = password
        self.sign_in()

    def sign_in(self) -> None:
        """Sign in as somebody does."""
        self.page.goto("/login?next=/me")
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password", exact=True).fill(self.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/me")

    def open(self, path: str) -> str:
        """Press Open, wait until JupyterLab is there, and return the address of the server."""
        self.page.goto(f"/projects/{path}")
        self.page.get_by_role("button", name="Open", exact=True).click()
        self.page.wait_for_url("**/lab/**", timeout=240_000)
        return self.page.url.partition("/lab/")[0]

    def run(self, server: str, code: str) -> str:
        """Run `code` in a kernel of the session, over its websocket, and return what it printed."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self.context.cookies(f"{server}/")}
        xsrf = next(value for name, value in cookies.items() if name.endswith("_xsrf"))
        headers = {"X-XSRFToken": xsrf, "Referer": f"{server}/lab"}
        made = self.context.request.post(f"{server}/api/kernels", headers=headers, data="{}")
        assert made.ok, made.text()
        kernel = made.json()["id"]
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        address = f"{server.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        talk = converse(address, {"Cookie": sent, "Origin": server.partition("/user/")[0]}, code)
        with ThreadPoolExecutor(1) as apart:  # the browser's own event loop runs in this thread
            return apart.submit(asyncio.run, talk).result()


async def converse(address: str, headers: dict[str, str], code: str) -> str:
    """Run `code` over a kernel's websocket and return what it printed."""
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.ws_connect(address, max_msg_size=0) as channel,
    ):
        await channel.send_str(execute(code))
        return await printed(channel)


def execute(code: str) -> str:
    """Return the message that runs `code`."""
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "u", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    return json.dumps(message)


async def printed(channel) -> str:
    """Return what a kernel writes until it is idle again; an exception of its code fails the test."""
    text = ""
    while True:
        message = await channel.receive_json(timeout=120)
        if message["msg_type"] == "stream":
            text += message["content"]["text"]
        if message["msg_type"] == "error":
            raise AssertionError(message["content"]["evalue"])
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle" and text:
            return text


@pytest.fixture(scope="module", params=["sandbox", "container"])
def workspace(request):
    """The whole workspace, with the sandbox and with containers, that starts warm: both behave the same."""
    running = request.getfixturevalue(f"{request.param}_workspace")
    warm = ForkServer(warm_folder(running.home))
    wait_for(lambda: (warm.expect(), warm.loaded())[1], seconds=300, what="the fork server")
    return running


@pytest.fixture(scope="module")
def person(workspace, browser):
    """Makes people."""
    made: list[Person] = []

    def make(name: str) -> Person:
        made.append(Person(workspace, browser, name))
        return made[-1]

    yield make
    for each in made:
        sessions = each.context.request.get("/api/v1/sessions").json()["items"]
        each.context.close()
        for session in sessions:
            workspace_stop(workspace, session)


def workspace_stop(workspace, session) -> None:
    """Let the session end with the workspace; it is named so that a failure tells which was left."""
    assert session["state"] in ("running", "preparing", "starting", "stopped", "failed"), session


@pytest.fixture(scope="module")
def ada(person):
    """An author with a session on her fork of the curated project; the value is she and its address."""
    made = person("ada")
    return made, made.open("genomics/alphagenome")


def test_the_session_is_a_fork_that_had_its_programs_loaded(ada, workspace):
    [control] = [
        whose.parent
        for whose in servers_folder(workspace.home).glob("*/whose")
        if whose.read_text().startswith("ada")
    ]

    assert json.loads((control / "plan.json").read_text())["warm"] is not None
    assert (control / "supervisor.log").read_text() == ""


def test_the_cookie_of_a_warm_session_is_for_its_own_address_alone(ada):
    her, server = ada
    own = [
        each["path"] for each in her.context.cookies() if each["name"].startswith("jupyterhub-user-ada-l-")
    ]

    assert own == [f"{urlsplit(server).path}/"]


def test_the_file_browser_leads_to_what_groups_share(ada):
    her, server = ada
    listed = her.context.request.get(f"{server}/api/contents/shared").json()["content"]

    assert "public" in [each["name"] for each in listed]


def test_the_session_is_the_persons_own_in_their_own_sandbox(ada, workspace):
    her, server = ada
    uid = int(her.run(server, "import os; print(os.getuid())"))
    seen = her.run(
        server, "import os; print(os.getcwd(), sorted(os.listdir('/home')), os.listdir('/shared'))"
    )

    assert "/home/jovyan/projects/alphagenome" in seen
    assert "['jovyan'] ['public']" in seen
    assert (workspace.home / "storage" / "home" / "ada" / "projects" / "alphagenome" / ".git").is_dir()
    assert (workspace.home / "storage" / "home" / "ada").stat().st_uid == uid


@pytest.mark.parametrize("name", WORKSHEETS)
def test_worksheets_run_in_a_session_with_the_persons_own_token_alone(ada, name):
    her, server = ada

    said = her.run(server, RUN_WORKSHEET.format(notebook=name))

    assert "synthetic" in said


def test_git_works_at_once_without_a_password(ada):
    her, server = ada
    script = "cd ~/projects/alphagenome && git pull -q && git log -1 --format=%H && git remote"
    said = her.run(
        server,
        f"import subprocess; r = subprocess.run({script!r}, shell=True, capture_output=True, text=True);"
        "print(r.returncode, r.stdout, r.stderr)",
    )

    assert said.startswith("0 "), said
    assert "origin\nupstream" in said


ESCAPES = {
    "other homes": "os.listdir('/home/ben')",
    "the database": "open('{home}/database.sqlite')",
    "the configuration": "open('{home}/config/secrets.json')",
    "the forge's repositories": "os.listdir('{home}/forge')",
    "another user's home by its path": "os.listdir('{home}/storage/home')",
    "the container engine": "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
    "the container engine by its own socket": "socket.socket(socket.AF_UNIX).connect('{engine}')",
    "what starts containers": "socket.socket(socket.AF_UNIX).connect('/run/containerd/containerd.sock')",
    "the shadow file": "open('/etc/shadow')",
    "the machine's root by the first process": "os.listdir('/proc/1/root{home}')",
    "the database by a symbolic link": "followed('{home}/database.sqlite')",
    "another home by a symbolic link": "followed('{home}/storage/home/ben/.bashrc')",
    "the kernel's settings": "open('/proc/sys/kernel/core_pattern', 'w')",
    "the kernel's memory": "open('/proc/kcore', 'rb').read(1)[0]",
    "one's own limits": "open('/sys/fs/cgroup/memory/memory.limit_in_bytes', 'w')",
    "another root folder": "os.chroot('/tmp')",
    "making a device": "os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))",
    "processes of others": "not_ours({pid}); open('/proc/{pid}/environ')",
    "a mount": "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/tmp'], check=True, capture_output=True)",
    "a namespace that gains something": "subprocess.run(['unshare', '-Ur', 'mount', '-t', 'tmpfs', 'x',"
    " '/tmp'], check=True, capture_output=True)",
    "a namespace of users": "subprocess.run(['unshare', '-U', 'true'], check=True, capture_output=True)",
    "a keyring": "system_call({keyctl}, 0, -3, 1)",  # KEYCTL_GET_KEYRING_ID of the session
    "a program in the kernel": "system_call({bpf}, 0)",
    "becoming root": "os.setuid(0)",
    "another group": "os.setgroups([0])",
    "a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "tracing a first process with more rights": "more_rights(1); ptrace(16, 1)",
    "tracing a process of the machine": "not_ours({pid}); ptrace(16, {pid})",
    "the internet": "socket.create_connection(('1.1.1.1', 53), 3)",
    "cloud metadata": "socket.create_connection(('169.254.169.254', 80), 3)",
    "the web process by its own port": "socket.create_connection(('127.0.0.1', {web}), 3)",
    "the hub by its own port": "socket.create_connection(('127.0.0.1', {hub}), 3)",
    "the proxy's own API": "socket.create_connection(('127.0.0.1', {proxy_api}), 3)",
    "writing to the environment": "open(sys.prefix + '/x', 'w')",
    "writing to the programs": "open('/usr/bin/x', 'w')",
    "writing to what is public": "open('/shared/public/x', 'w')",
    "a device": "open('/dev/sda')",
    "the host name": "socket.sethostname('x')",
    "changing git's settings": "open('/srv/session/gitconfig', 'a')",
    "starting somebody's server by the session's token": "hub('POST', '/users/admin/servers/x')",
    "reading people by the session's token": "hub('GET', '/users')",
    "the spawner's questions": "call('POST', '/api/v1/internal/sessions/prepare',"
    " {{'user': 'ben', 'server': 'x'}})",
    "a token that outlasts the session": "call('POST', '/api/v1/tokens', {{'name': 'x', 'scopes': ['api']}})",
    "a password for git that outlasts it": "call('POST', '/api/v1/git-passwords', {{'name': 'x'}})",
    "a key for AlphaGenome that outlasts it": "call('PUT', '/api/v1/alphagenome/key', {{'key': 'x' * 40}})",
    "the workspace by the server's own token": "call('GET', '/api/v1/tokens',"
    " token=os.environ['JUPYTERHUB_API_TOKEN'])",
    "making an account": "call('POST', '/api/v1/people', {{'name': 'eve', 'password': 'x' * 20}})",
}
TRY = """
import ctypes, json, os, socket, subprocess, sys, tempfile, urllib.request
def ptrace(request, pid):
    if ctypes.CDLL(None, use_errno=True).ptrace(request, pid, 0, 0):
        raise PermissionError(ctypes.get_errno())
def system_call(*numbers):
    if ctypes.CDLL(None, use_errno=True).syscall(*map(ctypes.c_long, numbers)) == -1:
        raise OSError(ctypes.get_errno(), "the kernel")
def more_rights(pid):
    status = dict(line.split(":", 1) for line in open(f"/proc/{{pid}}/status"))
    rights = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")]
    if int(status["Uid"].split()[0]) == os.getuid() and not any(rights):
        raise PermissionError("it is the session's own, and may no more than the session")
def not_ours(pid):
    if os.path.exists(f"/proc/{{pid}}") and os.stat(f"/proc/{{pid}}").st_uid == os.getuid():
        raise PermissionError("one of the session's own happens to have that number")
def followed(target):
    link = os.path.join(tempfile.mkdtemp(), "link")
    os.symlink(target, link)
    open(link)
def call(method, path, body=None, token=os.environ["LABFORK_TOKEN"], base=os.environ["LABFORK_API_URL"][:-7]):
    headers = {{"Authorization": "Bearer " + token, "Content-Type": "application/json"}}
    data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
    urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=10)
def hub(method, path):
    call(method, path, token=os.environ["JUPYTERHUB_API_TOKEN"], base=os.environ["JUPYTERHUB_API_URL"])
for name, code in {escapes!r}.items():
    try:
        exec(code)
    except Exception as error:
        wrong = isinstance(error, (AttributeError, LookupError, NameError, SyntaxError, TypeError))
        print("NOT TRIED" if wrong else "refused", name, repr(error))
    else:
        print("GOT", name)
"""


def test_nothing_of_others_is_within_reach(ada, workspace, person):
    person("ben")
    her, server = ada
    force = json.loads((workspace.home / "config" / "in-force.json").read_text())
    engine = force["configuration"]["containers"]["host"].removeprefix("unix://")
    values = {
        **{"home": workspace.home, "pid": workspace.process.pid, "engine": engine},
        **{name: number(name) for name in ("keyctl", "bpf")},
        **force["ports"],
    }
    escapes = {name: code.format(**values) for name, code in ESCAPES.items()}
    said = her.run(server, TRY.format(escapes=escapes))

    assert [line for line in said.splitlines() if not line.startswith("refused")] == []
    assert len(said.splitlines()) == len(ESCAPES) >= 25


SCRIPT = """async (address) => {
    try {
        return (await fetch(address, {credentials: "include"})).status
    } catch (error) {
        return error.name
    }
}"""


def test_what_a_session_shows_is_kept_from_the_pages_by_an_origin_of_its_own(ada, workspace):
    her, server = ada
    assert not server.startswith(workspace.url)
    her.page.goto(f"{server}/lab")

    for path in ("/me", "/api/v1/me", f"/hub/api/users/{her.name}"):
        assert her.page.evaluate(SCRIPT, workspace.url + path) == "TypeError", "not for this origin"
    assert her.page.evaluate(SCRIPT, f"{server}/api") == 200, "its own server answers"
    pages = {cookie["name"] for cookie in her.context.cookies(workspace.url)}
    assert any(name.startswith("labfork-session-") for name in pages)
    assert [c["name"] for c in her.context.cookies(f"{server}/") if c["name"].startswith("labfork-")] == []


def test_each_address_leads_to_the_other_for_what_is_there(ada, workspace):
    her, server = ada
    origin, path = server.removesuffix(urlsplit(server).path), urlsplit(server).path
    her.page.goto(f"{workspace.url}{path}/lab")
    her.page.wait_for_url(f"{server}/lab**")

    for page in ("/me", "/hub/home", "/"):
        her.page.goto(origin + page)
        assert her.page.url.startswith(workspace.url)
    with workspace.client() as client:
        answer = client.post(f"{origin}/api/v1/runs", json={})
    assert (answer.status_code, workspace.url in answer.text) == (421, True)


def test_another_person_does_not_get_into_a_session(ada, person):
    _, server = ada
    eve = person("eve")

    assert eve.context.request.get(f"{server}/api/kernels").status in (403, 404)
    session = ada[0].context.request.get("/api/v1/sessions").json()["items"][0]
    assert eve.context.request.get(f"/api/v1/sessions/{session['id']}").status in (403, 404)


def test_two_tabs_that_press_open_at_once_share_one_session(ada):
    her, server = ada
    again = her.open("genomics/alphagenome")

    assert again == server
    assert len(her.context.request.get("/api/v1/sessions").json()["items"]) == 1


HOOK = """
import os, pathlib
hook = pathlib.Path.home() / "projects/alphagenome/.git/hooks/post-commit"
hook.write_text("#!/bin/sh\\nid -u >> ~/hook\\ncat {home}/config/secrets.json >> ~/stolen\\ntrue\\n")
hook.chmod(0o755)
print("ok")
"""


def test_a_hook_of_a_checkout_is_not_run_when_a_version_is_saved(ada, workspace):
    her, server = ada
    her.run(server, HOOK.format(home=workspace.home))
    her.run(
        server, "open(__import__('os').path.expanduser('~/projects/alphagenome/n.txt'), 'w'); print('ok')"
    )
    her.page.goto(f"{CURATED}/copy")
    her.page.get_by_label("What changed").fill("A file")
    her.page.get_by_role("button", name="Save version").click()
    her.page.get_by_text("The version is saved.").wait_for()

    home = workspace.home / "storage" / "home" / "ada"
    assert (home / "projects" / "alphagenome" / "n.txt").exists()
    assert not (home / "hook").exists()
    assert not (home / "stolen").exists()


def test_work_is_saved_proposed_and_accepted(ada, workspace, browser, person):
    her, server = ada
    her.run(
        server,
        "import json, pathlib; p = pathlib.Path.home() / 'projects/alphagenome/01_quickstart.ipynb';"
        "n = json.loads(p.read_text()); n['cells'][0]['source'] = '# A better title';"
        "p.write_text(json.dumps(n)); print('ok')",
    )
    page = her.page
    page.goto(f"{CURATED}/copy")
    page.get_by_label("What changed").fill("A better title")
    page.get_by_role("button", name="Save version").click()
    page.get_by_text("The version is saved.").wait_for()
    page.get_by_label("What you propose").fill("A better title")
    page.get_by_role("button", name="Propose changes").click()
    page.wait_for_url(re.compile(r"/proposals/\d+$"))
    assert "+# A better title" in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Accept").count() == 0

    maintainer = person("mo")
    with workspace.client() as client:
        seen = client.get("/api/v1/projects/genomics/alphagenome").json()["default_branch"]
    assert maintainer.context.request.get(page.url).ok
    administrator = sign_in_as_administrator(workspace, browser)
    administrator.goto(page.url)
    administrator.get_by_role("button", name="Accept").click()
    administrator.get_by_text("It was accepted").wait_for()
    assert "It waits for curation" in administrator.locator("main").inner_text()
    administrator.context.close()
    with workspace.client() as client:
        path = f"/projects/genomics/alphagenome/notebooks/01_quickstart.ipynb?ref={seen}"
        wait_for(lambda: "A better title" in client.get(path).text, seconds=30, what="the accepted change")


def test_a_fork_is_opened_run_saved_proposed_and_accepted_by_what_one_presses_alone(
    workspace, browser, person
):
    path = publish(workspace, "story", {"a.ipynb": notebook("n"), "requirements.txt": REQUIREMENTS})
    fay = person("fay")
    page = fay.page
    page.goto(f"/projects/{path}")
    page.get_by_role("button", name="Fork").click()
    page.wait_for_url("**/projects/fay/story")
    assert "up to date with it" in page.locator("main").inner_text()
    server = fay.open("fay/story")
    page.goto(f"{server}/lab/tree/projects/story/a.ipynb?reset")
    page.get_by_text("| Idle").wait_for(timeout=90_000)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="42").wait_for(timeout=60_000)
    page.locator("[data-id='labfork-panel']").click()
    panel = page.locator("#labfork-panel")
    panel.get_by_role("textbox", name="What changed").fill("It computes")
    panel.get_by_role("button", name="Save version").click()
    panel.get_by_text("The version is saved.").wait_for(timeout=60_000)
    panel.get_by_label("What you propose").fill("It computes")
    panel.get_by_role("button", name="Propose changes").click()
    panel.get_by_text("It is proposed").wait_for(timeout=60_000)

    administrator = sign_in_as_administrator(workspace, browser)
    administrator.goto(f"/projects/{path}/proposals/1")
    assert "+print(6 * 7)" in administrator.locator("main").inner_text()
    administrator.get_by_role("button", name="Accept").click()
    administrator.get_by_text("It was accepted").wait_for()
    administrator.context.close()
    page.goto("/projects/fay/story/copy")
    page.wait_for_url(f"**/projects/{path}/copy")
    page.get_by_role("button", name="Get updates").click()
    page.get_by_text("Your copy has what is new").wait_for(timeout=60_000)


def sign_in_as_administrator(workspace, browser):
    """Return a page of the first administrator."""
    from tests.conftest import ADMIN_PASSWORD

    page = browser.new_context(base_url=workspace.url).new_page()
    page.goto("/login?next=/me")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/me")
    return page


def test_an_environment_that_cannot_be_built_is_told_with_the_line(workspace, person):
    broken = {"a.ipynb": notebook("n"), "requirements.txt": "no-such-package-of-labfork==1.0\n"}
    path = publish(workspace, "unbuildable", broken)
    kim = person("kim")
    kim.page.goto(f"/projects/{path}")
    kim.page.get_by_role("button", name="Open", exact=True).click()
    kim.page.get_by_text("It could not go on").wait_for(timeout=120_000)

    said = kim.page.locator("main").inner_text()
    assert "line 1" in said
    assert "no-such-package-of-labfork" in said
    assert kim.page.get_by_role("button", name="Try again").is_visible()


def git_reaches(workspace, password: str) -> bool:
    """Whether the forge answers git with this password; with a wrong one it refuses what is public too."""
    refs = f"{workspace.url}/git/genomics/alphagenome.git/info/refs?service=git-upload-pack"
    return httpx.get(refs, auth=("oauth2", password)).status_code == 200


ASK_FOR_GIT = """
import os, subprocess
asked = f"url={os.environ['LABFORK_API_URL'].removesuffix('/api/v1')}/git\\n\\n"
print(subprocess.run(["git", "credential", "fill"], input=asked, capture_output=True, text=True).stdout)
"""


def test_a_stopped_session_leads_back_to_its_page_and_keeps_the_files(ada, workspace):
    her, server = ada
    password = her.run(server, ASK_FOR_GIT).partition("password=")[2].split()[0]
    assert git_reaches(workspace, password)
    her.page.goto("/me")
    her.page.get_by_text("Stop…").first.click()
    her.page.get_by_role("button", name="End this session").first.click()
    her.page.get_by_text("Open sessions").wait_for(state="detached")
    assert her.context.request.get("/api/v1/sessions").json()["items"] == []

    her.page.goto(f"{server}/lab")
    her.page.wait_for_url("**/sessions/**")
    assert her.page.get_by_role("button", name="Open again").is_visible()
    assert (workspace.home / "storage" / "home" / "ada" / "projects" / "alphagenome").is_dir()
    wait_for(lambda: not git_reaches(workspace, password), what="the end of the password for git")
