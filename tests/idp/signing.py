"""ID tokens as tests need them: right in everything but what the test changes."""

import base64
import json

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from lianyan.identity.tokens import Expected, TokenRefused, verify

NOW = 1_790_000_000.5
ISSUER = "https://idp-a.example"
CLIENT = "portal"
NONCE = "n1"
DAY = 86_400

RSA = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "k2"})
SHORT_RSA_MODULUS = base64.urlsafe_b64encode(b"\xc1" + b"\x11" * 127).rstrip(b"=").decode()
KEYS = {
    "RSA": RSA,
    "P-256": ECKey.generate_key("P-256", {"kid": "e1"}),
    "P-384": ECKey.generate_key("P-384", {"kid": "e2"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "o1"}),
}
CLAIMS = {
    "iss": ISSUER,
    "sub": "u1",
    "aud": CLIENT,
    "nonce": NONCE,
    "iat": NOW,
    "exp": NOW + 300,
}


def public(*keys, **more):
    return {"keys": [{**k.as_dict(private=False), **more} for k in keys]}


def segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(claims, header=None, key=RSA, model=None):
    header = {"alg": "RS256", "kid": "k1"} if header is None else header
    text = f"{segment(header)}.{segment(claims)}"
    signature = JWSRegistry.algorithms[model or header["alg"]].sign(text.encode(), key)
    return f"{text}.{segment(signature)}"


def check(token, keys=None, **expected):
    wanted = Expected(**{"issuer": ISSUER, "client_id": CLIENT, "nonce": NONCE, **expected})
    return verify(token, public(RSA, OTHER_RSA) if keys is None else keys, wanted, NOW)


def refused(token, keys=None, **expected):
    with pytest.raises(TokenRefused) as caught:
        check(token, keys, **expected)
    return caught.value


def changed(**claims):
    return {k: v for k, v in {**CLAIMS, **claims}.items() if v is not ...}
