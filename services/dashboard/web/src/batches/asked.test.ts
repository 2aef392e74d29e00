import { expect, test } from "vitest";

import { batchAsked, plainAsked } from "./asked";

const plain = { ...plainAsked("retinopathy", "Europe/Berlin"), name: " Again " };

test("what is left empty is not asked for", () => {
  expect(batchAsked(plain)).toEqual({
    name: "Again",
    pipeline: "retinopathy",
    model_version: null,
    source: { kind: "stored" },
    query: {},
    window: { from: "22:00", to: "06:00", zone: "Europe/Berlin" },
    budget: null,
  });
});

test("a budget and a query of some parts hold those parts alone", () => {
  const asked = batchAsked({ ...plain, always: true, studies: "2000", readBy: "1.0.0", abstained: "no" });
  expect([asked.window, asked.budget, asked.query]).toEqual([
    null,
    { studies: 2000 },
    { read_by: "1.0.0", abstained: false },
  ]);
});
