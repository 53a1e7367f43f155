"""Reads a key ring, or the bare secret that was there before it. Copy it; it needs PyJWT with cryptography."""

import json
from typing import Any, NamedTuple

import jwt


class Key(NamedTuple):
    kid: str | None
    kty: str
    alg: str
    key: Any


class KeyRing:
    def __init__(self, keys: list[Key], current: str | None) -> None:
        self.keys = keys
        self.current = {key.kid: key for key in keys}[current]

    @classmethod
    def load(cls, text: str) -> "KeyRing":
        try:
            ring = json.loads(text)
        except ValueError:
            ring = None
        if not isinstance(ring, dict) or "keys" not in ring:
            return cls([Key(None, "oct", "HS256", text.encode())], None)
        # Not by jwt.PyJWK: its exceptions quote the key, and so would the log.
        keys = [(k, jwt.get_algorithm_by_name(k["alg"]).from_jwk(k)) for k in ring["keys"]]
        return cls([Key(k["kid"], k["kty"], k["alg"], key) for k, key in keys], ring["current"])

    def sign(self, claims: dict[str, Any]) -> str:
        kid, _, alg, key = self.current
        return jwt.encode(claims, key, alg, headers={"kid": kid} if kid else None)

    def verify(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid")
        # Without a name, here or in the token, it can only be of the time of the bare secret.
        by_name = kid is not None and self.current.kid is not None
        for key in self.keys:
            if key.kid == kid if by_name else key.kty == "oct":
                # PyJWT verifies RSA with a public key only.
                verifier = key.key if key.kty == "oct" else key.key.public_key()
                try:
                    # The key says by which algorithm, never the token.
                    return jwt.decode(token, verifier, algorithms=[key.alg], options={"require": ["exp"]})
                except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                    continue
        raise jwt.InvalidTokenError("no key of the ring verifies this token")
