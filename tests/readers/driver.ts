// Lets a test use the reader in TypeScript: a question per line of standard input, an answer per line of standard
// output. Its argument is the folder whose node_modules has jose, which is not beside the example.
import { registerHooks } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const parentURL = pathToFileURL(`${process.argv[2]}/`).href;
registerHooks({
  resolve: (name, context, next) => next(name, name === "jose" ? { ...context, parentURL } : context),
});
const { errors } = await import("jose");
const { KeyRing } = await import("../../examples/key-ring/typescript/key_ring.ts");
const { PublicKeys } = await import("../../examples/key-ring/typescript/verify_only.ts");

// As a service does: once, when it starts.
const rings = new Map();
const once = (key: string, make: (key: string) => unknown) => rings.get(key) ?? rings.set(key, make(key)).get(key);

async function answer({ op, ring, claims, token, url }) {
  switch (op) {
    case "sign":
      return { token: await once(ring, KeyRing.load).sign(claims) };
    case "verify":
      return { claims: await once(ring, KeyRing.load).verify(token) };
    case "verify_only":
      return { claims: await once(url, (url) => new PublicKeys(url)).verify(token) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line)).catch((error) => ({
    [error instanceof errors.JOSEError ? "refused" : "broken"]: `${error.name}: ${error.message}`,
  }));
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
