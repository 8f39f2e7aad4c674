/** A self-contained page: text, tables and inline SVG, readable offline, on a phone and on paper. */

/** Text as HTML: nothing in it is markup. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** One chapter of the page; `body` is HTML. */
export interface Chapter {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** A picture with a caption; `svg` is trusted, the caption is text. */
export function figure(svg: string, caption: string, kind: "wide" | "narrow" = "wide"): string {
  const inline = svg.replace(/<\?xml[^>]*\?>|<!DOCTYPE[^>]*>/g, "").trim();
  return `<figure class="${kind}"><div class="picture">${inline}</div><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

/** Figures side by side where there is room. */
export function row(...figures: readonly string[]): string {
  return `<div class="row">${figures.join("")}</div>`;
}

/** A table of text cells; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const cells = (tag: string, values: readonly string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${cells("th", head)}</thead><tbody>${body.map((one) => cells("td", one)).join("")}</tbody></table></div>`;
}

const STYLE = `
:root { color-scheme: light; --ink: #1c2733; --soft: #5b6875; --line: #dfe4e9; --paper: #ffffff; --wash: #f6f8fa; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--wash); color: var(--ink); font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, header > div { max-width: 62rem; margin: 0 auto; padding: 0 1.2rem; }
header { background: #10243a; color: #fff; padding: 3rem 0 2.4rem; }
header h1 { margin: 0 0 .4rem; font-size: clamp(1.8rem, 5vw, 2.8rem); line-height: 1.15; letter-spacing: -.02em; }
header p { margin: 0; max-width: 44rem; color: #cfdbe6; font-size: 1.1rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin-top: 1.4rem; font-size: .95rem; }
nav a { color: #9fd0f2; text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; margin: 1.6rem 0; padding: 1.4rem clamp(1rem, 3vw, 2.2rem) 1.8rem; }
h2 { margin: 0 0 .8rem; font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; }
h3 { margin: 1.8rem 0 .5rem; font-size: 1.1rem; }
p { margin: .7rem 0; max-width: 44rem; }
figure { margin: 1.2rem 0; min-width: 0; }
.picture { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: #fff; padding: .5rem; }
.picture svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.graph .picture svg { max-width: none; }
@media (max-width: 40rem) { .wide .picture svg { min-width: 36rem; } .row .picture svg, .graph .picture svg { min-width: 0; } }
figcaption { color: var(--soft); font-size: .9rem; line-height: 1.45; margin-top: .5rem; max-width: 44rem; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0 1.4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { text-align: left; padding: .35rem 1.1rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
pre { overflow-x: auto; background: var(--wash); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
strong { font-weight: 650; }
footer { color: var(--soft); font-size: .9rem; padding: .5rem 0 3rem; }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; } nav { display: none; } }
`;

/** The whole document. */
export function page(title: string, lead: string, chapters: readonly Chapter[], foot: string): string {
  const links = chapters.map(({ id, title: name }) => `<a href="#${id}">${escapeHtml(name)}</a>`).join("");
  const sections = chapters
    .map(({ id, title: name, body }) => `<section id="${id}"><h2>${escapeHtml(name)}</h2>${body}</section>`)
    .join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><div><h1>${escapeHtml(title)}</h1><p>${escapeHtml(lead)}</p><nav>${links}</nav></div></header>
<main>
${sections}
<footer>${escapeHtml(foot)}</footer>
</main>
</body>
</html>
`;
}
