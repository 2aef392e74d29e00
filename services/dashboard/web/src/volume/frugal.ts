/** NiiVue without what this page does not use of it: files from outside, surfaces and their light, its own undo, drawing twice. */
import { Niivue, type NVImage } from "@niivue/niivue";

import matCap from "../../node_modules/@niivue/niivue/src/matcaps/Shiny.jpg";
import font from "../../node_modules/@niivue/niivue/src/fonts/Roboto-Regular.png";

/** WebGL's names of the places that NiiVue gives its gradient and its drawing (TEXTURE6 to TEXTURE8). */
const [GRADIENT, LABELS, GRADIENT_BEFORE] = [0x84c6, 0x84c7, 0x84c8] as const;
/** What NiiVue itself puts where there is nothing. */
const NO_ROOM = [2, 2, 2, 2];

export class Frugal extends Niivue {
  /** Surfaces are not drawn here: their programs, a dozen, are not compiled. */
  override meshShaders: Niivue["meshShaders"] = [];
  private asked = 0;
  private passingOver = false;

  /** The font and the light come with NiiVue as data: addresses, which the page's policy refuses. */
  override loadFontTexture(): Promise<WebGLTexture | null> {
    return super.loadFontTexture(font);
  }

  override loadMatCapTexture(): Promise<WebGLTexture | null> {
    return super.loadMatCapTexture(matCap);
  }

  /**
   * With each volume NiiVue makes a gradient of it, two drawings for every slice, for light on surfaces that is not
   * switched on here (`gradientAmount` 0). Without a graphics processor that takes seconds, so those are passed over:
   * they begin where the blur is taken into use and are the last that a layer draws.
   */
  override refreshLayers(image: NVImage, layer: number): void {
    const { gl, blurShader } = this;
    const complete = gl.FRAMEBUFFER_COMPLETE;
    this.passingOver = true;
    if (blurShader !== null) {
      const taken = blurShader.use.bind(blurShader);
      blurShader.use = (context) => {
        taken(context);
        gl.drawArrays = () => undefined;
        gl.framebufferTextureLayer = () => undefined;
        gl.checkFramebufferStatus = () => complete;
      };
    }
    try {
      super.refreshLayers(image, layer);
    } finally {
      this.passingOver = false;
      // What the prototypes say holds again.
      for (const name of ["drawArrays", "framebufferTextureLayer", "checkFramebufferStatus"]) {
        Reflect.deleteProperty(gl, name);
      }
      if (blurShader !== null) Reflect.deleteProperty(blurShader, "use");
    }
  }

  override rgbaTex(texture: WebGLTexture | null, unit: number, size: number[], empty?: boolean): WebGLTexture | null {
    const unused = this.passingOver && (unit === GRADIENT || unit === GRADIENT_BEFORE);
    return super.rgbaTex(texture, unit, unused ? NO_ROOM : size, unused || empty);
  }

  /** One drawing a frame, however much changed before it. */
  override drawScene(): void {
    if (this.asked !== 0) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      if (this._gl !== null) this.drawSceneCore();
    });
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
