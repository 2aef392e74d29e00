/** Lengths for what is measured or drawn by a program: style sheets say theirs in rem (tokens.css). */

/** What a rem is worth where nobody asked for larger letters. */
const PLAIN_REM_PX = 16;

/** Pixels of a plain page in those of this one, whose letters may be larger. */
export function scaled(px: number): number {
  return (px * parseFloat(getComputedStyle(document.documentElement).fontSize)) / PLAIN_REM_PX;
}
