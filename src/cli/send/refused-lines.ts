/** Prints why lines were refused; lines in a row with the same problems share a text. */
export interface RefusedLines {
  tell(number: number, problems: readonly string[]): void;
  /** Prints what was not printed yet. */
  flush(): void;
}

/** How long a line may wait for others with the same problems. */
const MAX_WAIT_MS = 1000;
/** Bounds the length of a printed line while stored and refused lines alternate. */
const MAX_RANGES = 20;

type Range = [first: number, last: number];

export function createRefusedLines(print: (text: string) => void): RefusedLines {
  let same: readonly string[] = [];
  let waiting: Range[] = [];
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) for (const problem of same) print(`${describeRanges(waiting)}: ${problem}`);
    waiting = [];
  }

  return {
    tell(number, problems) {
      if (problems.join('\n') !== same.join('\n')) {
        flush();
        same = problems;
        // The first one is told at once, to somebody who types.
        for (const problem of problems) print(`line ${number}: ${problem}`);
        return;
      }
      addTo(waiting, number);
      if (waiting.length >= MAX_RANGES) flush();
      else timer ??= setTimeout(flush, MAX_WAIT_MS);
    },
    flush,
  };
}

/** Ascending numbers of lines: `line 7`, `lines 1 to 3, 7`. */
export function describeLines(numbers: readonly number[]): string {
  const ranges: Range[] = [];
  for (const number of numbers) addTo(ranges, number);
  return describeRanges(ranges);
}

function addTo(ranges: Range[], number: number): void {
  const range = ranges.at(-1);
  if (range?.[1] === number - 1) range[1] = number;
  else ranges.push([number, number]);
}

function describeRanges(ranges: readonly Range[]): string {
  const texts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  const isOne = ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];
  return `${isOne ? 'line' : 'lines'} ${texts.join(', ')}`;
}
