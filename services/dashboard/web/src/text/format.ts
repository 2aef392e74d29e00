/** Numbers and times as a reader writes them; times are shown in the reader's own zone.
 *
 * A number and its unit stay on one line: the space between them does not break. */
const NBSP = "\u00a0";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "12,000": a count as the catalogue's language writes it, beside figures whose decimal sign is a point. */
export function whole(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** How long ago, in one unit: "now", "12 min", "3 h", "2 d". */
export function age(since: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  if (seconds < MINUTE) return "now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}${NBSP}min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}${NBSP}h`;
  return `${Math.floor(seconds / DAY)}${NBSP}d`;
}

/** "81 %"; what is neither 0 nor 1 is never rounded to either. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return `<${NBSP}1${NBSP}%`;
  if (share < 1 && share >= 0.995) return `>${NBSP}99${NBSP}%`;
  return `${Math.round(share * 100)}${NBSP}%`;
}

/** Digits behind the point that a measurement of this unit is worth; others keep three that say something. */
const DECIMALS: Readonly<Record<string, number>> = { ml: 2, "%": 1, dB: 1, mm: 1 };
const SIGNIFICANT = 3;
/** UCUM writes a number without a unit as "1". */
const NO_UNIT = "1";

/** "1.62" of 1.6234 ml: a measurement without its unit. */
export function figure(value: number, unit: string | null): string {
  const decimals = unit === null ? undefined : DECIMALS[unit];
  if (decimals !== undefined) return value.toFixed(decimals);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(SIGNIFICANT)));
}

/** "1.62 ml" */
export function quantity(value: number, unit: string | null): string {
  return unit === null || unit === NO_UNIT ? figure(value, unit) : `${figure(value, unit)}${NBSP}${unit}`;
}

/** "1.49–1.75" */
export function span(low: number, high: number, unit: string | null): string {
  return `${figure(low, unit)}–${figure(high, unit)}`;
}

/** Making a format costs more than using it: each is made once, when it is first needed. */
function formatOf(options: Intl.DateTimeFormatOptions): (time: string) => string {
  let format: Intl.DateTimeFormat | undefined;
  return (time) => (format ??= new Intl.DateTimeFormat(undefined, options)).format(new Date(time));
}

export const dateTime = formatOf({ dateStyle: "medium", timeStyle: "medium" });

/** The time of day alone. */
export const clock = formatOf({ timeStyle: "medium" });

/** A calendar day such as a study date: a day has no zone, so it is not shifted into one. */
export const day = formatOf({ dateStyle: "medium", timeZone: "UTC" });

/** The day of a moment, where the reader is. */
export const dayHere = formatOf({ dateStyle: "medium" });

/** "0.42 s" above a tenth of a second, "12 ms" below. */
export function seconds(value: number): string {
  return value >= 0.1 ? `${value.toFixed(2)}${NBSP}s` : `${Math.round(value * 1000)}${NBSP}ms`;
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
  return `${(count / 1000 ** step).toFixed(step === 0 ? 0 : 1)}${NBSP}${units[step]}`;
}

export function capital(words: string): string {
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}`;
}

/** A half sentence of the server's, "the photograph is ungradable", as a sentence. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  const end = /[.!?…]$/.test(trimmed) ? "" : ".";
  return trimmed === "" ? "" : `${capital(trimmed)}${end}`;
}

/** DICOM's "Doe^Jane^^Dr" (PS3.5 section 6.2.1.1) as "Doe, Jane"; the first group of letters that is there, alphabetic by rights. */
export function personName(name: string): string {
  const [family = "", given = "", middle = ""] = (name.split("=").find((group) => group !== "") ?? "").split("^");
  const first = [given, middle].filter(Boolean).join(" ");
  return [family, first].filter(Boolean).join(", ");
}
