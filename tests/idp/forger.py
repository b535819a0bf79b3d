"""A login service that lies: it says what a test tells it to, and signs with what a test gives it."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

KEY = RSAKey.generate_key(2048, {"kid": "f1"})


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Reply:
    """One answer over the wire: anything can be wrong with it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    delay: float = 0.0
    hang_up: bool = False


def reply(value: Any, status: int = 200, **more: Any) -> Reply:
    """Return `value` as a JSON answer."""
    return Reply(json.dumps(value).encode(), status, **more)


class Forger:
    """The service; `async with` it. `replies` replaces single answers, `claims` what the token says."""

    def __init__(self) -> None:
        self.key, self.client_id = KEY, "portal"
        self.nonce = ""
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.issuer = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    def document(self) -> dict[str, Any]:
        at = self.issuer
        said = {
            "issuer": at,
            "authorization_endpoint": f"{at}/auth",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            "userinfo_endpoint": f"{at}/me",
            "authorization_response_iss_parameter_supported": True,
            "id_token_signing_alg_values_supported": ["RS256", "none"],
            **self.metadata,
        }
        return {k: v for k, v in said.items() if v is not ...}

    def id_token(self) -> str:
        """Return the token: `...` as a value leaves a claim out, alg none signs nothing."""
        now = time.time()
        said = {
            "iss": self.issuer,
            "sub": "zz9",
            "aud": self.client_id,
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        header = {"alg": "RS256", "kid": "f1", **self.header}
        text = f"{segment(header)}.{segment({k: v for k, v in said.items() if v is not ...})}"
        if header["alg"] == "none":
            return f"{text}."
        signature = JWSRegistry.algorithms[header["alg"]].sign(text.encode(), self.key)
        return f"{text}.{segment(signature)}"

    def answer(self, path: str) -> Reply:
        chosen = self.replies.get(path)
        if isinstance(chosen, list):
            chosen = chosen.pop(0) if len(chosen) > 1 else chosen[0]
        if chosen is not None:
            return chosen
        if path == "/.well-known/openid-configuration":
            return reply(self.document())
        if path == "/jwks":
            return reply({"keys": [self.key.as_dict(private=False, use="sig", alg="RS256")]})
        if path == "/token":
            return reply(
                {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token()}
            )
        if path == "/me":
            return reply({"sub": self.claims.get("sub", "zz9"), **self.userinfo})
        return Reply(b"{}", 404)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((path, headers, body))
        said = self.answer(path.partition("?")[0])
        try:
            await asyncio.sleep(said.delay)
            if not said.hang_up:
                lines = [f"HTTP/1.1 {said.status} X", f"content-length: {len(said.body)}"]
                lines += [f"{k}: {v}" for k, v in said.headers.items()] + ["connection: close"]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + said.body)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
