/** What a reader typed and has not saved, kept in this browser tab alone until it is saved or the reader logs out. */
import type { Draft } from "./verdict";

export const PREFIX = "overread.unsaved.";

/** The place of a reader's word on one question of a study; a newer result of the same question finds it too. */
export function placeOf(userId: string | null, slotId: string): string {
  return `${PREFIX}${userId ?? ""}.${slotId}`;
}

/** A stored draft; null where there is none or where another version wrote something else. */
export function parsed(stored: string | null): Draft | null {
  if (stored === null) return null;
  try {
    const draft = JSON.parse(stored) as Partial<Draft> | null;
    const whole =
      typeof draft?.comment === "string" &&
      typeof draft.reason === "string" &&
      typeof draft.answers === "object" &&
      draft.answers !== null &&
      (draft.maskId === null || typeof draft.maskId === "string") &&
      (draft.verdict === null || ["accept", "edit", "reject"].includes(draft.verdict ?? ""));
    return whole ? (draft as Draft) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export function unsaved(place: string): Draft | null {
  return parsed(sessionStorage.getItem(place));
}

export function keepUnsaved(place: string, draft: Draft): void {
  sessionStorage.setItem(place, JSON.stringify(draft));
}

export function dropUnsaved(place: string): void {
  sessionStorage.removeItem(place);
}

let dropped = false;

/** Whether what this page holds went with its session: then nothing may ask whether to stay on it. */
export const allDropped = (): boolean => dropped;

/** At the end of a session nothing a reader wrote stays behind for the next one. */
export function dropAllUnsaved(): void {
  dropped = true;
  for (const place of Object.keys(sessionStorage)) {
    if (place.startsWith(PREFIX)) sessionStorage.removeItem(place);
  }
}
