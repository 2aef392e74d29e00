/** How the results of a study hang together: a series that one made, and the readings that rest on it. */
import type { Result, StudyDetail } from "../api/types";
import { shownResult, type Question } from "./questions";

type Series = StudyDetail["series"][number];

/** The series that a result put into the study. */
export function madeBy(study: StudyDetail, result: Result): Series | null {
  return study.series.find((series) => series.derived_from === result.id) ?? null;
}

/** The questions whose answers were read from a series. */
export function readFrom(series: Series, questions: readonly Question[]): Question[] {
  const images = new Set(series.instances.map((instance) => instance.sop_instance_uid));
  return questions.filter((question) =>
    shownResult(question.results, false)?.images.some((image) => images.has(image.sop_instance_uid)),
  );
}

/** The question whose result made the series that this result was read from; null where the scanner made it. */
export function madeFrom(study: StudyDetail, result: Result, questions: readonly Question[]): Question | null {
  const read = new Set(result.images.map((image) => image.sop_instance_uid));
  const series = study.series.find((one) => one.instances.some((instance) => read.has(instance.sop_instance_uid)));
  const maker = series?.derived_from ?? null;
  return questions.find((question) => question.results.some((one) => one.id === maker)) ?? null;
}
