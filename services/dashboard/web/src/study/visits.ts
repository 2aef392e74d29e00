/** The patient's earlier visits with photographs, and what was signed of each eye then. */
import type { Prior } from "../api/pictures";
import type { Laterality, Result } from "../api/types";
import { day, dayHere } from "../text/format";
import { t } from "../text/messages";
import { finding } from "./findings";

/** PS3.3 C.7.3.1.1.1: ophthalmic photography. */
const PHOTOGRAPHS = "OP";
const GRADE = "dr_grade";

/** `date` in words; none for today. */
export type GradePoint = { date: string | null; grade: number; signed: boolean };

/** The day of a visit, or that its images were sent then where nobody knows it. */
export function dayText({ study_date: taken, created_at: sent }: Pick<Prior, "study_date" | "created_at">): string {
  return taken === null ? t.eyeTools.sent(dayHere(sent)) : day(taken);
}

/** Those with photographs that are still kept, newest first. */
export function withPhotographs(priors: readonly Prior[]): Prior[] {
  return priors.filter((prior) => prior.modality.split("/").includes(PHOTOGRAPHS) && prior.erased_at === null);
}

/** The grade that a reader signed of one eye; null where nobody did. */
export function signedGrade(prior: Pick<Prior, "signed">, side: Laterality | null): number | null {
  const found = prior.signed.find((one) => one.label === GRADE && (one.laterality ?? null) === side);
  return typeof found?.value === "number" ? found.value : null;
}

/** One eye's grades from the first visit to today's; earlier ones as signed, today's as the machine says. */
export function gradesOf(priors: readonly Prior[], today: Result, side: Laterality | null): GradePoint[] {
  const before = [...priors].reverse().flatMap((prior): GradePoint[] => {
    const grade = signedGrade(prior, side);
    return grade === null ? [] : [{ date: dayText(prior), grade, signed: true }];
  });
  const now = finding(today, GRADE, side)?.value;
  return typeof now === "number" ? [...before, { date: null, grade: now, signed: false }] : before;
}

/** The visit after this one in a round that begins and ends with none. */
export function visitAfter(visits: readonly { id: string }[], shown: string | null): string | null {
  const place = visits.findIndex((visit) => visit.id === shown);
  return visits[place + 1]?.id ?? null;
}
