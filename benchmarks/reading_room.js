// What the benchmark of the reading room asks of the page: moments, in milliseconds, when something can be seen.
(() => {
  /** Resolves with the time of the frame after the one in which `seen` held. */
  const frameOf = (seen) =>
    new Promise((resolve) => {
      const look = () => (seen() ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look));
      look();
    });
  const chosen = () => document.querySelector(".chosen a.patient")?.textContent ?? null;
  const title = () => document.querySelector("h1")?.textContent ?? null;
  const pictureShown = () => {
    const photos = [...document.querySelectorAll("img.photo")];
    return photos.length > 0 && photos.every((photo) => photo.complete && photo.naturalWidth > 0);
  };
  /** Resolves when everything that was asked of the graphics processor, or of what stands in for it, is done. */
  const drawn = (gl) =>
    new Promise((resolve) => {
      const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.flush();
      const look = () => (gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED ? resolve() : setTimeout(look));
      look();
    });
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  let next = null;

  window.room = {
    /** Since the navigation began: the list is there and its cursor has followed a key. */
    async listAnswers() {
      await frameOf(() => chosen() !== null);
      const first = chosen();
      press("j");
      return frameOf(() => chosen() !== null && chosen() !== first);
    },
    pictureIsThere: () => frameOf(pictureShown),
    /** Begins with the key; ends with another study's picture on screen. */
    watchTheSignature() {
      const before = title();
      next = new Promise((resolve) => {
        const began = (event) => {
          if (event.key !== "Enter") return;
          removeEventListener("keydown", began, true);
          const since = performance.now();
          resolve(frameOf(() => title() !== before && pictureShown()).then((now) => now - since));
        };
        addEventListener("keydown", began, true);
      });
    },
    nextPicture: () => next,
    since: 0,
    open(path) {
      this.since = performance.now();
      history.pushState(null, "", path);
    },
    /** Until the frame with volume and outline is drawn to its end, not merely asked for. */
    async overlayIsDrawn() {
      await frameOf(() => document.querySelector("[data-drawn=true]") !== null);
      await drawn(document.querySelector(".volume-stage canvas").getContext("webgl2"));
      return performance.now() - this.since;
    },
  };
})();
