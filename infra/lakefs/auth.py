"""Who may ask: one access key, login tokens, and signatures over links and URLs."""

import base64
import binascii
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.lakefs.errors import StoreError, UnauthorizedError

FILE = "credentials.json"
LOGIN_COOKIE = "internal_auth_session"
_LOGIN_SECONDS = 7 * 24 * 3600
_ENVIRONMENT = (
    "LAKEFS_INSTALLATION_ACCESS_KEY_ID",
    "LAKEFS_INSTALLATION_SECRET_ACCESS_KEY",
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one key pair; `generated` when nobody chose it.

    Attributes:
        signing_key: Signs login tokens, link addresses and pre-signed URLs; hex.
    """

    user: str
    access_key: str
    secret_key: str
    signing_key: str
    generated: bool


def credentials(root: Path) -> Credentials:
    """The key pair from the environment, else from the folder, made at first use with mode 0600.

    Raises:
        StoreError: The environment gives only one half.
    """
    stored = _stored(root)
    access_key, secret_key = (os.environ.get(name, "") for name in _ENVIRONMENT)
    if bool(access_key) != bool(secret_key):
        raise StoreError(f"set both {' and '.join(_ENVIRONMENT)}, or neither")
    user = os.environ.get("LAKEFS_INSTALLATION_USER_NAME") or "admin"
    if access_key:
        return Credentials(user, access_key, secret_key, stored["signing_key"], generated=False)
    return Credentials(
        user, stored["access_key"], stored["secret_key"], stored["signing_key"], generated=True
    )


def _stored(root: Path) -> dict[str, str]:
    path = root / FILE
    if not path.exists():
        made = {
            "access_key": "AKIAJ" + base64.b32encode(secrets.token_bytes(8)).decode().rstrip("="),
            "secret_key": secrets.token_urlsafe(30),
            "signing_key": secrets.token_hex(32),
        }
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    found: dict[str, str] = json.loads(path.read_text())
    return found


class Auth:
    """Checks requests against one key pair."""

    def __init__(self, credentials: Credentials) -> None:
        self.user = credentials.user
        self._access_key = credentials.access_key.encode()
        self._secret_key = credentials.secret_key.encode()
        self._signing_key = bytes.fromhex(credentials.signing_key)
        pair = b"%b:%b" % (self._access_key, self._secret_key)
        self._basic = base64.b64encode(pair).decode()

    def check(self, authorization: str | None, cookies: str | None) -> None:
        """Let a request pass by its Authorization header or its login cookie.

        Raises:
            UnauthorizedError: It has neither, or a wrong one.
        """
        if authorization is None:
            self._check_token(_cookie(cookies or "", LOGIN_COOKIE))
            return
        kind, _, value = authorization.partition(" ")
        if kind.lower() == "basic" and hmac.compare_digest(_bytes(value), _bytes(self._basic)):
            return
        if kind.lower() == "basic":
            self._check_pair(value)
        elif kind.lower() == "bearer":
            self._check_token(value)
        else:
            raise UnauthorizedError

    def login(self, access_key: str, secret_key: str) -> tuple[str, int]:
        """A token for the key pair, and when it ends (Unix seconds)."""
        self._compare(_bytes(access_key), _bytes(secret_key))
        expires = int(time.time()) + _LOGIN_SECONDS
        claims = {"aud": "login", "sub": self.user, "iat": int(time.time()), "exp": expires}
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{body}.{self._sign('login', body)}", expires

    def seal(self, purpose: str, facts: dict[str, Any]) -> str:
        """Facts as a token that only this server can make."""
        body = _encode(json.dumps(facts).encode())
        return f"{body}.{self._sign(purpose, body)}"

    def unseal(self, purpose: str, token: str) -> dict[str, Any] | None:
        """The facts of a token, or None if it was not made here or its time is over."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_bytes(signature), _bytes(self._sign(purpose, body))):
            return None
        facts: dict[str, Any] = json.loads(_decode(body.rpartition(".")[2]))
        return facts if facts["exp"] > time.time() else None

    def _check_pair(self, value: str) -> None:
        try:
            pair = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnauthorizedError from error
        access_key, _, secret_key = pair.partition(b":")
        self._compare(access_key, secret_key)

    def _compare(self, access_key: bytes, secret_key: bytes) -> None:
        known = hmac.compare_digest(access_key, self._access_key)
        if not (hmac.compare_digest(secret_key, self._secret_key) and known):
            raise UnauthorizedError

    def _check_token(self, token: str) -> None:
        facts = self.unseal("login", token) if token else None
        if facts is None or facts["sub"] != self.user:
            raise UnauthorizedError

    def _sign(self, purpose: str, body: str) -> str:
        key = hmac.digest(self._signing_key, purpose.encode(), sha256)
        return _encode(hmac.digest(key, _bytes(body), sha256))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _cookie(header: str, name: str) -> str:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for found, _, value in pairs if found == name), "")
