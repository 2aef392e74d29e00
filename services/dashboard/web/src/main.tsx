/** The program: the pages, drawn for whoever is logged in. */
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { CrashBarrier } from "./app/CrashBarrier";
import { askFirst } from "./api/first";
import { makeQueryClient } from "./api/queries";
import "./design/tokens.css";
import "./design/base.css";
import "./design/controls.css";
import "./design/components.css";
import "./design/forms.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

const client = makeQueryClient();
void askFirst(client, window.location.pathname).then(() =>
  createRoot(root).render(
    <StrictMode>
      <CrashBarrier>
        <QueryClientProvider client={client}>
          <App />
        </QueryClientProvider>
      </CrashBarrier>
    </StrictMode>,
  ),
);
