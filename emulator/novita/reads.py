"""Novita AI's free reads: a task, the models, the account; and what there is not."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator.novita import models
from prefect_genmedia.emulator.novita.envelope import NOVITA, authenticate, refuse
from prefect_genmedia.emulator.server import provider
from prefect_genmedia.emulator.server.state import base_url_of, state_of


async def task_result(request: Request) -> Response:
    account = authenticate(request)
    task_id = request.query_params.get("task_id")
    if not task_id:
        raise refuse(400, "INVALID_REQUEST_BODY", "task_id: is required")
    job = state_of(request).jobs.find(task_id)
    if job is None or job.order.product != "novita" or job.order.account != account:
        raise refuse(404, "TASK_NOT_FOUND", "task not found")
    return await provider.fetch(request, NOVITA, job, base_url_of(request))


async def model_list(request: Request) -> Response:
    authenticate(request)
    try:
        return JSONResponse(models.page(request.query_params))
    except ValueError as error:
        raise refuse(400, "INVALID_REQUEST_BODY", str(error)) from None


async def user(request: Request) -> Response:
    purse = state_of(request).jobs.account("novita", authenticate(request))
    return JSONResponse({"credit_balance": purse.balance, "allow_features": [], "free_trial": {}})


async def balance(request: Request) -> Response:
    units = str(int(state_of(request).jobs.account("novita", authenticate(request)).balance))
    return JSONResponse(
        {"availableBalance": units, "cashBalance": units, "creditLimit": "0", "outstandingInvoices": "0"}
    )


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
