/** Where a form with values begins. */

/**
 * The control of the form's first value; of grades the one that is chosen, since from any other an arrow key would
 * choose that one's neighbour.
 */
export function firstValue(form: HTMLFormElement): HTMLElement | null {
  const first = form.querySelector<HTMLElement>('input:not([type="checkbox"]), select');
  return first?.closest("fieldset")?.querySelector<HTMLElement>("input:checked") ?? first;
}
