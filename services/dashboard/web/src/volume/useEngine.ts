/** A volume opened in the page: the engine once it is there, where its crosshair is, and whether it failed. */
import { useEffect, useRef, useState } from "react";

import { Engine, type Spot } from "./engine";

export function useEngine(file: ArrayBuffer | undefined) {
  const host = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<Engine | null>(null);
  const [spot, setSpot] = useState<Spot | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const place = host.current;
    if (file === undefined || place === null) return;
    // A canvas of its own for each opening: one whose context was given back never draws again.
    const canvas = document.createElement("canvas");
    place.append(canvas);
    let opened: Engine | null = null;
    let left = false;
    Engine.open(canvas, file, setSpot).then(
      (ready) => {
        opened = ready;
        if (left) ready.close();
        else setEngine(ready);
      },
      () => setFailed(!left),
    );
    return () => {
      left = true;
      opened?.close();
      canvas.remove();
      setEngine(null);
    };
  }, [file]);
  return { host, engine, spot, failed };
}
