/** A part that is a file of its own: loaded when it is first shown or before, and then drawn without waiting. */
import { useEffect, useState, type ComponentType, type ReactElement } from "react";

type Module<Props> = { default: ComponentType<Props> };
export type OnDemand<Props> = ComponentType<Props & { waiting: ReactElement }> & { load: () => Promise<void> };

/**
 * Unlike React's `lazy` it never keeps showing that it waits for longer than it does, and a file that is there already
 * is drawn at once. A file that does not come is the page's error, and is asked for again when the page is.
 */
export function onDemand<Props extends object>(fetched: () => Promise<Module<Props>>): OnDemand<Props> {
  let Part: ComponentType<Props> | null = null;
  let loading: Promise<void> | null = null;
  const load = (): Promise<void> => {
    loading ??= fetched().then(
      (module) => {
        Part = module.default;
      },
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  };

  function Loaded({ waiting, ...props }: Props & { waiting: ReactElement }): ReactElement {
    const [, setLoaded] = useState(Part !== null);
    const [failed, setFailed] = useState<{ error: unknown } | null>(null);
    useEffect(() => {
      if (Part === null)
        load().then(
          () => setLoaded(true),
          (error: unknown) => setFailed({ error }),
        );
    }, []);
    if (failed !== null) throw failed.error;
    if (Part === null) return waiting;
    // What is left without `waiting` are the part's own properties, which the type does not see.
    return <Part {...(props as unknown as Props)} />;
  }
  return Object.assign(Loaded, { load });
}
