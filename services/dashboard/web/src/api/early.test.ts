import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { askEarly, earlyAnswer } from "./early";
import { askFirst } from "./first";

const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("document", { cookie: "overread_csrf=a" });
  vi.stubGlobal("sessionStorage", { getItem: () => '{"pipeline":"retinopathy"}' });
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    return Promise.resolve(Response.json({ items: [], next_cursor: null, views: [] }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const ROWS = "/api/v1/studies?pipeline=retinopathy&limit=100";

test("the list is asked for early, and by the program not a second time", async () => {
  askEarly("/");
  expect(asked).toEqual([ROWS, "/api/v1/me"]);
  await askFirst(new QueryClient(), "/");
  expect(asked.filter((path) => path === ROWS || path === "/api/v1/me")).toHaveLength(2);
});

test("what is counted is asked for after the rows", async () => {
  askEarly("/");
  const first = askFirst(new QueryClient(), "/");
  expect(asked).toHaveLength(2);
  await first;
  expect(asked).toContain("/api/v1/views/counts");
});

test("an early answer is given once", async () => {
  askEarly("/studies/one");
  expect(asked).toEqual(["/api/v1/me"]);
  expect((await earlyAnswer("/me"))?.ok).toBe(true);
  expect(earlyAnswer("/me")).toBeUndefined();
});

test("without a session nothing is asked", () => {
  vi.stubGlobal("document", { cookie: "theme=dark" });
  askEarly("/");
  expect(asked).toEqual([]);
});
