/** Which span of values is shown from black to white. */
export type Window = { low: number; high: number };
export const PRESETS = ["auto", "brain", "wide", "manual"] as const;
export type Preset = (typeof PRESETS)[number];

/** Of the tissue's values: what is darker or brighter is shown as black or white. */
const AUTO = [0.02, 0.98] as const;
/** Grey and white matter fill the screen's range: cerebrospinal fluid dark, fat and vessels white. */
const BRAIN = [0.25, 0.95] as const;
/** Air is below this share of the brightest value. */
const AIR = 0.05;
/** Values looked at: enough for a percentile, few enough for no time. */
const SAMPLES = 50_000;

/** The window of a preset over an image's values; `manual` begins as `auto`. */
export function windowOf(preset: Preset, values: ArrayLike<number>): Window {
  const sorted = sample(values);
  const [lowest, highest] = [sorted[0] ?? 0, sorted.at(-1) ?? 1];
  if (preset === "wide") return widened(lowest, highest);
  const air = lowest + AIR * (highest - lowest);
  const tissue = sorted.filter((value) => value > air);
  const [low, high] = preset === "brain" ? BRAIN : AUTO;
  return widened(at(tissue, low) ?? lowest, at(tissue, high) ?? highest);
}

function sample(values: ArrayLike<number>): number[] {
  const step = Math.max(1, Math.floor(values.length / SAMPLES));
  const taken: number[] = [];
  for (let place = 0; place < values.length; place += step) {
    const value = values[place];
    if (value !== undefined && Number.isFinite(value)) taken.push(value);
  }
  return taken.sort((one, other) => one - other);
}

function at(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.round(share * (sorted.length - 1))];
}

/** A window has a width, also over an image of one value. */
function widened(low: number, high: number): Window {
  return { low, high: high > low ? high : low + 1 };
}
