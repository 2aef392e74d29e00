import react from "@vitejs/plugin-react";
import { defineConfig, type HtmlTagDescriptor, type Plugin, type Rolldown } from "vite";

const API = "http://127.0.0.1:8000";
const PROGRAM = "program";
/** For V8: nearly all of the program is needed at once, so it is compiled as a whole while it comes, beside the page. */
const COMPILED_AHEAD = "//# allFunctionsCalledOnLoad";

/** The entry only asks the API its first questions: the page names the program's files, so that they come beside it. */
function besideTheEntry(): Plugin {
  const programOf = (bundle: Rolldown.OutputBundle): Rolldown.OutputChunk | undefined =>
    Object.values(bundle).find((one): one is Rolldown.OutputChunk => one.type === "chunk" && one.name === PROGRAM);
  return {
    name: "beside-the-entry",
    // Last of all: the remark counts only on the first line.
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const program = programOf(bundle);
        if (program !== undefined) program.code = `${COMPILED_AHEAD}\n${program.code}`;
      },
    },
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const program = bundle === undefined ? undefined : programOf(bundle);
        if (program === undefined) return [];
        const scripts = [program.fileName, ...program.imports].map((name) => link("modulepreload", name));
        const sheets = [...(program.viteMetadata?.importedCss ?? [])].map((name) => link("stylesheet", name));
        return [...sheets, ...scripts];
      },
    },
  };
}

const link = (rel: string, file: string): HtmlTagDescriptor => ({
  tag: "link",
  attrs: { rel, href: `/${file}`, crossorigin: true },
  injectTo: "head",
});

export default defineConfig({
  plugins: [react(), besideTheEntry()],
  build: {
    target: "es2022",
    // The Content-Security-Policy allows files of this server alone, so nothing may be inlined as a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "first", test: /src\/first\.ts$/, priority: 2 },
            { name: PROGRAM, test: /src\/main\.tsx$/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": API } },
});
