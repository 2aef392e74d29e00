/** How the pictures of a page are looked at, and the keys for it: magnification, place, brightness, contrast. */
import { useState } from "react";

import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { TONE_STEP, withTone, type Picture } from "./picture";
import { panned, PAN_STEP, WHOLE, ZOOM_STEP, zoomed, type View } from "./view";

const PAN: Record<string, readonly [number, number]> = {
  ArrowLeft: [PAN_STEP, 0],
  ArrowRight: [-PAN_STEP, 0],
  ArrowUp: [0, PAN_STEP],
  ArrowDown: [0, -PAN_STEP],
};

export function useLook(begin: () => Picture) {
  const [view, look] = useState<View>(WHOLE);
  const [picture, setPicture] = useState<Picture>(begin);
  const reset = (): void => {
    look(WHOLE);
    setPicture(begin());
  };
  const k = KEYS.picture;
  useShortcuts([
    { keys: k.lessContrast, run: () => setPicture((now) => withTone(now, "contrast", -TONE_STEP)) },
    { keys: k.moreContrast, run: () => setPicture((now) => withTone(now, "contrast", TONE_STEP)) },
    { keys: k.darker, run: () => setPicture((now) => withTone(now, "brightness", -TONE_STEP)) },
    { keys: k.brighter, run: () => setPicture((now) => withTone(now, "brightness", TONE_STEP)) },
    { keys: k.zoomIn, run: () => look((now) => zoomed(now, ZOOM_STEP)) },
    { keys: k.zoomOut, run: () => look((now) => zoomed(now, 1 / ZOOM_STEP)) },
    { keys: k.pan, run: (key) => look((now) => panned(now, ...(PAN[key] ?? [0, 0]))) },
    { keys: k.reset, run: reset },
  ]);
  return { view, look, picture, setPicture, reset };
}

export type Look = ReturnType<typeof useLook>;
