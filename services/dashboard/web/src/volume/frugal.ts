/** NiiVue without what this page does not use of it: files from outside, surfaces and their light, its own undo, drawing twice. */
import { Niivue, type NVImage } from "@niivue/niivue";

import font from "../../node_modules/@niivue/niivue/src/fonts/Roboto-Regular.png";
import { gridOf } from "./grid";
import { shadesOf } from "./shades";

/** WebGL's names of the places that NiiVue gives the image (TEXTURE0) and its drawing (TEXTURE7). */
const [IMAGE, LABELS] = [0x84c0, 0x84c7] as const;
/** Width of the crosshair in pixels of the page: less is drawn in parts, or not at all. */
const CROSSHAIR = 1.5;
/** Pixels of the page between the letters of a side and the edge. */
const EDGE = 6;
/** Where the dark edge of letters is drawn, in pixels beside them. */
const RIM = [
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
] as const;
const DARK = new Float32Array([0, 0, 0, 1]);
type Rest<All extends unknown[]> = All extends [unknown, ...infer More] ? More : never;
/** What lays a volume out slice by slice. */
const LAYING = ["drawArrays", "framebufferTextureLayer", "texStorage3D", "texSubImage3D"] as const;

export class Frugal extends Niivue {
  /** Surfaces are not drawn here: their programs, a dozen, are not compiled. */
  override meshShaders: Niivue["meshShaders"] = [];
  private asked = 0;
  /** The image whose texture is being made. */
  private laid: NVImage | null = null;

  /** The font comes with NiiVue as a data: address, which the page's policy refuses. */
  override loadFontTexture(): Promise<WebGLTexture | null> {
    return super.loadFontTexture(font);
  }

  /** So does a picture of light on surfaces. */
  override loadMatCapTexture(): Promise<WebGLTexture | null> {
    return Promise.resolve(null);
  }

  /**
   * NiiVue draws an image into its texture slice by slice, and again for a gradient of it, for light that is not switched
   * on here (`gradientAmount` 0). Without a graphics processor that takes seconds: of the image itself all this drawing
   * is passed over, and its texture is filled with what was counted here (`rgbaTex`).
   */
  override refreshLayers(image: NVImage, layer: number): void {
    if (layer !== 0) {
      super.refreshLayers(image, layer);
      return;
    }
    const { gl } = this;
    const complete = gl.FRAMEBUFFER_COMPLETE;
    for (const name of LAYING) gl[name] = () => undefined;
    gl.checkFramebufferStatus = () => complete;
    this.laid = image;
    try {
      super.refreshLayers(image, layer);
    } finally {
      this.laid = null;
      // What the prototypes say holds again.
      for (const name of [...LAYING, "checkFramebufferStatus"]) Reflect.deleteProperty(gl, name);
    }
  }

  override rgbaTex(texture: WebGLTexture | null, unit: number, size: number[], empty?: boolean): WebGLTexture | null {
    const made = super.rgbaTex(texture, unit, size, empty);
    if (this.laid !== null && unit === IMAGE) fill(this.gl, this.laid);
    return made;
  }

  /** One drawing a frame, however much changed before it. */
  override drawScene(): void {
    if (this.asked !== 0) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      if (this._gl !== null) this.drawSceneCore();
    });
  }

  /** NiiVue's crosshair is as wide as so much of the volume: in a small picture that is less than a pixel, and vanishes. */
  override drawCrosshairs3D(...[depth, alpha, matrix, onSlice, mm]: Parameters<Niivue["drawCrosshairs3D"]>): void {
    const slice = this.screenSlices.at(-1);
    if (onSlice && slice !== undefined) this.fitCrosshair(slice);
    super.drawCrosshairs3D(depth, alpha, matrix, onSlice, mm);
  }

  /** A little inside the picture: at its very edge letters are cut. */
  override drawSliceOrientationText(...[place, slice, pad]: Parameters<Niivue["drawSliceOrientationText"]>): void {
    const [left = 0, top = 0, wide = 0, high = 0] = place;
    const [aside, twice] = [EDGE, 2 * EDGE].map((one) => one * (this.uiData.dpr ?? 1)) as [number, number];
    super.drawSliceOrientationText([left + aside, top + aside, wide - twice, high - twice], slice, pad);
  }

  /** With a dark edge: what says which side is which is read on bright tissue as well. */
  override drawText(xy: number[], ...[text, scale, colour]: Rest<Parameters<Niivue["drawText"]>>): void {
    const [x = 0, y = 0] = xy;
    for (const [right, down] of RIM) super.drawText([x + right, y + down], text, scale, DARK);
    super.drawText(xy, text, scale, colour);
  }

  private fitCrosshair({ fovMM, leftTopWidthHeight }: Niivue["screenSlices"][number]): void {
    const wide = leftTopWidthHeight[2] || this.gl.canvas.width;
    const width = Number(((Math.abs(fovMM[0] ?? 0) / wide) * CROSSHAIR * (this.uiData.dpr ?? 1)).toPrecision(2));
    if (width === this.opts.crosshairWidth) return;
    this.opts.crosshairWidth = width;
    // The one that was made for another width is made anew.
    if (this.crosshairs3D !== null) this.crosshairs3D.mm = [Number.NaN, 0, 0];
  }

  override cleanup(): void {
    cancelAnimationFrame(this.asked);
    super.cleanup();
  }

  /** As `createEmptyDrawing`, without NiiVue's own undo and without sending a volume of nothing. */
  makeRoomForLabels(): void {
    const size = this.back?.dims;
    if (this.drawBitmap !== null || !size) return;
    this.drawTexture = this.r8Tex(this.drawTexture, LABELS, size);
  }
}

/** Two bytes a voxel, where NiiVue takes four. */
function fill(gl: WebGL2RenderingContext, image: NVImage): void {
  const grid = gridOf(image);
  const shades = shadesOf(grid, image.img ?? [], { low: image.cal_min ?? 0, high: image.cal_max ?? 1 });
  const { LUMINANCE_ALPHA: format, UNSIGNED_BYTE } = gl;
  gl.texImage3D(gl.TEXTURE_3D, 0, format, ...grid.size, 0, format, UNSIGNED_BYTE, shades);
}
