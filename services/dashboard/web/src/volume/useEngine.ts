/** A volume opened in the page: the engine once it is there, where its crosshair is, and whether it failed. */
import { useEffect, useRef, useState } from "react";

import type { Volume } from "../picture/nifti";
import { Engine, type Spot } from "./engine";

/** The canvas is made ready while the volume is on its way. */
export function useEngine(volume: Volume | undefined) {
  const host = useRef<HTMLDivElement>(null);
  const making = useRef<Promise<Engine>>(null);
  const [engine, setEngine] = useState<Engine | null>(null);
  const [spot, setSpot] = useState<Spot | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const place = host.current;
    if (place === null) return;
    // A canvas of its own for each opening: one whose context was given back never draws again.
    const canvas = document.createElement("canvas");
    place.append(canvas);
    const made = Engine.on(canvas);
    making.current = made;
    let left = false;
    made.catch(() => setFailed(!left));
    return () => {
      left = true;
      making.current = null;
      made.then((one) => one.close()).catch(() => undefined);
      canvas.remove();
      setEngine(null);
    };
  }, []);
  useEffect(() => {
    if (volume === undefined) return;
    let left = false;
    making.current
      ?.then((one) => {
        if (left) return;
        one.open(volume, setSpot);
        setEngine(one);
      })
      .catch(() => setFailed(!left));
    return () => {
      left = true;
    };
  }, [volume]);
  return { host, engine, spot, failed };
}
