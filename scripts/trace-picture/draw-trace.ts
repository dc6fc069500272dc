/** A span, in ms from the start of the picture. */
export interface DrawnSpan {
  label: string;
  /** What the attributes say. */
  note: string;
  startMs: number;
  endMs: number;
  /** How deep it is nested. */
  depth: number;
  kind: 'app' | 'worker' | 'request';
  isError: boolean;
  /** The index of the span that it is linked to. */
  linkTo: number | null;
}

const WIDTH = 760;
const LABELS = 190;
const RIGHT = 20;
const ROW = 40;
const BAR = 16;
const HEAD = 64;
const INDENT = 14;
const TICKS = 5;
const KINDS = [
  ['app', 'your app'],
  ['worker', 'attempt'],
  ['request', 'request'],
  ['error', 'failed'],
] as const;

/** Its own colours on light and on dark pages; text as the page's reader has set it. */
const STYLE = `
  svg { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .note { font-size: 12px; fill: #59636e; }
  .app { fill: #1a7f37; }
  .worker { fill: #0969da; }
  .request { fill: #8250df; }
  .error { fill: #cf222e; }
  .grid { stroke: #d1d9e0; }
  .link { stroke: #59636e; fill: none; stroke-dasharray: 4 3; }
  .back { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .app { fill: #3fb950; }
    .worker { fill: #58a6ff; }
    .request { fill: #bc8cff; }
    .error { fill: #f85149; }
    .grid { stroke: #30363d; }
    .link { stroke: #9198a1; }
    .back { fill: #0d1117; }
  }`;

/** Draws spans, one below the other, as an SVG of its own. */
export function drawTrace(title: string, spans: readonly DrawnSpan[]): string {
  const endMs = Math.max(...spans.map((span) => span.endMs));
  const scale = (WIDTH - LABELS - RIGHT) / endMs;
  const x = (ms: number): string => (LABELS + ms * scale).toFixed(1);
  const height = HEAD + spans.length * ROW + 28;
  const bottom = height - 24;
  const ticks = Array.from({ length: TICKS + 1 }, (_, n) => (endMs * n) / TICKS);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="12" y="24">${escaped(title)}</text>`,
    ...KINDS.map(([kind, name], index) => {
      const left = LABELS + index * 100;
      return `<rect class="${kind}" x="${left}" y="36" width="12" height="12"/><text x="${left + 18}" y="47">${name}</text>`;
    }),
    ...ticks.map((ms, n) => {
      const anchor = n === TICKS ? 'end' : 'middle';
      const line = `<line class="grid" x1="${x(ms)}" y1="${HEAD - 6}" x2="${x(ms)}" y2="${bottom}"/>`;
      return `${line}<text class="note" x="${x(ms)}" y="${height - 8}" text-anchor="${anchor}">${ms.toFixed(0)} ms</text>`;
    }),
    ...spans.flatMap((span, index) => row(span, HEAD + index * ROW, x)),
    ...spans.flatMap((span, index) => link(spans, span, index, x)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function row(
  { label, note, startMs, endMs, depth, kind, isError }: DrawnSpan,
  y: number,
  x: (ms: number) => string,
): string[] {
  const width = Math.max(2, Number(x(endMs)) - Number(x(startMs))).toFixed(1);
  // A note that would not fit to the right of its bar's start ends at the bar's end.
  const isLate = Number(x(startMs)) > (LABELS + WIDTH) / 2;
  const place = isLate ? `x="${x(endMs)}" text-anchor="end"` : `x="${x(startMs)}"`;
  return [
    `<text x="${12 + depth * INDENT}" y="${y + BAR - 4}">${escaped(label)}</text>`,
    `<rect class="${isError ? 'error' : kind}" x="${x(startMs)}" y="${y}" width="${width}" height="${BAR}"/>`,
    `<text class="note" ${place} y="${y + BAR + 13}">${escaped(note)}</text>`,
  ];
}

/** A dashed line from the span that is linked to: down from its start, and to the bar. */
function link(spans: readonly DrawnSpan[], span: DrawnSpan, index: number, x: (ms: number) => string): string[] {
  const target = span.linkTo === null ? undefined : spans[span.linkTo];
  if (!target || span.linkTo === null) return [];
  const from = { x: x(target.startMs), y: HEAD + span.linkTo * ROW + BAR };
  const toY = HEAD + index * ROW + BAR / 2;
  return [`<path class="link" d="M ${from.x} ${from.y} V ${toY} H ${x(span.startMs)}"/>`];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
