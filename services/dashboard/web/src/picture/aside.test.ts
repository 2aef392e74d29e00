import { afterEach, expect, it, vi } from "vitest";

import { readAside } from "./aside";
import { NotNifti } from "./nifti";

/** A worker whose file never came. */
class Broken extends EventTarget {
  postMessage(): void {
    queueMicrotask(() => this.dispatchEvent(new Event("error")));
  }
  terminate(): void {
    return;
  }
}

afterEach(() => vi.unstubAllGlobals());

it("reads in the page where no worker can be had", async () => {
  vi.stubGlobal("Worker", Broken);
  await expect(readAside(new ArrayBuffer(8))).rejects.toThrow(NotNifti);
});
