/** Volumes are read in a worker of this server, one for the page; where it cannot be had, in the page itself. */
import { NotNifti, readNifti, type Volume } from "./nifti";
import type { Answered, Asked } from "./nifti.worker";

type Waiting = { done: (volume: Volume) => void; failed: (error: Error) => void; file: ArrayBuffer };

const waiting = new Map<number, Waiting>();
let worker: Worker | null = null;
let asked = 0;

/** As `readNifti`; the file stays the caller's. */
export function readAside(file: ArrayBuffer): Promise<Volume> {
  return new Promise((done, failed) => {
    asked += 1;
    waiting.set(asked, { done, failed, file });
    const question: Asked = { number: asked, file };
    (worker ??= started()).postMessage(question);
  });
}

function started(): Worker {
  const made = new Worker(new URL("./nifti.worker.ts", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data }: MessageEvent<Answered>) => {
    const one = waiting.get(data.number);
    waiting.delete(data.number);
    if ("volume" in data) one?.done(data.volume);
    else one?.failed(new NotNifti(data.why));
  });
  // Its file did not come, or it broke: what waits is read here, and the next volume asks for a worker again.
  made.addEventListener("error", () => {
    made.terminate();
    worker = null;
    for (const { done, failed, file } of waiting.values()) readNifti(file).then(done, failed);
    waiting.clear();
  });
  return made;
}
