/** Names of requests that must not be done twice: one that is sent again under its name is answered, not repeated. */

/** crypto.randomUUID is there over HTTPS alone, and a reading room's own network may have none. */
const BYTES = 16;

/** A fresh Idempotency-Key. */
export function newKey(): string {
  const drawn = crypto.getRandomValues(new Uint8Array(BYTES));
  return [...drawn].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
