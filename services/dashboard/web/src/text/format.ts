/** Numbers and times as a reader writes them; times are shown in the reader's own zone. */
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in one unit: "now", "12 min", "3 h", "2 d". */
export function age(since: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  if (seconds < MINUTE) return "now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** "81 %"; what is neither 0 nor 1 is never rounded to either. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "< 1 %";
  if (share < 1 && share >= 0.995) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}

export function dateTime(time: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}

/** A calendar day such as a study date: a day has no zone, so it is not shifted into one. */
export function day(date: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
}

/** "0.42 s" above a tenth of a second, "12 ms" below. */
export function seconds(value: number): string {
  return value >= 0.1 ? `${value.toFixed(2)} s` : `${Math.round(value * 1000)} ms`;
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
  return `${(count / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** A half sentence of the server's, "the photograph is ungradable", as a sentence. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  const end = /[.!?…]$/.test(trimmed) ? "" : ".";
  return trimmed === "" ? "" : `${trimmed[0]?.toUpperCase()}${trimmed.slice(1)}${end}`;
}
