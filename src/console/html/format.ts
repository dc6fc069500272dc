/** Formats numbers, times and sizes for the pages. All functions are pure: the current time is an argument. */

const UNITS: readonly [ms: number, name: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** `840 ms`, `12 s`, `3 min`, `2 h 5 min`: two units at most. */
export function formatDuration(durationMs: number): string {
  const wholeMs = Math.max(0, Math.round(durationMs));
  const first = UNITS.findIndex(([unitMs]) => wholeMs >= unitMs);
  if (first === -1) return `${wholeMs} ms`;
  const [unitMs = 1, name = ''] = UNITS[first] ?? [];
  const count = Math.floor(wholeMs / unitMs);
  const [nextMs = 1, nextName] = UNITS[first + 1] ?? [];
  const rest = Math.floor((wholeMs % unitMs) / nextMs);
  const isExact = nextName === undefined || rest === 0 || count >= 10;
  return isExact ? `${count} ${name}` : `${count} ${name} ${rest} ${nextName}`;
}

/** `3 min ago`, `in 12 s`, `now`. */
export function formatRelative(atMs: number, nowMs: number): string {
  const awayMs = atMs - nowMs;
  if (Math.abs(awayMs) < 1000) return 'now';
  return awayMs < 0 ? `${formatDuration(-awayMs)} ago` : `in ${formatDuration(awayMs)}`;
}

/** `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `0`, `3.4`, `120`: a rate per second. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 100) return formatCount(Math.round(perSecond));
  return String(Math.round(perSecond * 10) / 10);
}

/** `812 bytes`, `3.1 KiB`. */
export function formatBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`;
}

/** `1 message`, `2 messages`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A long id, shortened for a sentence or a table; the title of its element has the whole id. */
export function shortened(text: string, max = 48): string {
  const characters = Array.from(text);
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
}
