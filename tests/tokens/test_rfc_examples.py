"""The examples of RFC 7515, 7520, 7638, 8037 and 9449, and of the status list draft: their own published values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from counterfoil.errors import VerifyError
from counterfoil.jose.algorithms import ALGORITHMS, check
from counterfoil.jose.jwk import public_jwk, thumbprint
from counterfoil.tokens import jws
from counterfoil.tokens.dpop import check_proof
from counterfoil.tokens.encoding import from_base64url, from_translated
from counterfoil.tokens.presentation import DpopRequest

from .making import b64, verifier

Members = Mapping[str, Any]

CLAIMS = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
ENCODED_CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

# RFC 7515, A.2, A.3, A.4
RSA_KEY = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg"
    "665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyu"
    "XpoQ",
    "e": "AQAB",
}
RSA_EXAMPLE = (
    f"eyJhbGciOiJSUzI1NiJ9.{ENCODED_CLAIMS}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwus"
    "C-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
EC_KEY = {
    "kty": "EC", "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
EC_EXAMPLE = (
    f"eyJhbGciOiJFUzI1NiJ9.{ENCODED_CLAIMS}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
P521_KEY = {
    "kty": "EC", "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
}
P521_EXAMPLE = (
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
    "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3"
    "xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
# RFC 8037, A.2, A.4
OKP_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
OKP_EXAMPLE = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

SIGNED: dict[str, tuple[Members, str, bytes]] = {
    "RFC 7515 A.2 RS256": (RSA_KEY, RSA_EXAMPLE, CLAIMS),
    "RFC 7515 A.3 ES256": (EC_KEY, EC_EXAMPLE, CLAIMS),
    "RFC 7515 A.4 ES512": (P521_KEY, P521_EXAMPLE, b"Payload"),
    "RFC 8037 A.4 EdDSA": (OKP_KEY, OKP_EXAMPLE, b"Example of Ed25519 signing"),
}


def payload(key: Members, token: str) -> bytes:
    """Verify a signature with a key that is given, as the examples do: they name none."""
    parts = jws.compact(token)
    algorithm = jws.algorithm_of(jws.read_header(parts.header))
    known = public_jwk(key)
    assert algorithm in known.algorithms
    jws.signed(parts, check(known.key, ALGORITHMS[algorithm]), "example")
    return from_translated(parts.payload, "the payload")


@pytest.mark.parametrize(("key", "token", "expected"), SIGNED.values(), ids=SIGNED)
def test_an_example_verifies_and_its_neighbours_do_not(key: Members, token: str, expected: bytes) -> None:
    """The published signature is good; with one bit of it, or of the payload, changed it is not."""
    assert payload(key, token) == expected
    head, body, signature = token.split(".")
    for part, changed in enumerate(([head, "e" + body[1:], signature], [head, body, "B" + signature[1:]])):
        if changed[part + 1] != [head, body, signature][part + 1]:
            with pytest.raises(VerifyError, match="F5"):
                payload(key, ".".join(changed))


@pytest.mark.parametrize(
    "token",
    {
        "RFC 7515 A.1, HS256": "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + ENCODED_CLAIMS
        + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "RFC 7515 A.5 and RFC 7519 6.1, none": f"eyJhbGciOiJub25lIn0.{ENCODED_CLAIMS}.",
    }.values(),
)
def test_examples_without_a_public_key_are_refused(token: str) -> None:
    """Valid by the RFC, and refused here on purpose: V1."""
    with pytest.raises(VerifyError, match="V1, known"):
        verifier().verify(token, at=1300819300)


def test_other_serializations_are_refused() -> None:
    """RFC 7515, A.6 and A.7; RFC 7519, A.1 (encrypted)."""
    general = {"payload": ENCODED_CLAIMS, "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "DtEh"}]}
    flattened = {"payload": ENCODED_CLAIMS, "protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "DtEh"}
    for token in (json.dumps(general), json.dumps(flattened), "eyJhbGciOiJSU0ExXzUifQ.a.b.c.d"):
        with pytest.raises(VerifyError, match="F2, compact"):
            verifier().verify(token, at=1300819300)


def test_the_example_of_crit_is_refused() -> None:
    """RFC 7515, 4.1.11 and E: an extension that must be understood."""
    example = b'{"alg":"ES256",\r\n "crit":["exp"],\r\n "exp":1363284000\r\n}'
    token = f"{b64(example)}.{ENCODED_CLAIMS}.AAAA"
    with pytest.raises(VerifyError, match="F4, crit"):
        verifier().verify(token, at=1300819300)


def test_the_example_of_base64url() -> None:
    """RFC 7515, C: five octets."""
    assert from_base64url(b"A-z_4ME", "the example") == bytes([3, 236, 255, 224, 193])


def test_thumbprints_of_examples() -> None:
    """RFC 7638, 3.1; RFC 8037, A.3; RFC 9449, 6.1."""
    rsa = {
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
        "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQv"
        "RL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }
    assert thumbprint(rsa) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert thumbprint(OKP_KEY) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert thumbprint(DPOP_KEY) == DPOP_JKT
    assert public_jwk(rsa).thumbprint == thumbprint(rsa)


# RFC 9449, figures 2, 9, 12 and 13
DPOP_KEY = {
    "kty": "EC", "crv": "P-256",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
}
DPOP_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
DPOP_TOKEN = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
DPOP_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVV"
    "FVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWoz"
    "Vl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2"
    "MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA"
    "1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
DPOP_TIME = 1562262618
DPOP_URL = "https://resource.example.org/protectedresource"


def test_the_example_of_a_dpop_proof_is_accepted() -> None:
    """RFC 9449, 7.1, figures 12 and 13: proof, access token and thumbprint belong together."""
    request = DpopRequest(DPOP_PROOF, "GET", DPOP_URL)
    assert check_proof(request, DPOP_JKT, DPOP_TOKEN, verifier().flow, DPOP_TIME) == "e1j3V_bKic8-LAEB"


def test_the_example_of_a_dpop_proof_does_not_serve_anything_else() -> None:
    """Another token, key, method, path, server or hour."""
    request = DpopRequest(DPOP_PROOF, "GET", DPOP_URL)
    flow = verifier().flow
    others: list[tuple[DpopRequest, str, bytes, int]] = [
        (request, DPOP_JKT, DPOP_TOKEN + b"x", DPOP_TIME),
        (request, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", DPOP_TOKEN, DPOP_TIME),
        (replace(request, method="POST"), DPOP_JKT, DPOP_TOKEN, DPOP_TIME),
        (replace(request, url=DPOP_URL + "/other"), DPOP_JKT, DPOP_TOKEN, DPOP_TIME),
        (replace(request, url="http://resource.example.org/protectedresource"), DPOP_JKT, DPOP_TOKEN, DPOP_TIME),
        (request, DPOP_JKT, DPOP_TOKEN, DPOP_TIME + 3600),
        (replace(request, nonce="eyJ7S_zG.eyJH0-Z.HX4w-7v"), DPOP_JKT, DPOP_TOKEN, DPOP_TIME),
    ]
    for asked, jkt, token, at in others:
        with pytest.raises(VerifyError, match="V12"):
            check_proof(asked, jkt, token, flow, at)


# RFC 7520, 4.1 to 4.3: one payload, three signatures
FRODO = (
    "It\u2019s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your"
    " feet, there\u2019s no knowing where you might be swept off to."
)
COOKBOOK_RSA = {
    "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB",
    "n": (
        "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_Ns"
        "YOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCu"
        "EHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
    ),
}
COOKBOOK_EC = {
    "kty": "EC", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "crv": "P-521",
    "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
    "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
}
COOKBOOK_PAYLOAD = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlm"
    "IHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)
COOKBOOK: dict[str, tuple[Members, str, str]] = {
    "RFC 7520 4.1 RS256": (
        COOKBOOK_RSA,
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDk"
        "oBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9Uzp"
        "ERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogo"
        "ree7vjbU5y18kDquDg",
    ),
    "RFC 7520 4.2 PS384": (
        COOKBOOK_RSA,
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OL"
        "PpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shn"
        "r2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6"
        "oD4ifKo8DYM-X72Eaw",
    ),
    "RFC 7520 4.3 ES512": (
        COOKBOOK_EC,
        "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnA"
        "MDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
    ),
}


@pytest.mark.parametrize(("key", "header", "signature"), COOKBOOK.values(), ids=COOKBOOK)
def test_the_cookbook_verifies(key: Members, header: str, signature: str) -> None:
    """RFC 7520, 4: what Gandalf said to Frodo, in three signatures."""
    assert payload(key, f"{header}.{COOKBOOK_PAYLOAD}.{signature}").decode() == FRODO


def test_the_cookbooks_mac_is_refused() -> None:
    """RFC 7520, 4.4: HS256, which needs a shared secret."""
    header = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9"
    with pytest.raises(VerifyError, match="V1, known"):
        verifier().verify(f"{header}.{COOKBOOK_PAYLOAD}.s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0", at=0)
