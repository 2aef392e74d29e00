import { expect, test } from "vitest";

import { newKey } from "./once";

test("no two requests have one name", () => {
  const names = Array.from({ length: 1000 }, newKey);
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
});
