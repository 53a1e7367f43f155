// Reads a key ring, or the bare secret that was there before it. Copy it; it needs jose.
import { SignJWT, base64url, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { JWK, JWTPayload } from "jose";

export class KeyRing {
  readonly #signer: JWK;
  readonly #verifiers: JWK[];

  constructor(keys: JWK[], current?: string) {
    const signer = keys.find((key) => key.kid === current);
    if (!signer) throw new Error(`the ring has no key ${current}`);
    this.#signer = signer;
    // jose refuses to verify with a private key.
    this.#verifiers = keys.map(({ d, p, q, dp, dq, qi, ...key }) => key);
  }

  static load(text: string): KeyRing {
    let ring;
    try {
      ring = JSON.parse(text);
    } catch {}
    if (Object.hasOwn(Object(ring), "keys")) return new KeyRing(ring.keys, ring.current);
    return new KeyRing([{ kty: "oct", alg: "HS256", k: base64url.encode(text) }]);
  }

  sign(claims: JWTPayload): Promise<string> {
    const { alg, kid } = this.#signer;
    return new SignJWT(claims).setProtectedHeader({ alg: alg!, kid, typ: "JWT" }).sign(this.#signer);
  }

  async verify(token: string): Promise<JWTPayload> {
    const kid = kidOf(token);
    // Without a name, here or in the token, it can only be of the time of the bare secret.
    const byName = kid !== undefined && this.#signer.kid !== undefined;
    for (const key of this.#verifiers.filter((key) => (byName ? key.kid === kid : key.kty === "oct"))) {
      try {
        // The key says by which algorithm, never the token.
        return (await jwtVerify(token, key, { algorithms: [key.alg!], requiredClaims: ["exp"] })).payload;
      } catch (error) {
        const { JWSSignatureVerificationFailed, JOSEAlgNotAllowed } = errors;
        if (![JWSSignatureVerificationFailed, JOSEAlgNotAllowed].some((kind) => error instanceof kind)) throw error;
      }
    }
    throw new errors.JWTInvalid("no key of the ring verifies this token");
  }
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    // Of all that jose refuses, the only thing that it refuses by a TypeError.
    throw new errors.JWTInvalid("this is no token");
  }
}
