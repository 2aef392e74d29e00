/** A model card: Markdown as elements, never as HTML, so that a card from elsewhere can bring no script along. */
import { lexer, type Token, type Tokens } from "marked";
import { Fragment, type ReactElement, type ReactNode } from "react";

export function Card({ markdown }: { markdown: string }): ReactElement {
  return <div className="card">{blocks(lexer(markdown))}</div>;
}

function blocks(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, place) => <Fragment key={place}>{block(token)}</Fragment>);
}

function block(token: Token): ReactNode {
  switch (token.type) {
    case "heading":
      return heading(token as Tokens.Heading);
    case "paragraph":
      return <p>{inline(token)}</p>;
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "code":
      return <pre>{(token as Tokens.Code).text}</pre>;
    case "blockquote":
      return <blockquote>{blocks((token as Tokens.Blockquote).tokens)}</blockquote>;
    case "hr":
      return <hr />;
    case "space":
    case "def":
      return null;
    case "text":
      return inline(token);
    default:
      return <p>{token.raw}</p>;
  }
}

/** The page has its h1 and h2 already: the card's headings go below them. */
function heading(token: Tokens.Heading): ReactNode {
  return token.depth <= 2 ? <h3>{inline(token)}</h3> : <h4>{inline(token)}</h4>;
}

function list(token: Tokens.List): ReactNode {
  const items = token.items.map((item, place) => <li key={place}>{blocks(item.tokens)}</li>);
  return token.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table): ReactNode {
  return (
    <table className="table">
      <thead>
        <tr>
          {token.header.map((cell, place) => (
            <th key={place} scope="col">
              {inlines(cell.tokens)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {token.rows.map((row, line) => (
          <tr key={line}>
            {row.map((cell, place) => (
              <td key={place}>{inlines(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(token: Token): ReactNode {
  return "tokens" in token && token.tokens ? inlines(token.tokens) : textOf(token);
}

function inlines(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, place) => <Fragment key={place}>{mark(token)}</Fragment>);
}

function mark(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token)}</strong>;
    case "em":
      return <em>{inline(token)}</em>;
    case "codespan":
      return <code>{textOf(token)}</code>;
    case "br":
      return <br />;
    case "link":
      return link(token as Tokens.Link);
    default:
      return inline(token);
  }
}

/** A reading room may have no way outside: where a link leads is written out, and only web addresses are links. */
function link(token: Tokens.Link): ReactNode {
  if (!/^https?:\/\//.test(token.href)) return inlines(token.tokens);
  return (
    <a href={token.href} rel="noreferrer noopener" target="_blank">
      {inlines(token.tokens)}
    </a>
  );
}

const ENTITIES: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };

function textOf(token: Token): string {
  const text = "text" in token && typeof token.text === "string" ? token.text : token.raw;
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}
