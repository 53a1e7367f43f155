"""For a service that only verifies: the public JWK Set by its URL. It needs PyJWT with cryptography."""

from typing import Any

import jwt


class PublicKeys:
    def __init__(self, url: str) -> None:
        # Kept for 300 seconds. An unknown kid fetches it again, unless that was done less than 30 seconds ago.
        self.client = jwt.PyJWKClient(url, timeout=5)

    def verify(self, token: str) -> dict[str, Any]:
        key = self.client.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options={"require": ["exp"]})
