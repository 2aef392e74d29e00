/** The files of a result that a reader may want elsewhere. */
import type { ReactElement } from "react";

import { API, artifactPath } from "../api/address";
import type { Result } from "../api/types";
import { bytes } from "../text/format";
import { t } from "../text/messages";
import { downloadsOf } from "./files";

export function Downloads({ result }: { result: Result }): ReactElement {
  const files = downloadsOf(result);
  if (files.length === 0) return <></>;
  return (
    <section className="panel" aria-labelledby="files-title">
      <h2 id="files-title">{t.downloads.title}</h2>
      <ul className="files">
        {files.map(({ artifact, kind, count }) =>
          count > 1 ? (
            <li key={kind}>{t.downloads.many(count, kind)}</li>
          ) : (
            <li key={artifact.name} className="row row-apart">
              <a href={`${API}${artifactPath(result.id, artifact.name)}`} download={artifact.name}>
                {kind}
              </a>
              <span className="tone-muted small">
                {artifact.name}, {bytes(artifact.bytes)}
              </span>
            </li>
          ),
        )}
      </ul>
    </section>
  );
}
