import { expect, test } from "vitest";

import type { Result } from "../api/types";
import { unseenProposal } from "./seen";

const result = (id: string, proposed: boolean): Result => ({ id, proposed }) as Result;

test("a proposal that came while the page was open is unseen until it is opened", () => {
  const results = [result("new", true), result("old", false)];
  expect(unseenProposal(results, new Set(["old"]))?.id).toBe("new");
  expect(unseenProposal(results, new Set(["old", "new"]))).toBeNull();
  expect(unseenProposal([result("other", false)], new Set())).toBeNull();
});
