/** The questions that were asked of a study: one a pipeline and subject, each with its jobs, results and reviews. */
import type { Job, Result, Review, Slot, StudyDetail } from "../api/types";
import { t } from "../text/messages";
import { awaits } from "./signers";

export type Question = {
  slotId: string;
  pipeline: string;
  /** Which of several questions to the same pipeline this is, from 1; null where there is one only. */
  number: number | null;
  /** The newest live job. */
  job: Job | null;
  /** Newest first. A shadow's is there only where it became the answer or is proposed: the server leaves out the others. */
  results: readonly Result[];
  /** In the order they were written. */
  reviews: readonly Review[];
  /** Where it stands, whether a second reader is asked, and whether its answer is withheld; null while it is unknown. */
  slot: Slot | null;
};

/** In the order they were asked: the ids of slots grow with time. */
export function questionsOf(study: StudyDetail): Question[] {
  const jobs = study.jobs.filter((job) => job.role !== "shadow");
  const pipelines = new Map([...jobs, ...study.results].map((one) => [one.slot_id, one.pipeline]));
  const slots = [...pipelines].sort(([one], [other]) => (one < other ? -1 : 1));
  return slots.map(([slotId, pipeline]) => {
    const same = slots.filter(([, other]) => other === pipeline);
    const own = study.results.filter((result) => result.slot_id === slotId);
    const ids = new Set(own.map((result) => result.id));
    return {
      slotId,
      pipeline,
      number: same.length > 1 ? same.findIndex(([other]) => other === slotId) + 1 : null,
      job: jobs.find((job) => job.slot_id === slotId && job.role === "live") ?? null,
      results: own,
      reviews: study.reviews.filter((review) => ids.has(review.result_id)).sort((a, b) => a.number - b.number),
      slot: study.slots.find((slot) => slot.id === slotId) ?? null,
    };
  });
}

/** What a pipeline is called; an added model has the name of its bundle. */
export function nameOfPipeline(pipeline: string): string {
  return t.pipelines[pipeline] ?? pipeline;
}

export function nameOfQuestion({ pipeline, number }: Question): string {
  return number === null ? nameOfPipeline(pipeline) : `${nameOfPipeline(pipeline)} ${number}`;
}

/** The question to show: the one chosen on the page, else the one the worklist's row spoke of, else the first. */
export function chosenQuestion(
  questions: readonly Question[],
  slotId: string | null,
  jobId: string | null,
): Question | null {
  const asked = questions.find((one) => one.slotId === slotId) ?? questions.find((one) => jobsOf(one).has(jobId));
  return asked ?? questions[0] ?? null;
}

function jobsOf(question: Question): ReadonlySet<string | null> {
  return new Set([question.job?.id ?? "", ...question.results.map((result) => result.job_id)]);
}

/** The question behind this one, from the last round to the first. */
export function questionAfter(questions: readonly Question[], slotId: string): Question | null {
  if (questions.length < 2) return null;
  const place = questions.findIndex((one) => one.slotId === slotId);
  return questions[(place + 1) % questions.length] ?? null;
}

/** The next question of the study that has an answer and waits for this reader's word. */
export function nextUnsigned(questions: readonly Question[], slotId: string, userId: string | null): Question | null {
  const place = questions.findIndex((one) => one.slotId === slotId);
  const round = [...questions.slice(place + 1), ...questions.slice(0, Math.max(place, 0))];
  const answered = (one: Question): boolean => one.results.length > 0 || (one.slot?.withheld ?? false);
  return round.find((one) => answered(one) && awaits(one.reviews, userId, one.slot)) ?? null;
}

/** The result to show: the answer that stands, or the newer one that waits beside a signed answer. */
export function shownResult(results: readonly Result[], wantsProposed: boolean): Result | null {
  const proposed = results.find((result) => result.proposed);
  if (wantsProposed && proposed) return proposed;
  return results.find((result) => result.current) ?? proposed ?? null;
}
