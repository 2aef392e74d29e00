/** How the photograph is shown: heat-map, red-free, brightness and contrast. Display only: the stored image stays as it is. */
export type Picture = {
  overlay: boolean;
  opacity: number;
  /** Of the heat-map only what is at least this share of its strongest place is shown. */
  from: number;
  redFree: boolean;
  brightness: number;
  contrast: number;
};

export const PLAIN: Picture = { overlay: true, opacity: 0.5, from: 0, redFree: false, brightness: 1, contrast: 1 };
export const OPACITY_STEP = 0.1;
export const FROM_STEP = 0.1;
/** Something of the map is always left. */
export const LARGEST_FROM = 0.9;
export const TONE_STEP = 0.1;
export const TONE_RANGE = { low: 0.4, high: 2.5 } as const;

function stepped(value: number, step: number, low: number, high: number): number {
  return Math.round(Math.min(high, Math.max(low, value + step)) * 100) / 100;
}

/** A stronger overlay is also switched on: the reader asked to see it. */
export function withOpacity(picture: Picture, step: number): Picture {
  return { ...picture, overlay: true, opacity: stepped(picture.opacity, step, 0, 1) };
}

/** A higher threshold leaves less of the map; changing it is asking to see it. */
export function withFrom(picture: Picture, step: number): Picture {
  return { ...picture, overlay: true, from: stepped(picture.from, step, 0, LARGEST_FROM) };
}

/** As many levels as the eye tells apart in a map of a dozen cells a side. */
const LEVELS = 100;

/** The opacity with which each level of a heat-map is shown, from none to the strongest: its own, or 0 below `from`. */
export function shownLevels(from: number): number[] {
  return Array.from({ length: LEVELS }, (_, level) => {
    const share = level / (LEVELS - 1);
    return share < from ? 0 : Math.round(share * 1000) / 1000;
  });
}

export function withTone(picture: Picture, name: "brightness" | "contrast", step: number): Picture {
  return { ...picture, [name]: stepped(picture[name], step, TONE_RANGE.low, TONE_RANGE.high) };
}

/** The CSS filter for the photograph; red-free keeps the green channel alone, in which blood and vessels are dark. */
export function filterOf(picture: Picture): string {
  const tone = `brightness(${picture.brightness}) contrast(${picture.contrast})`;
  return picture.redFree ? `url(#red-free) ${tone}` : tone;
}
