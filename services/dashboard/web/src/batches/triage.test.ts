import { expect, test } from "vitest";

import type { ChangesPage } from "../api/looks";
import type { Change } from "../api/overnight";
import { isDone, nextToSee, placeNow, stepped, withMark } from "./triage";

const SEEN = { user: { id: "1", name: "ada" }, at: "2026-11-23T06:00:00Z" };
const change = (id: string, marked = true, seen: Change["seen"] = null): Change =>
  ({ id, seen, worklist: { marked } }) as unknown as Change;
const [a, b, c, d] = [change("a"), change("b", true, SEEN), change("c", false), change("d")];
const ALL = [a, b, c, d];

test("what is seen or settled is passed over", () => {
  expect(nextToSee(ALL, { change: a, index: 0 })).toEqual({ change: d, index: 3 });
});

test("after the last one the reader stays where they are", () => {
  const last = { change: d, index: 3 };
  expect([nextToSee(ALL, last), stepped(ALL, last, 1)]).toEqual([last, last]);
});

test("a study that left the worklist is not done with by that", () => {
  expect(isDone({ ...a, worklist: null })).toBe(false);
});

test("a change that the list drops stays shown, and its neighbours are the next and the one before", () => {
  const at = placeNow([a, c, d], { change: b, index: 1 });
  expect(at.change).toBe(b);
  expect([stepped([a, c, d], at, 1).change, stepped([a, c, d], at, -1).change]).toEqual([c, a]);
  expect(nextToSee([a, d], { change: b, index: 1 })).toEqual({ change: d, index: 1 });
});

test("a list that begins anew shows its own last one after what it dropped", () => {
  expect(stepped([a], placeNow([a], { change: d, index: 3 }), 1)).toEqual({ change: a, index: 0 });
});

test("a mark is counted once, and one on what was settled leaves nothing less to look at", () => {
  const page = { items: ALL, looked: { changes: 4, seen: 1, left: 2 }, next_cursor: null } as ChangesPage;
  const marked = withMark(page, a, SEEN);
  expect([marked.items[0]?.seen, marked.looked]).toEqual([SEEN, { changes: 4, seen: 2, left: 1 }]);
  expect(withMark(page, c, SEEN).looked).toEqual({ changes: 4, seen: 2, left: 2 });
  expect(withMark(marked, { ...a, seen: SEEN }, null).looked).toEqual(page.looked);
});
