import { expect, test } from "vitest";

import type { WorklistRow } from "../api/types";
import { t } from "../text/messages";
import { failureCode, findingText, notesOf, readingPath, stateMark, urgencyMarks } from "./rows";

const row = (part: Partial<WorklistRow>): WorklistRow =>
  ({
    result_id: null,
    job_state: null,
    job_error: null,
    job_error_detail: null,
    urgency: null,
    abstained: false,
    headline: null,
    unrouted_reason: null,
    review_state: "unread",
    verdict: null,
    ...part,
  }) as WorklistRow;

const marked = (shown: WorklistRow): string[] => urgencyMarks(shown).map((mark) => mark.text);

test("a failed reading says so where the urgency would stand", () => {
  expect(marked(row({ job_state: "failed" }))).toEqual([t.jobState.failed]);
});

test("a failed reading says in words what was wrong where the finding would stand, and its code apart", () => {
  const failed = row({ job_state: "failed", job_error: "no_pixel_data", job_error_detail: "no pixel data in it" });
  expect(findingText(failed)).toBe("No pixel data in it.");
  expect(failureCode(failed)).toBe("no_pixel_data");
  expect(findingText({ ...failed, job_error_detail: null })).toBe(`${t.worklist.notRead}.`);
});

test("a failed second reading leaves the first one's finding as it is", () => {
  const again = row({ job_state: "failed", job_error: "no_pixel_data", result_id: "r", headline: "DR grade 0" });
  expect([findingText(again), failureCode(again)]).toEqual(["DR grade 0", null]);
});

test("a failed second reading does not hide the first one's urgency", () => {
  expect(marked(row({ job_state: "failed", result_id: "r", urgency: "urgent" }))).toEqual([t.urgency.urgent]);
});

test("an abstention is shown as one, not as an urgency", () => {
  expect(marked(row({ result_id: "r", urgency: "check", abstained: true }))).toEqual([t.abstained]);
});

test("an abstention does not hide that the row is urgent, and nothing reassuring stands beside it", () => {
  const abstained = row({ result_id: "r", urgency: "urgent", abstained: true });
  expect(marked(abstained)).toEqual([t.urgency.urgent, t.abstained]);
  expect(marked({ ...abstained, urgency: "routine" })).toEqual([t.abstained]);
});

test("an answer that is withheld from who reads blind is said to be so, and is to be read", () => {
  const withheld = row({ job_state: "succeeded", change: null });
  expect(marked(withheld)).toEqual([t.urgency.withheld]);
  expect([findingText(withheld), stateMark(withheld).text]).toEqual([t.worklist.withheld, t.reviewState.unread]);
  expect(findingText(row({ job_state: "running", change: null }))).toBe(t.worklist.noFinding);
});

test("a study that no pipeline reads says why", () => {
  const unrouted = row({ unrouted_reason: "it reads OP, the study holds CT" });
  expect(stateMark(unrouted).text).toBe(t.worklist.unrouted);
  expect(findingText(unrouted)).toBe("It reads OP, the study holds CT.");
});

test("a signed reading shows the verdict", () => {
  expect(stateMark(row({ review_state: "signed", verdict: "edit" })).text).toBe(t.verdict.edit);
});

test("the machine's finding does not stand alone where a reader decided otherwise", () => {
  const edited = row({ headline: "DR grade 0", review_state: "signed", verdict: "edit" });
  expect(findingText(edited)).toBe("DR grade 0, changed by the reader");
  expect(findingText({ ...edited, verdict: "reject" })).toBe("Rejected by the reader; the model said: DR grade 0");
  expect(findingText({ ...edited, verdict: "accept" })).toBe("DR grade 0");
});

test("every state and urgency has a shape of its own beside its colour", () => {
  const urgencies = (["stat", "urgent", "check", "routine"] as const).flatMap((urgency) =>
    urgencyMarks(row({ result_id: "r", urgency })),
  );
  expect(new Set(urgencies.map((mark) => mark.icon)).size).toBe(urgencies.length);
});

test("a row says that it cannot be graded, and that a shadow disagrees", () => {
  const noted = row({ gradable: false, disagreement: "shadow", change: null, incomplete: null, proposed_result_id: null });
  expect(notesOf(noted).map((note) => note.text)).toEqual([t.ungradable, t.disagreement["shadow"]]);
});

test("a reading that two readers disagree on says that a third decides", () => {
  const differing = row({ review_state: "adjudication", result_id: "r" });
  expect(stateMark(differing).text).toBe(t.reviewState.adjudication);
  expect(stateMark({ ...differing, waits_for_another: true }).text).toBe(t.worklist.waits);
});

test("a row leads to its own reading of the study", () => {
  expect(readingPath({ id: "study", job_id: "job" })).toBe("/studies/study?job=job");
  expect(readingPath({ id: "study", job_id: null })).toBe("/studies/study");
});
