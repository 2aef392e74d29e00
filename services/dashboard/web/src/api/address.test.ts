import { expect, test } from "vitest";

import { artifactPath, cookieValue, query } from "./address";

test("the CSRF token is read from among other cookies", () => {
  expect(cookieValue("theme=dark; overread_csrf=a%2Bb", "overread_csrf")).toBe("a+b");
  expect(cookieValue("my_overread_csrf=x", "overread_csrf")).toBeNull();
});

test("a query holds what is set and nothing else", () => {
  expect(query({ state: "", cursor: null, limit: 5 })).toBe("?limit=5");
  expect(query({ state: undefined })).toBe("");
});

test("an artifact's name cannot lead to another address", () => {
  expect(artifactPath("R", "../L?.png")).toBe("/results/R/artifacts/..%2FL%3F.png");
});
