/** Changes between the dark reading-room theme and the light one. */
import { useState, type ReactElement } from "react";

import { Button } from "../design/parts";
import { t } from "../text/messages";
import { keepTheme, storedTheme, type Theme } from "./theme";

export function ThemeButton({ kind = "plain" }: { kind?: "plain" | "quiet" }): ReactElement {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const other = theme === "dark" ? "light" : "dark";
  const change = (): void => {
    keepTheme(other);
    setTheme(other);
  };
  return (
    <Button kind={kind} small onClick={change}>
      {other === "light" ? t.theme.toLight : t.theme.toDark}
    </Button>
  );
}
