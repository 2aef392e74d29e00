/** The rows of the list: those on screen and a few around them are in the page, however long the list is. */
import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import {
  Fragment,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ReactElement,
  type RefObject,
} from "react";

import { scaled } from "../design/scale";
import { t } from "../text/messages";
import { keepPlace, keptPlace } from "./place";
import { Row } from "./Row";
import type { List } from "./useList";

/** Two lines of text; each row is measured once it is shown. */
const ROW_PX = 62;
/** The line of names stays on top of the rows; none is scrolled to underneath it. */
const HEADER_PX = 37;
const OVERSCAN = 12;
/** The first picture has few rows beyond the screen: the others follow when it is there, and give way to a key. */
const FIRST_OVERSCAN = 4;
/** Above the rows stand the bar, the title and the filters; as long as nothing is measured this is where they begin. */
const ABOVE_PX = 240;
/** A list no longer than this is in the page as a whole, where the browser's own search finds its rows. */
const SHORT = 150;
/** The next page is asked for this many rows before the end of what is loaded. */
const AHEAD = 60;

type Props = { list: List; canMark: boolean; focusRef: RefObject<boolean>; scroller: HTMLElement | null };

export function Table({ list, canMark, focusRef, scroller }: Props): ReactElement {
  const [[above, header, rowHeight]] = useState(() => [scaled(ABOVE_PX), scaled(HEADER_PX), scaled(ROW_PX)] as const);
  const { rows, at, query } = list;
  const index = at.index;
  // The cursor's row stays in the page wherever it is scrolled to: it may have the focus.
  const rangeExtractor = useCallback(
    (range: Range): number[] => [...new Set([...defaultRangeExtractor(range), index])].sort((one, two) => one - two),
    [index],
  );
  const isShort = !query.hasNextPage && rows.length <= SHORT;
  const overscan = useDeferredValue(isShort ? SHORT : OVERSCAN, FIRST_OVERSCAN);
  // eslint-disable-next-line react-hooks/incompatible-library -- its answers change: nothing here may remember them
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => rowHeight,
    getItemKey: (place) => rows[place]?.row_id ?? place,
    overscan,
    scrollMargin: header,
    scrollPaddingStart: header,
    initialOffset: () => keptPlace().offset,
    // At its beginning the list is drawn with the page around it; elsewhere it is first scrolled to its place.
    initialRect: { width: 0, height: keptPlace().offset === 0 ? window.innerHeight - above : 0 },
    initialMeasurementsCache: keptPlace().heights,
    rangeExtractor,
  });
  const items = virtual.getVirtualItems().filter((item) => item.index < rows.length);
  const last = virtual.range?.endIndex ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= rows.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, rows.length]);

  const scrollTo = virtual.scrollToIndex;
  useLayoutEffect(() => {
    if (!focusRef.current || scroller === null || rows.length === 0) return;
    const link = scroller.querySelector<HTMLElement>("tr.chosen a");
    if (link === null) return; // drawn in a moment, and then this runs again
    focusRef.current = false;
    scrollTo(index, { align: "auto" });
    scroller.scrollIntoView({ block: "nearest" }); // in a low window the page is scrolled as well
    link.focus({ preventScroll: true });
  });

  const latest = useRef({ list, virtual });
  useEffect(() => {
    latest.current = { list, virtual };
  });
  useEffect(
    () => () => {
      const { at: place, search } = latest.current.list;
      const { scrollOffset, measurementsCache } = latest.current.virtual;
      keepPlace({ cursor: place.id, index: place.index, offset: scrollOffset ?? 0, heights: measurementsCache, search });
    },
    [],
  );

  return (
    <table
      className="table worklist"
      aria-label={t.worklist.table}
      aria-rowcount={query.hasNextPage ? -1 : rows.length + 1}
    >
      <thead>
        <tr aria-rowindex={1}>
          {canMark ? (
            <th scope="col" className="column-mark">
              <span className="hidden-visually">{t.marks.column}</span>
            </th>
          ) : null}
          {Object.entries(t.worklist.columns).map(([column, name]) => (
            <th key={column} scope="col" className={`column-${column}`}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item, place) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <Fragment key={item.key}>
              <Gap height={item.start - (items[place - 1]?.end ?? header)} />
              <Row
                row={row}
                index={item.index}
                measure={virtual.measureElement}
                chosen={item.index === index}
                choose={() => list.moveTo(item.index)}
                marked={canMark ? list.marked.includes(row.row_id) : null}
                mark={(through) => (through ? list.markTo : list.mark)(row.row_id)}
              />
            </Fragment>
          );
        })}
        <Gap height={header + virtual.getTotalSize() - (items.at(-1)?.end ?? header)} />
      </tbody>
    </table>
  );
}

/** The room of rows that are not in the page. */
function Gap({ height }: { height: number }): ReactElement {
  const place = useRef<HTMLTableRowElement>(null);
  useLayoutEffect(() => {
    place.current?.style.setProperty("height", `${Math.max(0, height)}px`);
  }, [height]);
  if (height <= 0) return <></>;
  return <tr ref={place} className="gap" aria-hidden="true" />;
}
