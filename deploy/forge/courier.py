"""Brings what is in the outbox to its hooks, with a few tries, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import logging
import socket
import threading
from collections.abc import Iterable
from itertools import groupby

import httpx
from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from deploy.forge.models import Database, Delivery, now

logger = logging.getLogger(__name__)
SECONDS = 10  # for one delivery, from looking its host up to the answer's head
WAITS = (1, 10, 60, 600)  # seconds before each further try
LOOK_EVERY = 1.0
AT_ONCE = 16  # hooks; the events of one hook go one after another
BATCH = 100
KEPT = dt.timedelta(days=7)


class UnreachableError(Exception):
    """An address that this hook may not use, or that cannot be found."""


class Courier:
    """Delivers at least once: an event leaves the outbox after its hook has said that it has it."""

    def __init__(self, database: Database, instance: str) -> None:
        self._database = database
        self._instance = instance
        self._loop = asyncio.new_event_loop()
        self._waking = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._main = self._loop.create_task(self._run())
        self._thread = threading.Thread(target=self._serve, name="courier", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier forge left behind."""
        self._thread.start()

    def stop(self) -> None:
        """End at once; what is not delivered waits for the next start."""
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join()

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._loop.call_soon_threadsafe(self._waking.set)

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)

    async def _run(self) -> None:
        try:
            while True:
                self._hand_out()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._waking.wait(), LOOK_EVERY)
                self._waking.clear()
        finally:
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)

    def _hand_out(self) -> None:
        """Begin to deliver what is due, hook by hook; one that is slow keeps no other waiting."""
        try:
            due = self._due({int(task.get_name()) for task in self._busy})
        except SQLAlchemyError:
            logger.exception("the outbox cannot be read now; trying again")
            return
        for hook_id, deliveries in groupby(due, key=lambda delivery: delivery.hook_id):
            task = self._loop.create_task(self._bring(list(deliveries)), name=str(hook_id))
            self._busy.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        self._waking.set()

    def _due(self, busy: set[int]) -> list[Delivery]:
        query = select(Delivery).where(Delivery.due_at <= now(), Delivery.hook_id.not_in(busy))
        with self._database.session(write=False) as session:
            return list(session.scalars(query.order_by(Delivery.hook_id, Delivery.id).limit(BATCH)))

    async def _bring(self, deliveries: Iterable[Delivery]) -> None:
        async with self._at_once:
            for delivery in deliveries:
                error = await self._send(delivery)
                try:
                    self._note(delivery.id, error)
                except SQLAlchemyError:
                    logger.exception("hook %s was told and will be told again", delivery.hook_id)
                    return
                if error:  # the others wait with it
                    return

    async def _send(self, delivery: Delivery) -> str:
        """Post one event; return what went wrong, or nothing."""
        hook = delivery.hook
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Labfork",
            "X-Gitlab-Event": delivery.event,
            "X-Gitlab-Event-UUID": delivery.uuid,
            "X-Gitlab-Instance": self._instance,
            "Webhook-Id": delivery.uuid,
            "Idempotency-Key": delivery.uuid,
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        try:
            async with asyncio.timeout(SECONDS):
                url, host = await destination(hook.url, trusted=hook.trusted)
                headers["Host"], name = host, httpx.URL(hook.url).host
                verify = hook.enable_ssl_verification
                return await _post(url, delivery.body, headers, verify=verify, name=name)
        except TimeoutError:
            return f"it did not answer within {SECONDS} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, UnreachableError) as error:
            return f"{type(error).__name__}: {error}"

    def _note(self, delivery_id: int, error: str) -> None:
        with self._database.session(write=True) as session:
            delivery = session.get(Delivery, delivery_id)
            if delivery is None:  # the hook was removed meanwhile
                return
            if not error:
                session.delete(delivery)
                return
            delivery.attempts, delivery.error = delivery.attempts + 1, error
            given_up = delivery.attempts > len(WAITS)
            delivery.due_at = None if given_up else now() + dt.timedelta(seconds=WAITS[delivery.attempts - 1])
            later = delivery.due_at or now()
            waiting = (Delivery.hook_id == delivery.hook_id, Delivery.due_at < later)
            session.execute(update(Delivery).where(*waiting).values(due_at=later))
            if given_up:
                logger.warning("hook %s was not told of %s: %s", delivery.hook_id, delivery.event, error)
                session.execute(delete(Delivery).where(
                    Delivery.due_at.is_(None), Delivery.created_at < now() - KEPT))  # fmt: skip


def is_local(address: str) -> bool:
    """Whether an IP address belongs to this machine or its network rather than to the internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return not (mapped or parsed).is_global or parsed.is_multicast


async def destination(url: str, *, trusted: bool) -> tuple[httpx.URL, str]:
    """Return where to post for the hook address `url`, and the host to ask for there.

    Unless an administrator gave the address, it is looked up here, once, and only the internet will do:
    nobody reaches this machine's other services through a hook. Raises UnreachableError, OSError.
    """
    parsed = httpx.URL(url)
    host = parsed.netloc.decode("ascii")
    if trusted:
        return parsed, host
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    looked_up = await asyncio.get_running_loop().getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)
    found = {str(info[4][0]) for info in looked_up}
    if not found or any(is_local(address) for address in found):
        raise UnreachableError(f"{parsed.host} is in the local network; an administrator has to allow that")
    return parsed.copy_with(host=min(found)), host


async def _post(url: httpx.URL, body: str, headers: dict[str, str], *, verify: bool, name: str) -> str:
    """Post `body` to a server that proves to be `name`; return what is wrong with its answer."""
    async with (
        httpx.AsyncClient(timeout=SECONDS, verify=verify, trust_env=False) as client,
        client.stream(
            "POST", url, content=body.encode(), headers=headers, extensions={"sni_hostname": name}
        ) as answer,  # its body is not read: it is of no interest, and may have no end
    ):
        return "" if answer.is_success else f"it answered {answer.status_code}"
