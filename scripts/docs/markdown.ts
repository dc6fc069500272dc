import { readFileSync } from 'node:fs';

/** A fenced block of code. */
export interface CodeBlock {
  language: string;
  /** The line of its first fence, from 1. */
  line: number;
  code: string;
  /** The HTML comment right above it, which readers don't see. */
  hidden: string;
}

/** A link to a file, or to a heading. */
export interface Link {
  line: number;
  target: string;
}

/** The parts of a Markdown page that can be checked. */
export interface Page {
  /** From the root of the project, such as `docs/errors.md`. */
  path: string;
  text: string;
  blocks: CodeBlock[];
  links: Link[];
  anchors: Set<string>;
}

const FENCE = /^ *(`{3,})(\w*) *$/;
const HEADING = /^#{1,6} +(.*?) *#* *$/;
const LINK = /\[(?:[^\]\\]|\\.)*\]\(([^()\s]+)\)/g;
const ANCHOR = /<a (?:id|name)="([^"]+)">/g;

export function readPage(root: URL, path: string): Page {
  return parsePage(path, readFileSync(new URL(path, root), 'utf8'));
}

export function parsePage(path: string, text: string): Page {
  const page: Page = { path, text, blocks: [], links: [], anchors: new Set() };
  const lines = text.split('\n');
  const seen = new Map<string, number>();
  let block: (CodeBlock & { fence: string }) | null = null;
  for (const [index, line] of lines.entries()) {
    const [, fence, language = ''] = FENCE.exec(line) ?? [];
    if (block) {
      if (fence === block.fence && language === '') block = null;
      else block.code += `${line}\n`;
    } else if (fence === undefined) {
      addProse(page, { line, number: index + 1, seen });
    } else {
      block = { fence, language, line: index + 1, code: '', hidden: hiddenAbove(lines, index) };
      page.blocks.push(block);
    }
  }
  return page;
}

function addProse(
  page: Page,
  { line, number, seen }: { line: string; number: number; seen: Map<string, number> },
): void {
  const [, heading] = HEADING.exec(line) ?? [];
  if (heading !== undefined) page.anchors.add(uniqueAnchor(anchorOf(heading), seen));
  for (const [, anchor = ''] of line.matchAll(ANCHOR)) page.anchors.add(anchor);
  for (const [, target = ''] of withoutCode(line).matchAll(LINK)) page.links.push({ line: number, target });
}

/** The anchor that GitHub gives to a heading: lower case, no punctuation, a hyphen for each space. */
function anchorOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Makes an anchor unique as GitHub does: the second heading of the same name gets `-1`. */
function uniqueAnchor(anchor: string, seen: Map<string, number>): string {
  const before = seen.get(anchor) ?? 0;
  seen.set(anchor, before + 1);
  return before === 0 ? anchor : `${anchor}-${before}`;
}

/** Text between backticks is not a link, but a link's text may be code. */
function withoutCode(line: string): string {
  return line.replaceAll(/`[^`]*`/g, (code) => 'x'.repeat(code.length));
}

function hiddenAbove(lines: readonly string[], index: number): string {
  const before = lines.slice(0, index).join('\n').trimEnd();
  if (!before.endsWith('-->')) return '';
  return before.slice(before.lastIndexOf('<!--') + '<!--'.length, -'-->'.length).trim();
}
