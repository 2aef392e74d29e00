/** The icons: each state has a shape of its own, so that nothing depends on colour alone. */
import type { ReactElement } from "react";

const SHAPES = {
  stat: <path d="M8 1.5 15 14H1z" fill="currentColor" />,
  urgent: <path d="M8 1 15 8l-7 7-7-7z" fill="currentColor" />,
  check: (
    <g fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round">
      <circle cx="8" cy="8" r="6.7" />
      <path d="M5.9 6.2a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.3" />
      <path d="M8 11.9v.1" />
    </g>
  ),
  routine: <circle cx="8" cy="8" r="4" fill="none" stroke="currentColor" strokeWidth="1.8" />,
  failed: (
    <g fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      <rect x="1.5" y="1.5" width="13" height="13" rx="2.5" />
      <path d="m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4" />
    </g>
  ),
  waiting: (
    <g fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round">
      <circle cx="8" cy="8" r="6.5" />
      <path d="M8 4.5V8l2.4 1.6" />
    </g>
  ),
  running: (
    <g fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      <path d="M14 8a6 6 0 1 1-3-5.2" />
    </g>
  ),
  signed: (
    <path d="m2.5 8.5 3.6 3.7 7.4-8" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
  ),
  draft: (
    <path
      d="m2.5 13.5.7-3.2 8-8 2.5 2.5-8 8z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinejoin="round"
    />
  ),
  unread: <circle cx="8" cy="8" r="3.5" fill="currentColor" />,
  unrouted: (
    <g fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round">
      <circle cx="8" cy="8" r="6.5" />
      <path d="m3.6 12.4 8.8-8.8" />
    </g>
  ),
  incomplete: (
    <g fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round">
      <path d="M1.5 4h8M1.5 8h4M1.5 12h8" />
      <path d="M9 8h.1M12 8h.1M12.5 4h2M12.5 12h2" />
    </g>
  ),
  info: (
    <g fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round">
      <circle cx="8" cy="8" r="6.7" />
      <path d="M8 7.3V11M8 4.9V5" />
    </g>
  ),
  changed: (
    <g fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round">
      <path d="M2 5.5h11m-3-3 3 3-3 3" />
      <path d="M14 11H3m3-3-3 3 3 3" />
    </g>
  ),
  live: <circle cx="8" cy="8" r="4.5" fill="currentColor" />,
  polling: <circle cx="8" cy="8" r="4.5" fill="none" stroke="currentColor" strokeWidth="1.7" strokeDasharray="3 2" />,
} as const;

export type IconName = keyof typeof SHAPES;

/** Icons grow with the letters beside them. */
const rem = (size: number): string => `${size / 16}rem`;

export function Icon({ name, size = 14 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg width={rem(size)} height={rem(size)} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}
