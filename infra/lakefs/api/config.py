"""Who the server is, what it can do, and who is asking."""

from typing import Any

from infra.lakefs import names
from infra.lakefs.api.call import Call, Reply, empty_reply, json_reply
from infra.lakefs.auth import LOGIN_COOKIE
from infra.lakefs.errors import UnsupportedError

# The version of lakeFS whose API this is; clients compare it.
VERSION = {"version": "1.88.0", "version_context": "hallmark-embedded"}


def get_config(call: Call) -> Reply:
    """Everything clients ask about before their first request."""
    return json_reply(
        {
            "version_config": VERSION,
            "storage_config": _storage(call),
            "storage_config_list": [],
            "ui_config": {"custom_viewers": []},
            "capabilities_config": {},
        }
    )


def get_version(_call: Call) -> Reply:
    """The version alone."""
    return json_reply(VERSION)


def get_storage(call: Call) -> Reply:
    """The storage configuration alone."""
    return json_reply(_storage(call))


def health_check(_call: Call) -> Reply:
    """The server is up."""
    return empty_reply()


def login(call: Call) -> Reply:
    """A token (and cookie) for the key pair."""
    fields = call.fields()
    auth = call.context.auth
    token, expires = auth.login(fields.text("access_key_id"), fields.text("secret_access_key"))
    reply = json_reply({"token": token, "token_expiration": expires})
    cookie = f"{LOGIN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    return Reply(reply.status, reply.body, {**reply.headers, "Set-Cookie": cookie})


def get_current_user(call: Call) -> Reply:
    """The one user there is."""
    user = call.context.auth.user
    return json_reply({"user": {"id": user, "creation_date": 0, "friendly_name": user}})


def not_implemented(_call: Call) -> Reply:
    """Part of lakeFS that this server does not have."""
    raise UnsupportedError("Not Implemented")


def _storage(call: Call) -> dict[str, Any]:
    return {
        "blockstore_type": "local",
        "blockstore_id": "",
        "blockstore_namespace_example": "local://example-bucket/",
        "blockstore_namespace_ValidityRegex": names.NAMESPACE_PATTERN,
        "default_namespace_prefix": "local://",
        "pre_sign_support": call.context.presign,
        "pre_sign_support_ui": False,
        "pre_sign_multipart_upload": False,
        "import_support": bool(call.context.imports.roots),
        "import_validity_regex": names.NAMESPACE_PATTERN,
    }
