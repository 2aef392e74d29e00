import { expect, test } from "vitest";

import type { Job, Result, Review, StudyDetail } from "../api/types";
import { madeBy, madeFrom, readFrom } from "./derived";
import { chosenQuestion, nameOfQuestion, nextUnsigned, questionAfter, questionsOf, shownResult } from "./questions";

const job = (id: string, slot_id: string, pipeline: string, part: Partial<Job> = {}): Job =>
  ({ id, slot_id, pipeline, role: "live", state: "succeeded", ...part }) as Job;

const result = (id: string, slot_id: string, pipeline: string, part: Partial<Result> = {}): Result =>
  ({
    id,
    slot_id,
    pipeline,
    job_id: `job-of-${id}`,
    role: "live",
    current: true,
    proposed: false,
    images: [],
    ...part,
  }) as unknown as Result;

const review = (result_id: string, number: number, standing = false): Review =>
  ({ id: `${result_id}-${number}`, result_id, number, standing }) as Review;

const instance = (uid: string) => ({ id: uid, sop_instance_uid: uid, conflict: false });

const image = (uid: string) => ({ sop_instance_uid: uid }) as Result["images"][number];

/** A k-space file, the series that came of it, and what was measured on that. */
const study = {
  series: [
    { id: "raw", modality: "MR", derived_from: null, instances: [instance("k")] },
    { id: "made", modality: "MR", derived_from: "r1", instances: [instance("d1"), instance("d2")] },
  ],
  jobs: [
    job("j9", "s3", "segmentation", { role: "shadow" }),
    job("j3", "s2", "segmentation"),
    job("j2", "s1", "reconstruction", { role: "batch" }),
    job("j1", "s1", "reconstruction"),
  ],
  results: [
    result("r2", "s2", "segmentation", { images: [image("d1")] }),
    result("r1", "s1", "reconstruction", { images: [image("k")] }),
  ],
  reviews: [review("r1", 2, true), review("r2", 1), review("r1", 1)],
  slots: [],
} as unknown as StudyDetail;

const questions = questionsOf(study);

test("each question has its own job, results and reviews, in the order they were asked", () => {
  expect(questions.map((one) => [one.slotId, one.pipeline, one.job?.id])).toEqual([
    ["s1", "reconstruction", "j1"],
    ["s2", "segmentation", "j3"],
  ]);
  expect(questions[0]?.reviews.map((one) => one.number)).toEqual([1, 2]);
  expect(questions[0]?.results.map((one) => one.id)).toEqual(["r1"]);
});

test("two questions to one pipeline are numbered", () => {
  const twice = { ...study, jobs: [job("b", "y", "reconstruction"), job("a", "x", "reconstruction")], results: [] };
  expect(questionsOf(twice).map(nameOfQuestion)).toEqual(["MRI reconstruction 1", "MRI reconstruction 2"]);
  expect(questions.map(nameOfQuestion)).toEqual(["MRI reconstruction", "Hippocampus volumes"]);
});

test("the question of the worklist's row is shown until the reader chooses another", () => {
  expect(chosenQuestion(questions, null, "j3")?.slotId).toBe("s2");
  expect(chosenQuestion(questions, null, "job-of-r2")?.slotId).toBe("s2");
  expect(chosenQuestion(questions, "s1", "j3")?.slotId).toBe("s1");
  expect(chosenQuestion(questions, null, null)?.slotId).toBe("s1");
  expect(chosenQuestion([], null, null)).toBeNull();
});

test("after the last question comes the first, and a single one has no other", () => {
  expect(questionAfter(questions, "s2")?.slotId).toBe("s1");
  expect(questionAfter(questions.slice(0, 1), "s1")).toBeNull();
});

test("the next reading is one that nobody has signed", () => {
  expect(nextUnsigned(questions, "s1", "ann")?.slotId).toBe("s2");
  expect(nextUnsigned(questions, "s2", "ann")).toBeNull();
});

test("the answer that stands is shown, and a newer proposal only when asked for", () => {
  const results = [
    result("new", "s", "retinopathy", { current: false, proposed: true }),
    result("signed", "s", "retinopathy"),
  ];
  expect(shownResult(results, false)?.id).toBe("signed");
  expect(shownResult(results, true)?.id).toBe("new");
});

test("what a shadow read before a batch or a promotion asked for it is proposed, or the answer, as any other", () => {
  const proposed = result("new", "s1", "reconstruction", { current: false, proposed: true, role: "shadow" });
  const [asked] = questionsOf({ ...study, results: [proposed, ...study.results] });
  expect(shownResult(asked?.results ?? [], true)?.id).toBe("new");
  const answer = result("now", "s1", "reconstruction", { role: "shadow" });
  expect(shownResult(questionsOf({ ...study, results: [answer] })[0]?.results ?? [], false)?.id).toBe("now");
});

test("a reconstruction leads to its series and to what was read from it, and back", () => {
  const [reconstruction, volumes] = study.results.slice(0, 2).reverse() as [Result, Result];
  const made = madeBy(study, reconstruction);
  expect(made?.id).toBe("made");
  expect(made && readFrom(made, questions).map((one) => one.slotId)).toEqual(["s2"]);
  expect(madeFrom(study, volumes, questions)?.slotId).toBe("s1");
  expect(madeFrom(study, reconstruction, questions)).toBeNull();
});
