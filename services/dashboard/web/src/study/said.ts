/** Values as a reader is told them. */
import { quantity } from "../text/format";
import { t } from "../text/messages";
import { ASYMMETRY } from "./volumes";

/** A value of a label with its unit, as a reader is told it. */
export function saidText(label: string, value: number | string | null | undefined, unit: string | null): string {
  if (value === null || value === undefined) return t.none;
  if (typeof value === "string") return value;
  return label === ASYMMETRY ? leaning(value, unit) : quantity(value, unit);
}

/** Which side is larger in words: the sign of a difference is a convention that a reader need not know. */
export function leaning(value: number, unit: string | null): string {
  if (value === 0) return t.volumes.larger.none;
  return `${quantity(Math.abs(value), unit)} ${t.volumes.larger[value > 0 ? "L" : "R"]}`;
}
