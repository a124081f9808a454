"""TTAPI: what its products share: the key, the envelope, the purse, the queue, and how a job is read."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.requests import inputs, rules
from prefect_genmedia.emulator.requests.inputs import Given
from prefect_genmedia.emulator.requests.rules import Invalid, Limits, Rule
from prefect_genmedia.emulator.server import dressing, fetches, provider, submits, witness
from prefect_genmedia.emulator.server.answers import told
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.orders import IN_PROGRESS, Job, Order, account_of
from prefect_genmedia.emulator.server.provider import Body, Provider
from prefect_genmedia.emulator.server.replies import Refusal
from prefect_genmedia.emulator.server.state import State, base_url_of, state_of

WORDS = {"queued": "PENDING_QUEUE", "running": "ON_QUEUE", "succeeded": "SUCCESS", "failed": "FAILED"}
BANNED = "forbidden-by-emulator"  # refused when submitted
DENIED = "denied-by-emulator"  # accepted, then the job fails: upstream's own moderation
LIMITS = Limits(formats=("PNG", "JPEG", "WEBP", "BMP"))  # of pictures sent; only the formats are documented
MODERATED = (
    "[Banned prompt detected] Sorry! Our AI moderator thinks this prompt is probably against our community standards."
)

Endpoint = Callable[[Request], Awaitable[Response]]
Draw = Callable[[Gallery, Job, str], Drawn]
Files = Callable[[Job], Mapping[str, File]]  # a finished job's files by path


def failure(status: int, message: str, stage: str = "") -> Body:
    return {"status": "FAILED", "message": message, "data": None}


def refuse(status: int, message: str) -> Refusal:
    return Refusal(status, failure(status, message))


def accepted(job: Job) -> Body:
    # Both names are in the vendor's pages; nobody knows which one is on the wire.
    return {"status": "SUCCESS", "message": "success", "data": {"jobId": job.id, "job_id": job.id}}


def product(
    name: str,
    answer: Callable[[State, Job, str], Body],
    files: Files,
    spare: tuple[str, ...],
    hooks: tuple[str, ...] = ("hookUrl",),
    lists: tuple[str, ...] = (),
) -> Provider:
    """One of TTAPI's products; they differ in what a fetch says and where the files lie."""

    def hang(state: State, job: Job) -> None:
        for path, file in files(job).items():
            state.gallery.hang(path, file)

    return Provider(
        name=name,
        hooks=hooks,
        failure=failure,
        accepted=accepted,
        answer=answer,
        spare=("message", "jobId", *spare),
        lists=lists,
        nullable=("data",),
        id_fields=("data.jobId", "data.job_id"),
        nulled="data",
        status_field="status",
        odd_status="ON_HOLD",
        hang=hang,
        envelope=lambda body: body,
        callback_attempts=3,
        acknowledged=range(200, 201),
    )


def authenticate(request: Request) -> str:
    # The vendor's quick start sends the key in double quotes.
    key = request.headers.get("tt-api-key", "").strip().strip("\"'").strip()
    wanted = state_of(request).settings.api_key
    if not key or (wanted is not None and key != wanted):
        raise Refusal(401, {"status": "FAILED", "message": "Wrong TT-API-KEY or email is not activated."})
    return account_of(key)


@dataclass(frozen=True)
class Submission:
    """One POST to one product, with a good key."""

    request: Request
    product: Provider
    operation: str
    account: str
    body: Body
    sha256: str

    @property
    def state(self) -> State:
        return state_of(self.request)

    def check(self, wanted: Mapping[str, Rule]) -> None:
        try:
            rules.fields(self.body, wanted, "")
        except Invalid as invalid:
            raise _wrong(invalid) from None

    async def picture(self, name: str, text: Any, prefix: bool | None = None) -> Given:
        """A picture in base64; `prefix` as for inputs.picture."""
        try:
            if not isinstance(text, str):
                raise Invalid(f"{name}: must be a string")
            return await inputs.picture(self.request, name, text, LIMITS, prefix)
        except Invalid as invalid:
            raise _wrong(invalid) from None

    async def link(self, name: str, url: str) -> Given:
        """A picture behind a link."""
        try:
            return await inputs.link(self.request, name, url)
        except Invalid as invalid:
            raise _wrong(invalid) from None

    def given(self, picture: Given) -> Image.Image:
        """A picture that came in base64, or behind a link to this server."""
        return self.state.gallery.given(picture.sha256 or "")

    def own(self, job_id: Any, product_name: str | None = None) -> Job | None:
        return own(self.request, product_name or self.product.name, self.account, job_id)

    def finished(self, job_id: Any) -> Job:
        """The account's own job of this product that has succeeded."""
        job = self.own(job_id)
        if job is None:
            raise refuse(400, "Parameter error: no such jobId")
        if job.state != "succeeded":
            raise refuse(400, "Parameter error: the job is not finished")
        return job

    def order(
        self, action: str, prompt: str, quota: float, draw: Draw, details: dict[str, Any], failure: str = ""
    ) -> Order:
        """The checks that every paid function shares, and the order."""
        state, hook = self.state, provider.hook_of(self.body, self.product)
        if hook is not None and not isinstance(hook, str):
            raise refuse(400, f"Parameter error: {self.product.hooks[0]} must be a string")
        if hook is not None and not state.settings.reserved_hooks and ".invalid" in hook:
            raise refuse(400, f"Parameter error: {self.product.hooks[0]} cannot be reached")
        if BANNED in prompt.lower():
            raise refuse(400, f"banned prompt words: {BANNED}")
        if state.jobs.account("ttapi", self.account).balance < quota:
            raise refuse(402, "Insufficient balance")
        state.faults.take("queue_halved", self.operation, self.sha256)
        running = [job for job in state.jobs.of(self.product.name, self.account) if job.state in IN_PROGRESS]
        if len(running) >= state.max_jobs():
            raise refuse(499, "Insufficient queues")
        return Order(
            provider="ttapi",
            product=self.product.name,
            operation=self.operation,
            action=action,
            account=self.account,
            prompt=prompt,
            quota=quota,
            request_sha256=self.sha256,
            hook_url=hook,
            base_url=base_url_of(self.request),
            details=details,
            draw=draw,
            failure=MODERATED if DENIED in prompt.lower() else failure,
        )


def _wrong(invalid: Invalid) -> Refusal:
    return refuse(400, f"Parameter error: {invalid.message}")


def accepting(of: Provider, operation: str, place: Callable[[Submission], Awaitable[Order]]) -> Endpoint:
    """The endpoint of a paid function, answered with the id of its job."""

    async def named(request: Request, job: Job) -> Body:
        return of.accepted(job)

    return _paid(of, operation, place, named)


def answering(of: Provider, operation: str, place: Callable[[Submission], Awaitable[Order]]) -> Endpoint:
    """The endpoint of a paid function that is answered when its job has ended, with what came of it."""

    async def ended(request: Request, job: Job) -> Body:
        await job.ended.wait()
        job.told_at = time.time()
        return told(state_of(request), of, job, base_url_of(request), request.url.path, "submit")

    return _paid(of, operation, place, ended)


def _paid(
    of: Provider,
    operation: str,
    place: Callable[[Submission], Awaitable[Order]],
    answer: Callable[[Request, Job], Awaitable[Body]],
) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        account = authenticate(request)

        async def placed(body: Body, sha256: str) -> Order:
            return await place(Submission(request, of, operation, account, body, sha256))

        return await submits.submit(request, of, operation, placed, answer)

    return endpoint


def reading(of: Provider) -> Endpoint:
    """The endpoint that tells how a job stands: GET, or as older pages have it POST."""

    async def endpoint(request: Request) -> Response:
        account = authenticate(request)
        given: Any = request.query_params
        if request.method == "POST" and not given:
            given = await provider.read_json(request, of)
        job_id = given.get("jobId") or given.get("job_id")
        if not job_id:
            raise refuse(400, "Parameter error: jobId is required")
        job = own(request, of.name, account, job_id)
        if job is None and not state_of(request).settings.unknown_job_words:
            raise Refusal(404, {"error": "not found"})
        if job is None:
            raise refuse(404, "Job not found")
        return await fetches.fetch(request, of, job)

    return endpoint


def own(request: Request, product_name: str, account: str, job_id: Any) -> Job | None:
    """The account's own job of one product, or None."""
    job = state_of(request).jobs.find(job_id) if isinstance(job_id, str) else None
    return job if job and job.order.product == product_name and job.order.account == account else None


def progress(job: Job, sign: str = "") -> str | None:
    """As TTAPI tells it: a text; null once the job has failed."""
    return {"succeeded": f"100{sign}", "failed": None}.get(job.state, f"{job.progress()}{sign}")


def moment(state: State, seconds: float | None, pattern: str) -> str | None:
    """A time by the provider's clock."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds + state.skew(), UTC):{pattern}}"


async def info(request: Request) -> Response:
    account = authenticate(request)
    state = state_of(request)
    purse = state.jobs.account("ttapi", account)
    data = {
        "email": f"{account}@emulator.invalid",
        "email_verified_at": "2026-01-01 00:00:00",
        "balance": purse.balance,
        "freeze_balance": state.jobs.frozen_as_shown("ttapi", account),
        "max_queue": state.max_jobs(),
        "created_at": "2026-01-01 00:00:00",
    }
    body = {"status": "SUCCESS", "data": data, "message": "success"}
    return dressing.reply(state.faults, Answer("account", "midjourney.info", account, body))


async def nothing(request: Request) -> Response:
    authenticate(request)
    raise refuse(404, "Not found")


def at(path: str, endpoint: Endpoint, *methods: str) -> Route:
    return Route(path, endpoint, methods=list(methods))


# After the products' own routes: whatever they leave.
ROUTES = [
    at("/midjourney/v1/info", info, "GET"),
    *(at(f"/{first}/{{rest:path}}", nothing, "GET", "POST") for first in witness.TTAPI),
]
