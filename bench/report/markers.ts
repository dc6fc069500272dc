const START = '<!-- results: written by npm run bench:report -->';
const END = '<!-- end of results -->';

/** @throws if the text has no place for it. */
export function replaceBetweenMarkers(text: string, content: string): string {
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start === -1 || end < start) throw new Error(`there is no "${START}" with "${END}" after it`);
  return `${text.slice(0, start + START.length)}\n\n${content.trim()}\n\n${text.slice(end)}`;
}
