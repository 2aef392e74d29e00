import { expect, test } from "vitest";

import { parsed, placeOf } from "./unsaved";
import { BLANK } from "./verdict";

test("what was typed comes back as it was", () => {
  const draft = { ...BLANK, verdict: "reject" as const, comment: "Dust.", answers: { "dr_grade/L": "2" } };
  expect(parsed(JSON.stringify(draft))).toEqual(draft);
});

test("what another version left is not taken for a draft", () => {
  expect(parsed("{}")).toBeNull();
  expect(parsed('{"verdict":"maybe","reason":"","comment":"","answers":{}}')).toBeNull();
  expect(parsed("not JSON")).toBeNull();
  expect(parsed("null")).toBeNull();
});

test("two readers at one computer have their own texts", () => {
  expect(placeOf("ann", "slot")).not.toBe(placeOf("bob", "slot"));
});
