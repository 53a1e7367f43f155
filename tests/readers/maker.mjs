// Makes rings and tokens as somebody else does who knows the RFCs and none of the readers' libraries: by Node's own
// cryptography. A question per line on standard input, an answer per line on standard output.
import crypto from "node:crypto";
import { createInterface } from "node:readline";

const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const pair = (type, options) => crypto.generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });

const fresh = {
  HS256: () => ({ kty: "oct", k: crypto.randomBytes(32).toString("base64url") }),
  HS512: () => ({ kty: "oct", k: crypto.randomBytes(64).toString("base64url") }),
  RS256: () => pair("rsa", { modulusLength: 2048 }),
  ES256: () => pair("ec", { namedCurve: "P-256" }),
  EdDSA: () => pair("ed25519"),
};

function signature(data, alg, jwk) {
  // A text is a private key in PEM.
  const asymmetric = typeof jwk === "string" ? jwk : { key: jwk, format: "jwk" };
  const key = alg === "none" || jwk.kty === "oct" ? undefined : crypto.createPrivateKey(asymmetric);
  switch (alg) {
    case "none":
      return "";
    case "HS256":
    case "HS512": {
      // Somebody who attacks takes for the secret what everybody knows: the public key.
      const secret = key ? publicPem(jwk) : Buffer.from(jwk.k, "base64url");
      return crypto.createHmac(alg.replace("HS", "sha"), secret).update(data).digest("base64url");
    }
    case "RS256":
      return crypto.sign("sha256", data, key).toString("base64url");
    case "ES256":
      return crypto.sign("sha256", data, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
    case "EdDSA":
      return crypto.sign(null, data, key).toString("base64url");
  }
}

const publicPem = (jwk) => crypto.createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });

const operations = {
  key: ({ alg }) => ({ ...fresh[alg](), kid: `20261122-${crypto.randomBytes(4).toString("hex")}`, alg, use: "sig" }),
  pem: ({ alg }) => crypto.createPrivateKey({ key: fresh[alg](), format: "jwk" }).export({ type: "pkcs8", format: "pem" }),
  token: ({ header, claims, key }) => {
    const data = `${encoded(header)}.${encoded(claims)}`;
    return `${data}.${signature(Buffer.from(data), header.alg, key)}`;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(operations[question.op](question))}\n`);
}
