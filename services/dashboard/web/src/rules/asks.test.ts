import { expect, test } from "vitest";

import { percent } from "../text/format";
import { asksOf } from "./asks";

const QUIET = { pipeline: null, share: 0, urgencies: [], on_abstained: false, on_disagreement: false, blinded: true };

test("a rule is told in one line: when it asks, of what, and whether blinded", () => {
  expect(asksOf({ ...QUIET, share: 0.1, on_abstained: true })).toBe(`${percent(0.1)} of all readings; the model abstained (blinded)`);
  expect(asksOf({ ...QUIET, pipeline: "retinopathy", urgencies: ["stat", "urgent"], blinded: false })).toBe(
    "Urgency Stat, Urgent (only Diabetic retinopathy, not blinded)",
  );
});
