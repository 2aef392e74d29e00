/** Runs first, alone and small: the questions of the first page are on their way while the program is still compiled. */
import { askEarly } from "./api/early";
import { applyTheme, storedTheme } from "./app/theme";

askEarly(window.location.pathname);
applyTheme(storedTheme());
void import("./main");
