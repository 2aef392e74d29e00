/** Inferno, even in lightness and safe for the colour-blind: ten of its colours, straight lines between them. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Of matplotlib's `inferno` (CC0) at equal steps from 0 to 1. */
const INFERNO: readonly Rgb[] = [
  [0, 0, 4],
  [27, 12, 65],
  [74, 12, 107],
  [120, 28, 109],
  [165, 44, 96],
  [207, 68, 70],
  [237, 105, 37],
  [251, 155, 6],
  [247, 209, 61],
  [252, 255, 164],
];
const LEVELS = 256;

/** Red, green and blue of each level from 0 to 255, one after the other. */
export type Table = Uint8ClampedArray;

function tableOf(colour: (share: number) => Rgb): Table {
  return Uint8ClampedArray.from(Array.from({ length: LEVELS }, (_, level) => [...colour(level / (LEVELS - 1))]).flat());
}

function inferno(share: number): Rgb {
  const place = share * (INFERNO.length - 1);
  const low = INFERNO[Math.floor(place)] ?? [0, 0, 0];
  const high = INFERNO[Math.ceil(place)] ?? low;
  const part = place - Math.floor(place);
  const mixed = (channel: 0 | 1 | 2): number => low[channel] + (high[channel] - low[channel]) * part;
  return [mixed(0), mixed(1), mixed(2)];
}

export const GREY: Table = tableOf((share) => [255 * share, 255 * share, 255 * share]);
export const HEAT: Table = tableOf(inferno);
