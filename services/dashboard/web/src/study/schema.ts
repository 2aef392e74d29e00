/** Where the signs of each ICDR grade stand in our drawing of a right eye's fundus, on a field of 100 by 100. */
export type Spot = readonly [x: number, y: number];
export type Signs = {
  microaneurysms: readonly Spot[];
  haemorrhages: readonly Spot[];
  exudates: readonly Spot[];
  cottonWool: readonly Spot[];
  /** Beaded veins and tangled new shunts within the retina (IRMA). */
  beading: boolean;
  newVessels: boolean;
};

export const DISC: Spot = [70, 48];
export const MACULA: Spot = [42, 52];
const CLEAR_OF_DISC = 12;
const CLEAR_OF_MACULA = 9;
const INNERMOST = 6;
const SPREAD = 38;

/** Evenly strewn by the golden angle, the same every time; those that fall on disc or macula are left out. */
function strewn(count: number, turn: number): Spot[] {
  const golden = Math.PI * (3 - Math.sqrt(5));
  const spots = Array.from({ length: count }, (_, place): Spot => {
    const radius = INNERMOST + SPREAD * Math.sqrt((place + 0.5) / count);
    const angle = turn + place * golden;
    return [50 + radius * Math.cos(angle), 50 + radius * Math.sin(angle)];
  });
  return spots.filter((spot) => far(spot, DISC, CLEAR_OF_DISC) && far(spot, MACULA, CLEAR_OF_MACULA));
}

function far([x, y]: Spot, [centreX, centreY]: Spot, distance: number): boolean {
  return Math.hypot(x - centreX, y - centreY) > distance;
}

const NONE: Signs = {
  microaneurysms: [],
  haemorrhages: [],
  exudates: [],
  cottonWool: [],
  beading: false,
  newVessels: false,
};
const MODERATE: Signs = {
  ...NONE,
  microaneurysms: strewn(18, 0.4),
  haemorrhages: strewn(9, 1.9),
  exudates: strewn(12, 3.1),
  cottonWool: strewn(3, 5.2),
};

/** By grade, Wilkinson et al., Ophthalmology 2003; 110: 1677-82. Severe: more than 20 haemorrhages in each quadrant. */
export const SIGNS: readonly Signs[] = [
  NONE,
  { ...NONE, microaneurysms: strewn(9, 0.4) },
  MODERATE,
  { ...MODERATE, haemorrhages: strewn(120, 1.9), beading: true },
  { ...MODERATE, haemorrhages: strewn(24, 1.9), newVessels: true },
];
