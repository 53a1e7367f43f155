// For a service that only verifies: the public JWK Set by its URL. It needs jose.
import { createRemoteJWKSet, jwtVerify } from "jose";
import type { JWTPayload } from "jose";

export class PublicKeys {
  readonly #keys;

  constructor(url: string) {
    // Kept for 600 seconds. An unknown kid fetches it again, unless that was done less than 30 seconds ago.
    this.#keys = createRemoteJWKSet(new URL(url));
  }

  async verify(token: string): Promise<JWTPayload> {
    // It takes a key for the token's kid whose own "alg" is the token's.
    return (await jwtVerify(token, this.#keys, { requiredClaims: ["exp"] })).payload;
  }
}
