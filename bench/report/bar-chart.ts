/** A bar of parts that lie one after the other. */
export interface Bar {
  label: string;
  parts: readonly number[];
  /** The one that the chart is about. */
  stressed: boolean;
}

export interface BarChart {
  title: string;
  /** What the first parts of all bars are, what the second ones are … */
  series: readonly string[];
  bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 190;
const NUMBERS = 70;
const ROW = 30;
const BAR = 18;
const HEAD = 64;

/** Its own colours on light and on dark pages; text as the page's reader has set it. */
const STYLE = `
  svg { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .stressed { font-weight: 600; }
  .part-0 { fill: #0969da; }
  .part-1 { fill: #9a6700; }
  .back { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6edf3; }
    .part-0 { fill: #58a6ff; }
    .part-1 { fill: #d29922; }
    .back { fill: #0d1117; }
  }`;

/** Lying bars as an SVG of its own. */
export function barChart({ title, series, bars }: BarChart): string {
  const largest = Math.max(...bars.map(({ parts }) => lengthOf(parts)));
  const scale = (WIDTH - LABELS - NUMBERS) / largest;
  const height = HEAD + bars.length * ROW + 10;
  const key = series.map((name, index) => {
    const x = LABELS + index * 110;
    return `<rect class="part-${index}" x="${x}" y="36" width="12" height="12"/><text x="${x + 18}" y="47">${escaped(name)}</text>`;
  });
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="12" y="24">${escaped(title)}</text>`,
    ...key,
    ...bars.flatMap((bar, index) => row(bar, HEAD + index * ROW, scale)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function row({ label, parts, stressed }: Bar, y: number, scale: number): string[] {
  const className = stressed ? ' class="stressed"' : '';
  const textY = y + BAR - 5;
  const starts = parts.map((_part, index) => LABELS + lengthOf(parts.slice(0, index)) * scale);
  const numberX = LABELS + lengthOf(parts) * scale + 8;
  return [
    `<text${className} x="12" y="${textY}">${escaped(label)}</text>`,
    ...parts.map(
      (part, index) =>
        `<rect class="part-${index}" x="${starts[index]?.toFixed(1)}" y="${y}" width="${(part * scale).toFixed(1)}" height="${BAR}"/>`,
    ),
    `<text${className} x="${numberX.toFixed(1)}" y="${textY}">${parts.map((part) => part.toFixed(0)).join(' + ')}</text>`,
  ];
}

function lengthOf(parts: readonly number[]): number {
  return parts.reduce((sum, part) => sum + part, 0);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
