/** Which of the numbered events are acknowledged. */
export interface Acked {
  /** Notes that the events with these numbers are acknowledged. */
  add(from: number, to: number): void;
  has(number: number): boolean;
  /** The number up to which all are acknowledged. */
  upTo(): number;
  /** The ranges beyond, as `7-9 12-12`. A range past the bound is left out: its events come again after a crash. */
  beyond(): string;
  /** The parts of a range that are not acknowledged. */
  missingIn(from: number, to: number): Range[];
}

export interface Range {
  from: number;
  to: number;
}

/** The most ranges that are written: events that are handled out of order leave few. */
const MOST_RANGES = 1000;
const RANGE = /^(\d{1,15})-(\d{1,15})$/;

/** @param beyond the ranges as `beyond` returns them; others can write to Redis, so what is not like that is left out */
export function createAcked(start: number, beyond = ''): Acked {
  let upTo = start;
  /** Apart from each other, in order. */
  let ranges: Range[] = [];

  function add(from: number, to: number): void {
    let added = { from, to };
    const apart: Range[] = [];
    for (const range of ranges) {
      if (range.to + 1 < added.from || range.from > added.to + 1) apart.push(range);
      else added = { from: Math.min(range.from, added.from), to: Math.max(range.to, added.to) };
    }
    if (added.from <= upTo + 1) {
      upTo = Math.max(upTo, added.to);
      ranges = apart;
      return;
    }
    const at = apart.findIndex((range) => range.from > added.to);
    apart.splice(at === -1 ? apart.length : at, 0, added);
    ranges = apart;
  }

  for (const text of beyond.split(' ', MOST_RANGES)) {
    const [, from, to] = RANGE.exec(text) ?? [];
    if (from !== undefined && to !== undefined && Number(from) <= Number(to)) add(Number(from), Number(to));
  }

  return {
    add,
    has: (number) => number <= upTo || ranges.some(({ from, to }) => from <= number && number <= to),
    upTo: () => upTo,
    beyond: () =>
      ranges
        .slice(0, MOST_RANGES)
        .map(({ from, to }) => `${from}-${to}`)
        .join(' '),
    missingIn(from, to) {
      const missing: Range[] = [];
      let next = Math.max(from, upTo + 1);
      for (const range of ranges) {
        if (range.from > to || next > to) break;
        if (range.to < next) continue;
        if (range.from > next) missing.push({ from: next, to: range.from - 1 });
        next = range.to + 1;
      }
      if (next <= to) missing.push({ from: next, to });
      return missing;
    },
  };
}
