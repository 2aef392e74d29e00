/** Correcting an outline: brush, eraser, structure, undo, the volumes as drawn, and saving. */
import type { ReactElement } from "react";

import { Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { figure } from "../text/format";
import { t } from "../text/messages";
import { voxelMl } from "./grid";
import { SIZES, TOOLS, type Brush } from "./useBrush";
import type { Outline, Shown } from "./useOutline";

const KEY_OF = { look: null, brush: KEYS.volume.brush[0], erase: KEYS.volume.eraser[0] } as const;

export function BrushTools({ brush, outline }: { brush: Brush; outline: Outline }): ReactElement {
  return (
    <div className="tools volume-brush" role="toolbar" aria-label={t.volume.tools}>
      <div className="tool" role="group" aria-label={t.volume.tools}>
        {TOOLS.map((tool) => (
          <Button key={tool} small aria-pressed={brush.tool === tool} onClick={() => brush.setTool(tool)}>
            {t.volume.toolNames[tool]} {KEY_OF[tool] === null ? null : <Key>{KEY_OF[tool]}</Key>}
          </Button>
        ))}
      </div>
      {brush.tool !== "look" || outline.dirty ? <StrokeTools brush={brush} outline={outline} /> : null}
    </div>
  );
}

function StrokeTools({ brush, outline }: { brush: Brush; outline: Outline }): ReactElement {
  const drawing = outline.shown?.drawing;
  return (
    <>
      <label className="slider">
        {t.volume.structure} <Key>{KEYS.volume.structure[0]}</Key>
        <select
          className="input"
          value={brush.structure}
          onChange={(event) => brush.setStructure(Number(event.target.value))}
        >
          {outline.structures.map((one) => (
            <option key={one.number} value={one.number}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      <label className="slider">
        {t.volume.size} <Key>{KEYS.volume.smaller[0]}</Key> <Key>{KEYS.volume.larger[0]}</Key>
        <select className="input" value={brush.size} onChange={(event) => brush.setSize(Number(event.target.value))}>
          {SIZES.map((size) => (
            <option key={size} value={size}>
              {t.volume.sizeText(String(size))}
            </option>
          ))}
        </select>
      </label>
      <div className="tool">
        <Button small disabled={!drawing?.done.length} onClick={outline.undo}>
          {t.volume.undo} <Key>{KEYS.volume.undoStroke[0]}</Key>
        </Button>
        <Button small disabled={!drawing?.undone.length} onClick={outline.redo}>
          {t.volume.redo} <Key>{KEYS.volume.redoStroke[0]}</Key>
        </Button>
      </div>
      <div className="tool">
        <Button small kind="primary" disabled={!outline.dirty || outline.busy} onClick={outline.save}>
          {outline.busy ? t.volume.saving : t.volume.save} <Key>{t.keys.name(KEYS.volume.saveOutline[0])}</Key>
        </Button>
        <Button small disabled={!outline.dirty || outline.busy} onClick={outline.discard}>
          {t.volume.discard}
        </Button>
      </div>
    </>
  );
}

/** Colour and name of each structure, with its volume as it is drawn now. */
export function Legend({ shown }: { shown: Shown }): ReactElement {
  const { drawing, structures, before } = shown;
  const ml = voxelMl(drawing.spacing);
  return (
    <table className="volume-legend" title={t.volume.counted}>
      <caption className="tone-muted">{t.volume.live}</caption>
      <tbody>
        {structures.map((one) => {
          const [now, was] = [drawing.counts[one.number] ?? 0, before[one.number] ?? 0];
          return (
            <tr key={one.number}>
              <th scope="row">
                <Swatch colour={one.colour} /> {one.name}
              </th>
              <td>
                {figure(now * ml, "ml")} ml
                {now === was ? null : (
                  <span className="tone-muted"> ({t.volume.liveWas(`${figure(was * ml, "ml")} ml`)})</span>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The colour is set through the CSSOM: the page's policy allows no style written into it. */
function Swatch({ colour }: { colour: readonly [number, number, number] }): ReactElement {
  return (
    <span
      className="volume-swatch"
      aria-hidden="true"
      ref={(swatch) => swatch?.style.setProperty("--swatch", `rgb(${colour.join(" ")})`)}
    />
  );
}

/** What became of the strokes: kept from before, not saved, in conflict, or saved. */
export function MaskNotices({ outline }: { outline: Outline }): ReactElement {
  const { error, unsure, conflict, shown, saved } = outline;
  return (
    <>
      {conflict ? (
        <Notice tone="urgent" title={t.volume.conflict}>
          <p>{t.volume.conflictWhat}</p>
          <Button small onClick={outline.saveOnTop}>
            {t.volume.saveOnTop}
          </Button>
        </Notice>
      ) : error !== null ? (
        <Notice tone="stat" title={unsure ? t.volume.unsure : t.volume.notSaved}>
          <p>
            {error.message} {unsure ? t.volume.unsureWhat : t.volume.notSavedWhat}
          </p>
        </Notice>
      ) : null}
      {shown?.restored && !outline.busy ? (
        <Notice tone="urgent" title={t.volume.restored}>
          <p>{t.volume.restoredWhat}</p>
        </Notice>
      ) : null}
      {outline.roomy ? null : (
        <Notice tone="urgent" title={t.volume.unsaved}>
          <p>{t.volume.noRoom}</p>
        </Notice>
      )}
      <p role="status" className="small volume-said">
        {saved !== null && !outline.dirty ? t.volume.saved(saved.number) : ""}
      </p>
    </>
  );
}
