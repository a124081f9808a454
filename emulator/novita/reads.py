"""Novita AI's free reads: a task, the models, the account; and what there is not."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_genmedia.emulator.novita import models
from prefect_genmedia.emulator.novita.envelope import NOVITA, authenticate, refuse
from prefect_genmedia.emulator.server import dressing, fetches
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.replies import Refusal
from prefect_genmedia.emulator.server.state import state_of


async def task_result(request: Request) -> Response:
    account = authenticate(request)
    task_id = request.query_params.get("task_id")
    if not task_id:
        raise refuse(400, "INVALID_REQUEST_BODY", "task_id: is required")
    job = state_of(request).jobs.find(task_id)
    if job is None or job.order.product != "novita" or job.order.account != account:
        if not state_of(request).settings.unknown_job_words:
            raise Refusal(404, {"error": "not found"})
        raise refuse(404, "TASK_NOT_FOUND", "task not found")
    return await fetches.fetch(request, NOVITA, job)


async def model_list(request: Request) -> Response:
    account = authenticate(request)
    try:
        listed = models.page(request.query_params)
    except ValueError as error:
        raise refuse(400, "INVALID_REQUEST_BODY", str(error)) from None
    return dressing.reply(state_of(request).faults, Answer("list", "novita.models", account, listed))


async def user(request: Request) -> Response:
    account = authenticate(request)
    purse = state_of(request).jobs.account("novita", account)
    said = {"credit_balance": purse.balance, "allow_features": [], "free_trial": {}}
    return dressing.reply(state_of(request).faults, Answer("account", "novita.user", account, said))


async def balance(request: Request) -> Response:
    account = authenticate(request)
    units = str(int(state_of(request).jobs.account("novita", account).balance))
    said = {"availableBalance": units, "cashBalance": units, "creditLimit": "0", "outstandingInvoices": "0"}
    return dressing.reply(state_of(request).faults, Answer("account", "novita.balance", account, said))


async def nothing(request: Request) -> Response:
    authenticate(request)
    raise refuse(404, "API_NOT_FOUND", "api not found")


# After the functions' own routes: whatever they leave.
ROUTES = [
    Route("/v3/async/task-result", task_result, methods=["GET"]),
    Route("/v3/model", model_list, methods=["GET"]),
    Route("/v3/user", user, methods=["GET"]),
    Route("/openapi/v1/billing/balance/detail", balance, methods=["GET"]),
    Route("/v3/{rest:path}", nothing, methods=["GET", "POST", "PUT", "DELETE"]),
    Route("/v3beta/{rest:path}", nothing, methods=["GET", "POST", "PUT", "DELETE"]),
    Route("/openapi/{rest:path}", nothing, methods=["GET", "POST"]),
]
