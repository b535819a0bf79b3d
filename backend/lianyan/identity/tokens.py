"""ID tokens: the one place that decides whether an institution's word about a person is believed."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

TOLERANCE_S = 120
"""How many seconds an institution's clock may differ from ours."""
OLDEST_S = 600
"""How long ago a token may have been made."""
LONGEST_S = 24 * 3600
"""How long a token may be valid."""
LARGEST = 64 * 1024
MOST_KEYS = 100
LONGEST_SUBJECT = 255
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_OLDEST_S = 120
"""How long ago the notice of a logout may have been made."""
LAST = 1e12
RSA_BYTES = range(256, 1025)
SEGMENT = re.compile(r"[A-Za-z0-9_-]+")

KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Every algorithm a provider may be allowed, with the key it needs: asymmetric ones only."""
PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""The members of a key that are used; whatever else a provider publishes is not looked at."""
CLOCK = {"expired", "issued_in_future", "issued_long_ago", "not_yet_valid"}
"""Reasons that most often mean a wrong clock."""

Key = RSAKey | ECKey | OKPKey


class TokenRefused(Exception):
    """A token that proves nothing; `reason` says why in one word for the log."""

    def __init__(self, reason: str, *, refresh: bool = False, skew: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refresh = refresh
        """The provider may have changed its keys: fetch them once and ask again."""
        self.skew = skew
        """By how many seconds the times disagree, where they are the reason."""

    @property
    def clock(self) -> bool:
        """Say whether a wrong clock is the likely cause."""
        return self.reason in CLOCK


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a token must say for this one login."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: frozenset[str] = frozenset({"RS256"})
    other_audiences: frozenset[str] = frozenset()
    access_token: str | None = None
    max_age: int | None = None
    tolerance: int = TOLERANCE_S


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified token says."""

    issuer: str
    subject: str
    session: str | None
    auth_time: float | None
    acr: str | None
    amr: tuple[str, ...]
    claims: Mapping[str, Any]


def verify(token: str, keys: Any, expected: Expected, now: float) -> Proof:
    """Return what `token` proves at `now`, or raise TokenRefused."""
    head, body, signature, signed = _split(token)
    algorithm, kid = _header(head, expected.algorithms)
    _check_signature(_candidates(keys, algorithm, kid), algorithm, signed, signature)
    claims = _object(body, "payload")
    _check_issuer(claims, expected)
    _check_audience(claims, expected)
    _check_times(claims, now, expected.tolerance)
    _check_nonce(claims, expected.nonce)
    _check_hash(claims, algorithm, expected.access_token)
    return Proof(
        issuer=expected.issuer,
        subject=subject_of(claims),
        session=_short(claims.get("sid")),
        auth_time=_authenticated(claims, now, expected),
        acr=_short(claims.get("acr")),
        amr=tuple(x for x in _list(claims.get("amr")) if _short(x)),
        claims=claims,
    )


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What the notice of a logout says: who, or which session, or both."""

    subject: str | None
    session: str | None
    jti: str
    forgotten_at: float
    """Until then the same notice may come again and has to be known."""


def verify_logout(
    token: str, keys: Any, *, issuer: str, client_id: str, algorithms: frozenset[str], now: float
) -> Ended:
    """Return what a logout token proves at `now`, or raise TokenRefused (Back-Channel Logout 1.0, 2.6)."""
    head, body, signature, signed = _split(token)
    algorithm, kid = _header(head, algorithms, kinds=("JWT", "LOGOUT+JWT"))
    _check_signature(_candidates(keys, algorithm, kid), algorithm, signed, signature)
    claims = _object(body, "payload")
    expected = Expected(issuer=issuer, client_id=client_id, nonce="")
    _check_issuer(claims, expected)
    _check_audience(claims, expected)
    issued = _time(claims, "iat")
    if issued > now + TOLERANCE_S:
        _refuse("issued_in_future", skew=issued - now)
    if issued < now - LOGOUT_OLDEST_S - TOLERANCE_S:
        _refuse("issued_long_ago", skew=issued - now)
    if "exp" in claims and _time(claims, "exp") <= now - TOLERANCE_S:
        _refuse("expired")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict):
        _refuse("events")
    if "nonce" in claims:
        # What has a nonce was made as the proof of a login.
        _refuse("nonce")
    jti = _short(claims.get("jti"))
    if jti is None:
        _refuse("jti")
    subject = subject_of(claims) if "sub" in claims else None
    session = _short(claims.get("sid"))
    if ("sid" in claims and session is None) or (subject is None and session is None):
        _refuse("subject")
    until = issued + LOGOUT_OLDEST_S + 2 * TOLERANCE_S
    return Ended(subject=subject, session=session, jti=jti, forgotten_at=until)


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return who the claims are about, exactly as said; raise TokenRefused where that is nobody."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > LONGEST_SUBJECT:
        _refuse("subject")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in subject):
        _refuse("subject")
    return subject


def email_of(claims: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return the address the claims give, and whether the provider says that it has been checked."""
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        return None, False
    return email, claims.get("email_verified") is True


def _refuse(reason: str, **more: Any) -> NoReturn:
    raise TokenRefused(reason, **more)


def _split(token: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Return header, payload and signature, and the bytes that were signed."""
    if len(token) > LARGEST:
        _refuse("too_large")
    parts = token.split(".")
    if len(parts) == 5:  # noqa: PLR2004  an encrypted token has five parts
        _refuse("encrypted")
    if len(parts) != 3:  # noqa: PLR2004  a signed one has three
        _refuse("malformed")
    if not parts[2]:
        _refuse("unsigned")
    head, body, signature = (_decode(part) for part in parts)
    return head, body, signature, f"{parts[0]}.{parts[1]}".encode()


def _decode(segment: str) -> bytes:
    if not SEGMENT.fullmatch(segment):
        _refuse("malformed")
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        _refuse("malformed")


def _object(text: bytes, part: str) -> dict[str, Any]:
    """Return the JSON object in `text`; a name given twice is refused, since readers differ on it."""

    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ValueError(name)
            found[name] = value
        return found

    try:
        found = json.loads(text.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _refuse(part)
    return found


def _header(
    head: bytes, allowed: frozenset[str], kinds: tuple[str, ...] = ("JWT",)
) -> tuple[str, str | None]:
    """Return algorithm and key id; keys that the token itself brings or points to are not looked at."""
    header = _object(head, "header")
    algorithm, kid, kind = (header.get(n) for n in ("alg", "kid", "typ"))
    if not isinstance(algorithm, str) or algorithm not in KINDS or algorithm not in allowed:
        _refuse("algorithm")
    if "crit" in header or "b64" in header:
        _refuse("critical")
    if kind is not None and not (isinstance(kind, str) and kind.upper() in kinds):
        _refuse("kind")
    if kid is not None and not isinstance(kid, str):
        _refuse("key_id")
    return algorithm, kid


def _candidates(keys: Any, algorithm: str, kid: str | None) -> list[Key]:
    """Return the keys that may have made a signature of `algorithm` under `kid`."""
    listed = keys.get("keys") if isinstance(keys, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        _refuse("keys")
    fitting = [k for k in listed if isinstance(k, Mapping) and _fits(k, algorithm)]
    if kid is not None:
        fitting = [k for k in fitting if k.get("kid") == kid]
    imported = [key for key in map(_import, fitting) if key is not None]
    if not imported:
        _refuse("unknown_key", refresh=True)
    if kid is None and len(imported) > 1:
        _refuse("ambiguous_key")
    return imported


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kty, curve = KINDS[algorithm]
    uses = key.get("key_ops")
    return (
        key.get("kty") == kty
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (uses is None or (isinstance(uses, list) and "verify" in uses))
    )


def _import(key: Mapping[str, Any]) -> Key | None:
    """Return the public part of `key`, or None where it is no key or a weak one."""
    kty = key["kty"]
    public = {n: key.get(n) for n in PUBLIC[kty]}
    try:
        if kty == "RSA" and len(_decode(public["n"] or "").lstrip(b"\0")) not in RSA_BYTES:
            return None
        return JWKRegistry.import_key({"kty": kty, **public})  # type: ignore[return-value, dict-item]  # never an oct key
    except (TokenRefused, JoseError, ValueError, TypeError, AttributeError, OverflowError):
        return None


def _check_signature(keys: list[Key], algorithm: str, signed: bytes, signature: bytes) -> None:
    model = JWSRegistry.algorithms[algorithm]
    if not any(model.verify(signed, signature, key) for key in keys):
        _refuse("signature", refresh=True)


def _check_issuer(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        _refuse("issuer")


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    """Refuse a token made for another client, or for us and somebody we do not know."""
    said = claims.get("aud")
    audiences = [said] if isinstance(said, str) else said
    if not isinstance(audiences, list) or not all(isinstance(a, str) for a in audiences):
        _refuse("audience")
    others = set(audiences) - {expected.client_id}
    if expected.client_id not in audiences or others - expected.other_audiences:
        _refuse("audience")
    party = claims.get("azp")
    if party != expected.client_id and (len(audiences) > 1 or "azp" in claims):
        _refuse("authorized_party")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not _instant(value):
        _refuse(name)
    return float(value)  # type: ignore[arg-type]  # a number, as just found


def _instant(value: Any) -> bool:
    """Say whether `value` is a time: a number, and not one beyond all calendars."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) < LAST


def _check_times(claims: Mapping[str, Any], now: float, tolerance: int) -> None:
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    if expires <= now - tolerance:
        _refuse("expired", skew=expires - now)
    if issued > now + tolerance:
        _refuse("issued_in_future", skew=issued - now)
    if issued < now - OLDEST_S:
        _refuse("issued_long_ago", skew=issued - now)
    if expires - issued > LONGEST_S:
        _refuse("valid_too_long")
    if "nbf" in claims and (begins := _time(claims, "nbf")) > now + tolerance:
        _refuse("not_yet_valid", skew=begins - now)


def _check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    said = claims.get("nonce")
    if not isinstance(said, str) or not nonce:
        _refuse("nonce")
    if not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        _refuse("nonce")


def _check_hash(claims: Mapping[str, Any], algorithm: str, access_token: str | None) -> None:
    """Refuse a token that names another access token than the one that came with it."""
    if "at_hash" not in claims:
        return
    bits = "512" if algorithm == "EdDSA" else algorithm[2:]
    digest = hashlib.new(f"sha{bits}", (access_token or "").encode()).digest()
    right = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if access_token is None or claims["at_hash"] != right:
        _refuse("access_token_hash")


def _authenticated(claims: Mapping[str, Any], now: float, expected: Expected) -> float | None:
    """Return when the person proved who they are; providers send 0 and fractions where they know nothing."""
    said = claims.get("auth_time")
    at = float(said) if said is not None and _instant(said) and said > 0 else None
    if expected.max_age is None:
        return at
    if at is None or at < now - expected.max_age - expected.tolerance:
        _refuse("authenticated_long_ago")
    return at


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_SUBJECT else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
