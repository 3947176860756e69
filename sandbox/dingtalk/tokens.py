"""Access tokens: both endpoints that give them, and the check every API of an app makes."""

import secrets

from sandbox.dingtalk.calls import Answer, api_refusal, oapi_ok, oapi_refusal
from sandbox.dingtalk.state import Token

FETCH_LIMIT_CODE = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"


def issue(state, app_key, kind, now):
    """The app's token of this endpoint: the same within its life, with its life renewed."""
    token = state.current_tokens.get((app_key, kind))
    life = state.config["token_life"]
    if token is None or token.expires <= now:
        token = Token("sandbox-%s-%s" % (kind, secrets.token_hex(16)), app_key, kind, now + life)
        state.tokens[token.value] = state.current_tokens[(app_key, kind)] = token
        state.tokens_issued += 1
    token.expires = now + life
    state.dirty = True
    return token.value, life


def revoke_all(state):
    state.tokens, state.current_tokens = {}, {}
    state.dirty = True


def _credentials_match(state, app_key, app_secret):
    app = state.apps.get(app_key) if isinstance(app_key, str) else None
    return app is not None and app["app_secret"] == app_secret


def _fetch_allowed(state, app_key, now):
    return state.rates.admit(("token", app_key), state.config["token_fetches_per_minute"], 60, now)


def access_token(state, call):
    """POST /v1.0/oauth2/accessToken {appKey, appSecret}."""
    body = call.body if isinstance(call.body, dict) else {}
    app_key, app_secret = body.get("appKey"), body.get("appSecret")
    if not app_key or not app_secret:
        return api_refusal(400, "MissingappKey" if not app_key else "MissingappSecret", "appKey and appSecret are mandatory", call)
    if not _credentials_match(state, app_key, app_secret):
        return api_refusal(400, "invalidClientIdOrSecret", "无效的clientId或者clientSecret", call)
    if not _fetch_allowed(state, app_key, call.now):
        return api_refusal(403, FETCH_LIMIT_CODE, "token requests are too frequent", call)
    value, life = issue(state, app_key, "api", call.now)
    return Answer({"accessToken": value, "expireIn": life}, accepted=True)


def get_token(state, call):
    """GET /gettoken?appkey&appsecret."""
    if call.method != "GET":
        return oapi_refusal(43001, "需要GET请求 (GET required)")
    app_key = call.query.get("appkey")
    if not _credentials_match(state, app_key, call.query.get("appsecret")):
        return oapi_refusal(40089, "不合法的appKey或appSecret")
    if not _fetch_allowed(state, app_key, call.now):
        return oapi_refusal(90018, "token requests are too frequent")
    value, life = issue(state, app_key, "oapi", call.now)
    return oapi_ok(access_token=value, expires_in=life)


def owner(state, value, kind, now):
    """(app_key, None), or (None, "unknown" | "expired") for a token presented to an endpoint of this kind."""
    token = state.tokens.get(value or "")
    if token is None or (token.kind != kind and not state.config["tokens_shared"]):
        return None, "unknown"
    if token.expires <= now:
        return None, "expired"
    return token.app_key, None


def allowed(state, app_key, permission):
    """An app without a list of permissions has them all."""
    permissions = state.apps.get(app_key, {}).get("permissions")
    return permissions is None or permission in permissions
