/** A picture of the server's; the next one, or a sharper rendering, takes its place only once it is there. */
import { useEffect, useState, type ReactElement } from "react";

import { useSessionCheck } from "../api/sessionCheck";
import { Badge, Button } from "../design/parts";
import { t } from "../text/messages";
import { filterOf, type Picture } from "./picture";

type Props = {
  /** What the picture shows; another rendering of the same has the same id. */
  id: string;
  url: string;
  alt: string;
  picture: Picture;
  /** Told the width over the height of what is shown. */
  arrived: (ratio: number) => void;
};

type Source = Pick<Props, "id" | "url" | "alt">;

export function Photo({ id, url, alt, picture, arrived }: Props): ReactElement {
  const [shown, setShown] = useState<Source>({ id, url, alt });
  const [failed, setFailed] = useState<string | null>(null);
  const checkSession = useSessionCheck();
  useEffect(() => {
    if (url === shown.url) return;
    const next = new Image();
    next.onload = () => setShown({ id, url, alt });
    // A sharper rendering that does not come leaves the coarser one; another picture that does not come is said.
    next.onerror = () => {
      checkSession();
      setFailed(id === shown.id ? null : id);
    };
    next.src = url;
    return () => {
      next.onload = null;
      next.onerror = null;
    };
  }, [id, url, alt, shown, checkSession]);

  const again = (): void => {
    setShown({ id, url, alt });
    setFailed(null);
  };
  if (failed === id) return <NoPicture again={again} />;
  return (
    <img
      className={shown.id === id ? "photo" : "photo photo-leaving"}
      src={shown.url}
      alt={shown.alt}
      draggable={false}
      style={{ filter: filterOf(picture) }}
      onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
        arrived(naturalWidth / Math.max(1, naturalHeight))
      }
      onError={() => setFailed(id)}
    />
  );
}

function NoPicture({ again }: { again: () => void }): ReactElement {
  return (
    <p className="stage-note">
      <Badge icon="failed" tone="stat">
        {t.study.noPicture}
      </Badge>{" "}
      {/* The stage takes pointers for itself, to be dragged. */}
      <Button small onPointerDown={(event) => event.stopPropagation()} onClick={again}>
        {t.retryLoad}
      </Button>
    </p>
  );
}
