/** NiiVue as this page uses it: no file from outside, no key or pointer of its own, voxels counted the same for every file. */
import { DRAG_MODE, MULTIPLANAR_TYPE, NVImage, SHOW_RENDER, SLICE_TYPE, type Niivue } from "@niivue/niivue";

import type { Volume } from "../picture/nifti";
import type { Axis } from "./drawing";
import { Frugal } from "./frugal";
import { gridOf, inside, type Grid, type Triple } from "./grid";
import { imageOf } from "./image";
import type { Structure } from "./structures";
import { windowOf, type Window } from "./windows";

export const LAYOUTS = ["axial", "coronal", "sagittal", "planes", "planes3d", "solid"] as const;
export type Layout = (typeof LAYOUTS)[number];
/** Where the crosshair is: voxel, millimetres (right, anterior, superior), and the image's value there. */
export type Spot = { voxel: Triple; mm: Triple; value: number };
/** What is under the pointer: a slice (its axis and voxel), or the picture in 3D. */
export type Under = { axis: Axis; voxel: Triple } | "solid" | null;
export type Line = { axis: Axis; from: Triple; to: Triple };

const TYPES: Readonly<Record<Layout, SLICE_TYPE>> = {
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  planes: SLICE_TYPE.MULTIPLANAR,
  planes3d: SLICE_TYPE.MULTIPLANAR,
  solid: SLICE_TYPE.RENDER,
};
const AXES: Readonly<Record<number, Axis>> = { [SLICE_TYPE.SAGITTAL]: 0, [SLICE_TYPE.CORONAL]: 1, [SLICE_TYPE.AXIAL]: 2 };
const TYPE_OF_AXIS: Readonly<Record<Axis, SLICE_TYPE>> = { 0: SLICE_TYPE.SAGITTAL, 1: SLICE_TYPE.CORONAL, 2: SLICE_TYPE.AXIAL };
const [LEAST_ZOOM, MOST_ZOOM] = [1, 12];
const DEGREES_A_PIXEL = 0.5;
/** The picture in 3D is cut in the middle, seen from the side (depth, azimuth, elevation): skin and skull would hide the rest. */
const CUT = [0, 270, 0];

export class Engine {
  private readonly nv = new Frugal({
    interactive: false,
    dragAndDropEnabled: false,
    logLevel: "silent",
    backColor: [0, 0, 0, 1],
    crosshairColor: [1, 0.83, 0.47, 0.9],
    crosshairGap: 8,
    crosshairWidthUnit: "mm",
    show3Dcrosshair: true,
    multiplanarShowRender: SHOW_RENDER.NEVER,
    sliceType: SLICE_TYPE.MULTIPLANAR,
    isRadiologicalConvention: true,
    showAllOrientationMarkers: true,
    fontColor: [0.93, 0.93, 0.93, 1],
    multiplanarPadPixels: 12,
    isNearestInterpolation: false,
    dragMode: DRAG_MODE.none,
    fontMinPx: 15,
    isResizeCanvas: true,
    loadingText: "",
    clipPlaneColor: [0, 0, 0, 0],
    rulerWidth: 2,
    measureLineColor: [1, 0.83, 0.47, 1],
    measureTextColor: [1, 1, 1, 1],
  });
  private overlayShown: NVImage | null = null;

  /** Makes a canvas ready to draw on; throws where the browser has no WebGL 2. */
  static async on(canvas: HTMLCanvasElement): Promise<Engine> {
    const engine = new Engine();
    await engine.nv.attachToCanvas(canvas);
    return engine;
  }

  /** Show a volume, in its usual window. The same one again, fetched anew, is there already. */
  open(volume: Volume, moved: (spot: Spot) => void): void {
    if (this.nv.volumes.length > 0) return;
    this.nv.addVolume(imageOf(volume, windowOf("auto", volume.values)));
    this.nv.onLocationChange = () => moved(this.spot());
  }

  close(): void {
    this.nv.cleanup();
    this.nv.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  get grid(): Grid {
    return gridOf(this.image);
  }

  get values(): ArrayLike<number> {
    return this.image.img ?? [];
  }

  spot(): Spot {
    const { crosshairPos } = this.nv.scene;
    const mm = this.nv.frac2mm(crosshairPos, 0, true);
    const voxel = this.voxelOf(crosshairPos);
    const { start, step } = this.grid;
    const value = this.values[start + voxel[0] * step[0] + voxel[1] * step[1] + voxel[2] * step[2]] ?? Number.NaN;
    return { voxel, mm: [mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0], value };
  }

  moveTo(voxel: Triple): void {
    this.nv.scene.crosshairPos = this.nv.vox2frac([...inside(this.grid.size, voxel)]);
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  show(layout: Layout): void {
    this.nv.opts.multiplanarLayout = layout === "planes3d" ? MULTIPLANAR_TYPE.AUTO : MULTIPLANAR_TYPE.ROW;
    this.nv.opts.multiplanarShowRender = layout === "planes3d" ? SHOW_RENDER.ALWAYS : SHOW_RENDER.NEVER;
    this.nv.setClipPlane(CUT);
    this.nv.setSliceType(TYPES[layout]);
  }

  setWindow({ low, high }: Window): void {
    this.image.cal_min = low;
    this.image.cal_max = high;
    this.nv.updateGLVolume();
  }

  /** The outline is drawn as NiiVue's drawing: it changes in place, and its opacity costs nothing. */
  setLabels(labels: Uint8Array, structures: readonly Structure[]): void {
    this.nv.makeRoomForLabels();
    // NiiVue's own call of this would draw the whole volume anew.
    this.nv.drawLut = coloursOf(structures);
    this.nv.refreshColormaps();
    this.nv.drawBitmap = labels;
    this.redraw();
  }

  /** Show what changed in the labels given before. */
  redraw(): void {
    this.nv.refreshDrawing(true);
  }

  setOutlineOpacity(opacity: number): void {
    this.nv.setDrawOpacity(opacity);
  }

  /** A map of 0-1 over the image; null takes it away. */
  async setMap(file: ArrayBuffer | null, opacity: number): Promise<void> {
    const before = this.overlayShown;
    this.overlayShown = null;
    if (before !== null) this.nv.removeVolume(before);
    if (file === null) return;
    const map = await NVImage.loadFromUrl({
      url: "map.nii.gz",
      name: "map.nii.gz",
      buffer: file,
      colormap: "inferno",
      opacity,
      cal_min: MAP_SPAN.low,
      cal_max: MAP_SPAN.high,
    });
    this.overlayShown = map;
    this.nv.addVolume(map);
  }

  setMapOpacity(opacity: number): void {
    if (this.overlayShown !== null) this.nv.setOpacity(this.nv.volumes.indexOf(this.overlayShown), opacity);
  }

  /** `x` and `y` in CSS pixels from the canvas's corner. */
  under(x: number, y: number): Under {
    const ratio = this.nv.uiData.dpr ?? 1;
    const tile = this.nv.screenSlices[this.nv.tileIndex(x * ratio, y * ratio)];
    if (tile === undefined) return null;
    const axis = AXES[tile.axCorSag];
    if (axis === undefined) return "solid";
    const part = this.nv.canvasPos2frac([x * ratio, y * ratio]);
    return part[0] < 0 ? null : { axis, voxel: this.voxelOf(part) };
  }

  turn(pixelsX: number, pixelsY: number): void {
    const { renderAzimuth, renderElevation } = this.nv.scene;
    this.nv.setRenderAzimuthElevation(
      renderAzimuth - pixelsX * DEGREES_A_PIXEL,
      renderElevation + pixelsY * DEGREES_A_PIXEL,
    );
  }

  /** Closer around the crosshair, or farther; 1 is the whole picture. */
  zoom(factor: number): number {
    const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, (this.nv.scene.pan2Dxyzmm[3] ?? 1) * factor));
    const [x, y, z] = zoom === 1 ? [0, 0, 0] : this.spot().mm.map((mm, axis) => this.middleMm(axis) - mm);
    this.nv.setPan2Dxyzmm([x ?? 0, y ?? 0, z ?? 0, zoom]);
    return zoom;
  }

  setLines(lines: readonly Line[]): void {
    this.nv.document.completedMeasurements = lines.map((line) => {
      const [from, to] = [this.mmOf(line.from), this.mmOf(line.to)];
      const middle = this.nv.vox2frac([...line.from]);
      return {
        startMM: from,
        endMM: to,
        distance: Math.hypot(from[0] - to[0], from[1] - to[1], from[2] - to[2]),
        sliceIndex: line.axis,
        sliceType: TYPE_OF_AXIS[line.axis],
        slicePosition: middle[line.axis] ?? 0,
      };
    });
    this.nv.drawScene();
  }

  private get image(): NVImage {
    const image = this.nv.volumes[0];
    if (image === undefined) throw new Error("no volume is open");
    return image;
  }

  private voxelOf(part: ArrayLike<number>): Triple {
    const { size } = this.grid;
    const at = (axis: 0 | 1 | 2): number => (part[axis] ?? 0) * size[axis] - 0.5;
    return inside(size, [at(0), at(1), at(2)]);
  }

  private mmOf(voxel: Triple): [number, number, number] {
    const mm = this.nv.frac2mm(this.nv.vox2frac([...voxel]), 0, true);
    return [mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0];
  }

  private middleMm(axis: number): number {
    const { size } = this.grid;
    return this.mmOf([(size[0] - 1) / 2, (size[1] - 1) / 2, (size[2] - 1) / 2])[axis as 0 | 1 | 2];
  }
}

/** Below the first a map says nothing; at the second it is brightest. */
const MAP_SPAN: Window = { low: 0.1, high: 1 };

/** A table of 256 colours (red, green, blue, opacity); what has no structure is not drawn. */
function coloursOf(structures: readonly Structure[]): Niivue["drawLut"] {
  const lut = new Uint8ClampedArray(256 * 4);
  const labels = Array.from({ length: 256 }, () => "");
  for (const { number, colour, name } of structures) {
    lut.set([...colour, 255], number * 4);
    labels[number] = name;
  }
  return { lut, labels };
}

/** Without a graphics processor a picture in 3D takes seconds: it is drawn where it is asked for. */
export function drawsSlowly(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  const about = context?.getExtension("WEBGL_debug_renderer_info");
  const name = about ? String(context?.getParameter(about.UNMASKED_RENDERER_WEBGL)) : "";
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
