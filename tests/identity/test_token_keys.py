"""A token is believed by the key that its institution publishes for it, and by no other."""

import pytest

from idp.signing import (
    CLAIMS,
    CLIENT,
    ISSUER,
    KEYS,
    NONCE,
    NOW,
    OTHER_RSA,
    RSA,
    SHORT_RSA_MODULUS,
    changed,
    check,
    public,
    refused,
    segment,
    sign,
)
from lianyan.identity.tokens import Expected, TokenRefused, verify


def test_another_key_under_the_same_name_asks_for_fresh_keys():
    token = sign(CLAIMS, key=OTHER_RSA)
    caught = refused(token, public(RSA))
    assert (caught.reason, caught.refresh) == ("signature", True)
    fresh = {"keys": [{**OTHER_RSA.as_dict(private=False), "kid": "k1"}]}
    assert check(token, fresh).subject == "u1"


def test_an_unknown_key_asks_for_fresh_keys():
    caught = refused(sign(CLAIMS, {"alg": "RS256", "kid": "k9"}))
    assert (caught.reason, caught.refresh) == ("unknown_key", True)


def test_without_a_key_name_exactly_one_key_must_fit():
    token = sign(CLAIMS, {"alg": "RS256"})
    assert check(token, public(RSA)).subject == "u1"
    assert check(token, public(KEYS["P-256"], RSA)).subject == "u1"
    assert refused(token).reason == "ambiguous_key"
    assert refused(token, public(KEYS["P-256"])).reason == "unknown_key"


def test_two_keys_of_one_name_are_both_tried():
    same = {"keys": [{**OTHER_RSA.as_dict(private=False), "kid": "k1"}, *public(RSA)["keys"]]}
    assert check(sign(CLAIMS), same).subject == "u1"


@pytest.mark.parametrize(
    "keys",
    [None, [], "x", {}, {"keys": None}, {"keys": {}}, {"keys": [{}] * 101}, "<html>"],
    ids=str,
)
def test_keys_that_are_none(keys):
    with pytest.raises(TokenRefused, match="keys"):
        verify(sign(CLAIMS), keys, Expected(issuer=ISSUER, client_id=CLIENT, nonce=NONCE), NOW)


RSA_PUBLIC = RSA.as_dict(private=False)


@pytest.mark.parametrize(
    "key",
    [
        {},
        7,
        {"kty": "ML-DSA", "kid": "k1"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"},
        {**RSA_PUBLIC, "use": "enc"},
        {**RSA_PUBLIC, "use": ["sig"]},
        {**RSA_PUBLIC, "alg": "RS512"},
        {**RSA_PUBLIC, "alg": []},
        {**RSA_PUBLIC, "key_ops": ["encrypt"]},
        {**RSA_PUBLIC, "key_ops": "verify"},
        {**RSA_PUBLIC, "n": SHORT_RSA_MODULUS},
        {**RSA_PUBLIC, "n": "A" * 4000},
        {**RSA_PUBLIC, "n": 7},
        {**RSA_PUBLIC, "n": None},
        {**RSA_PUBLIC, "e": "AA"},
        {**RSA_PUBLIC, "e": None},
        {"kty": "RSA", "kid": "k1"},
        {**KEYS["P-256"].as_dict(private=False), "kid": "k1"},
    ],
)
def test_a_key_that_cannot_have_signed_is_passed_over(key):
    only = refused(sign(CLAIMS), {"keys": [key]})
    assert (only.reason, only.refresh) == ("unknown_key", True)
    assert check(sign(CLAIMS), {"keys": [key, RSA_PUBLIC]}).subject == "u1"


def test_a_curve_point_that_is_not_on_its_curve_is_no_key():
    key = {**KEYS["P-256"].as_dict(private=False), "y": "AAAA"}
    token = sign(CLAIMS, {"alg": "ES256", "kid": "e1"}, KEYS["P-256"])
    assert refused(token, {"keys": [key]}, algorithms=frozenset({"ES256"})).reason == "unknown_key"


def test_a_key_of_another_curve_does_not_fit():
    token = sign(CLAIMS, {"alg": "ES256", "kid": "e2"}, KEYS["P-256"])
    caught = refused(token, public(KEYS["P-384"]), algorithms=frozenset({"ES256"}))
    assert caught.reason == "unknown_key"


def test_a_private_key_published_by_mistake_is_used_as_the_public_one():
    assert check(sign(CLAIMS), {"keys": [RSA.as_dict(private=True)]}).subject == "u1"


def test_a_changed_payload_does_not_verify():
    head, _, signature = sign(CLAIMS).split(".")
    assert refused(f"{head}.{segment(changed(sub='admin'))}.{signature}").reason == "signature"
