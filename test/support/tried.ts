import { TestRunner } from 'vitest';

/** An attack that a test has tried, as docs/security.md tells of it. All texts are cells of a table in Markdown. */
export interface Tried {
  /** Where the attack begins. */
  against: 'redis' | 'console';
  /** What was written or sent. A literal: cases of `it.each` have the same text, and are counted. */
  input: string;
  /** How many of it this test has tried. Default 1. */
  count?: number;
  result: string;
  /** What came of it before the code was mended. */
  before?: string;
}

declare module 'vitest' {
  interface TaskMeta {
    tried?: Tried[];
  }
}

/** Tells the report of the tests what this test has tried; `npm run security:report` makes the table of docs/security.md of it. */
export function tried(what: Tried): void {
  const { meta } = TestRunner.getCurrentTest() ?? {};
  if (!meta) throw new Error('tried() is called in a test');
  (meta.tried ??= []).push(what);
}
