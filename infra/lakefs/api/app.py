"""The ASGI application: takes requests apart, lets the right ones in, sends the replies."""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from infra.lakefs.api.call import Call, Context, FilePart, Query, Reply, json_reply
from infra.lakefs.api.routes import Route, Routes
from infra.lakefs.errors import BadRequestError, LakeFSError, MergeConflictError
from infra.lakefs.idle import Idle

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_THREADS = 32
_MAX_JSON_BYTES = 16 << 20
_PIECE_BYTES = 1 << 20

_errors = logging.getLogger("infra.lakefs")
_access = logging.getLogger("infra.lakefs.access")


class _ClientGoneError(Exception):
    """The client hung up in the middle of its request."""


class App:
    """Serves one store."""

    def __init__(self, context: Context, idle: Idle | None = None) -> None:
        self._context = context
        self._idle = idle or Idle()
        self._routes = Routes()
        self._threads = ThreadPoolExecutor(_THREADS, "lakefs-request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        with self._idle.request():
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        try:
            reply = await self._answer(scope, receive)
        except _ClientGoneError:
            return
        await self._send(reply, scope["method"], send)
        if _access.isEnabledFor(logging.INFO):
            _log(scope, reply, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        try:
            return await self._handle(scope, receive)
        except MergeConflictError as error:
            return json_reply({"reference": ""}, error.status)
        except LakeFSError as error:
            reply = json_reply({"message": error.message}, error.status)
            return Reply(reply.status, reply.body, {**reply.headers, **error.headers})
        except UnicodeError:
            return json_reply({"message": "request holds text that is not valid UTF-8"}, 400)
        except _ClientGoneError:
            raise
        except sqlite3.Error as error:
            _errors.exception("the store cannot be read")
            return json_reply({"message": f"the store cannot be read: {error}"}, 500)
        except Exception:  # noqa: BLE001 - a client gets no trace, the log does
            _errors.exception("request failed: %s %s", scope["method"], scope["path"])
            return json_reply({"message": "internal server error"}, 500)

    async def _handle(self, scope: Scope, receive: Receive) -> Reply:
        raw_path: bytes = scope["raw_path"]
        segments = [unquote_to_bytes(part).decode() for part in raw_path.split(b"/")[1:]]
        route, parts = self._routes.find(scope["method"], segments)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if not route.open:
            self._context.auth.check(headers.get("authorization"), headers.get("cookie"))
        call = Call(
            context=self._context,
            parts=parts,
            query=Query(scope["query_string"]),
            headers=headers,
            origin=f"{scope['scheme']}://{headers.get('host', '')}",
            chunks=lambda: _chunks(receive),
        )
        return await self._run(route, call)

    async def _run(self, route: Route, call: Call) -> Reply:
        if route.streams:
            return await cast("Awaitable[Reply]", route.handler(call))
        if "content-length" in call.headers or "transfer-encoding" in call.headers:
            call = replace(call, body=await _whole(call.chunks()))
        loop = asyncio.get_running_loop()
        return cast("Reply", await loop.run_in_executor(self._threads, route.handler, call))

    async def _send(self, reply: Reply, method: str, send: Send) -> None:
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        if reply.status in {204, 304}:
            del headers["Content-Length"]
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        if reply.file and method != "HEAD":
            await self._send_file(reply.file, send)
        else:
            await send({"type": "http.response.body", "body": reply.body})

    async def _send_file(self, part: FilePart, send: Send) -> None:
        loop = asyncio.get_running_loop()
        left = part.length
        with await loop.run_in_executor(self._threads, part.path.open, "rb") as file:
            file.seek(part.start)
            while left:
                size = min(left, _PIECE_BYTES)
                piece = await loop.run_in_executor(self._threads, file.read, size)
                left -= len(piece)
                more = left > 0 and bool(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": more})
                if not piece:
                    break


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > _MAX_JSON_BYTES:
            raise BadRequestError(f"request body has an error: more than {_MAX_JSON_BYTES} bytes")
    return bytes(body)


def _log(scope: Scope, reply: Reply, seconds: float) -> None:
    line = {
        "time": time.time(),
        "client": (scope.get("client") or [""])[0],
        "method": scope["method"],
        "path": _shown_path(scope["raw_path"].decode("latin-1")),
        "query": scope["query_string"].decode("latin-1"),
        "status": reply.status,
        "bytes": reply.file.length if reply.file else len(reply.body),
        "ms": round(seconds * 1000, 2),
    }
    _access.info("%s", json.dumps(line))


def _shown_path(path: str) -> str:
    """A signed URL is a secret while it lasts."""
    return "/_blob/..." if path.startswith("/_blob/") else path
