/** Shares and figures with their intervals, in words. */
import type { Share } from "../api/models";
import { figure, percent, span } from "./format";
import { t } from "./messages";

/** "94 % (90 %–97 %), 94 of 100", or a dash where there is nothing to share. */
export function shareText({ value, low, high, count, n }: Share): string {
  if (value === null || low === null || high === null) return t.none;
  return t.comparison.share(percent(value), percent(low), percent(high), count, n);
}

/** A measured figure as bundles state them: a number, or one with its interval; null for anything else. */
export function figureText(stated: unknown): string | null {
  if (typeof stated === "number") return figure(stated, null);
  if (typeof stated !== "object" || stated === null) return null;
  const { value, low, high } = stated as Record<string, unknown>;
  if (typeof value !== "number") return null;
  const interval = typeof low === "number" && typeof high === "number" ? ` (${span(low, high, null)})` : "";
  return `${figure(value, null)}${interval}`;
}
