/** What a worklist row says of itself: its urgency, its state, and why where there is no finding. */
import { query } from "../api/address";
import type { JobState, Urgency, WorklistRow } from "../api/types";
import type { IconName } from "../design/icons";
import type { Tone } from "../design/parts";
import { capital, sentence } from "../text/format";
import { t } from "../text/messages";

export type Mark = { icon: IconName; tone: Tone; text: string; why?: string };

const NO_ANSWER: ReadonlySet<JobState> = new Set(["failed", "quarantined"]);

/** Without a result from the machine, and none to be expected: a person has to act. */
export function isFailed(row: Pick<WorklistRow, "result_id" | "job_state">): boolean {
  return row.result_id === null && row.job_state !== null && NO_ANSWER.has(row.job_state);
}

/** The machine has answered, and the server shows it to nobody who reads this blind. */
export function isWithheld(row: Pick<WorklistRow, "result_id" | "job_state" | "change">): boolean {
  return row.result_id === null && row.job_state === "succeeded" && row.change === null;
}

/** What is said beside an abstention: that it is to be looked at is said by the abstention itself. */
const PRESSING: ReadonlySet<Urgency | null> = new Set<Urgency>(["stat", "urgent"]);

/** How soon to look, and whether that is all the machine could say. */
export function urgencyMarks(row: WorklistRow): Mark[] {
  if (isFailed(row)) return [{ icon: "failed", tone: "stat", text: t.jobState[row.job_state ?? "failed"] }];
  if (isWithheld(row)) return [{ icon: "waiting", tone: "muted", text: t.urgency.withheld }];
  const urgency = urgencyMark(row.urgency);
  if (!row.abstained) return [urgency];
  const abstained: Mark = { icon: "check", tone: "check", text: t.abstained, why: t.urgency.checkWhy };
  return PRESSING.has(row.urgency) ? [urgency, abstained] : [abstained];
}

function urgencyMark(urgency: Urgency | null): Mark {
  if (urgency === null) return { icon: "waiting", tone: "muted", text: t.urgency.none };
  return { icon: urgency, tone: urgency, text: t.urgency[urgency], why: t.urgency[`${urgency}Why`] };
}

export function stateMark(row: WorklistRow): Mark {
  if (row.review_state === "signed") {
    return { icon: "signed", tone: "routine", text: row.verdict ? t.verdict[row.verdict] : t.reviewState.signed };
  }
  if (row.waits_for_another) {
    return { icon: "waiting", tone: "muted", text: t.worklist.waits, why: t.worklist.waitsWhy };
  }
  if (row.review_state === "second_read" || row.review_state === "adjudication") {
    const icon = row.review_state === "second_read" ? "unread" : "stat";
    return { icon, tone: "urgent", text: t.reviewState[row.review_state] };
  }
  if (row.review_state === "drafted") return { icon: "draft", tone: "accent", text: t.reviewState.drafted };
  if (row.result_id !== null || isWithheld(row)) return { icon: "unread", tone: "accent", text: t.reviewState.unread };
  if (row.unrouted_reason !== null) return { icon: "unrouted", tone: "urgent", text: t.worklist.unrouted };
  if (row.job_state === null) {
    return { icon: "waiting", tone: "muted", text: t.worklist.receiving, why: t.worklist.receivingWhy };
  }
  const running = row.job_state === "running";
  return {
    icon: jobIcon(row.job_state),
    tone: running ? "accent" : jobTone(row.job_state),
    text: t.jobState[row.job_state],
  };
}

/** What else a reader should know before opening the row. */
export function notesOf(row: WorklistRow): Mark[] {
  const notes: Mark[] = [];
  if (!row.gradable) notes.push({ icon: "check", tone: "check", text: t.ungradable });
  if (row.incomplete !== null) {
    notes.push({ icon: "incomplete", tone: "urgent", text: t.worklist.incomplete, why: row.incomplete });
  }
  if (row.change !== null) {
    notes.push({ icon: "changed", tone: "urgent", text: t.change.told(row.change, row.change_headline) });
  } else if (row.proposed_result_id !== null) {
    notes.push({ icon: "info", tone: "urgent", text: t.worklist.proposed });
  }
  // A reader who decided otherwise is told by the state already.
  if (row.disagreement === "readers" || row.disagreement === "shadow") {
    notes.push({ icon: "changed", tone: "check", text: t.disagreement[row.disagreement] ?? row.disagreement });
  }
  return notes;
}

const JOB_ICONS: Record<JobState, IconName> = {
  queued: "waiting",
  running: "running",
  succeeded: "signed",
  failed: "failed",
  quarantined: "failed",
  cancelled: "unrouted",
};

export const jobIcon = (state: JobState): IconName => JOB_ICONS[state];

export function jobTone(state: JobState): Tone {
  if (NO_ANSWER.has(state)) return "stat";
  return state === "succeeded" ? "routine" : "muted";
}

/** The finding, or in its place the sentence that says why there is none. */
export function findingText(row: WorklistRow): string {
  if (row.headline !== null) {
    // After an edit the headline is the reader's own; after a rejection it is still the machine's, and says so.
    if (row.verdict === "edit") return t.worklist.overruled.edit(capital(row.headline));
    const machine = row.abstained ? sentence(row.headline) : capital(row.headline);
    return row.verdict === "reject" ? t.worklist.overruled.reject(machine) : machine;
  }
  if (isFailed(row)) return sentence(row.job_error_detail ?? t.worklist.notRead);
  if (isWithheld(row)) return t.worklist.withheld;
  return row.unrouted_reason === null ? t.worklist.noFinding : sentence(row.unrouted_reason);
}

/** The stable word of what went wrong, for whoever has to tell it on; null where nothing did. */
export const failureCode = (row: WorklistRow): string | null => (isFailed(row) ? row.job_error : null);

/** The address of the row's reading: a study may have several, and the newest job says which. */
export function readingPath(row: Pick<WorklistRow, "id" | "job_id">): string {
  return `/studies/${row.id}${query({ job: row.job_id })}`;
}
