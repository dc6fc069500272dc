import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../../../src/cli/context/context.ts';
import { createProgressBar, describeProgress } from '../../../src/cli/terminal/progress-bar.ts';

describe('describeProgress', () => {
  it.each([
    [{ done: 0, skipped: 0, total: 200 }, null, '[--------------------]   0%  0 of 200'],
    [{ done: 50, skipped: 0, total: 200 }, 25, '[#####---------------]  25%  50 of 200, 25/s, 6 s left'],
    [{ done: 95, skipped: 5, total: 200 }, 25, '[##########----------]  50%  95 of 200, 5 skipped, 25/s, 4 s left'],
    [{ done: 3, skipped: 0, total: 4 }, 1.5, '[###############-----]  75%  3 of 4, 1.5/s, 1 s left'],
    [{ done: 1, skipped: 0, total: 601 }, 1, '[--------------------]   0%  1 of 601, 1.0/s, 10 min left'],
    [{ done: 1, skipped: 0, total: 20_001 }, 1, '[--------------------]   0%  1 of 20001, 1.0/s, 5 h 34 min left'],
    [{ done: 200, skipped: 0, total: 200 }, 50, '[####################] 100%  200 of 200, 50/s, 0 s left'],
    [{ done: 0, skipped: 0, total: 0 }, 0, '[####################] 100%  0 of 0, 0.0/s'],
    [{ done: 7, skipped: 2, total: null }, 3, '7 done, 2 skipped, 3.0/s'],
  ])('of %o at %s a second is %s', (progress, perSecond, text) => {
    expect(describeProgress(progress, perSecond)).toBe(text);
  });

  it('never overflows its bar, whatever the numbers are', () => {
    const count = fc.nat(1_000_000);
    fc.assert(
      fc.property(count, count, count, fc.nat(100_000), (done, skipped, total, perSecond) => {
        const text = describeProgress({ done, skipped, total }, perSecond);
        expect(text).toMatch(/^\[#*-*\] [ \d]{3}% {2}/);
        expect(text.indexOf(']')).toBe(21);
        expect(text).not.toMatch(/NaN|Infinity/);
      }),
    );
  });
});

describe('createProgressBar', () => {
  function barIn(terminal: { interactive: boolean; columns?: number }) {
    const stderr = new PassThrough();
    const screenSize = () => ({ columns: terminal.columns ?? 80, rows: 24 });
    const bar = createProgressBar({
      stderr,
      screenSize,
      interactive: terminal.interactive,
    } as unknown as CommandContext);
    return { bar, written: () => String(stderr.read() ?? '') };
  }
  const progress = { done: 1, skipped: 0, total: 2 };

  it('draws in place on a terminal, cut to its width, and leaves an empty line', () => {
    const { bar, written } = barIn({ interactive: true, columns: 10 });
    bar.show(progress);
    expect(written()).toBe('\r\u001b[2K[########');
    bar.clear();
    expect(written()).toBe('\r\u001b[2K');
  });

  it('does not draw for every entry', () => {
    const { bar, written } = barIn({ interactive: true });
    for (let n = 0; n < 1000; n += 1) bar.show(progress);
    expect(written().split('\r').length).toBeLessThan(20);
  });

  it('writes nothing where nobody looks', () => {
    const { bar, written } = barIn({ interactive: false });
    bar.show(progress);
    bar.clear();
    expect(written()).toBe('');
  });
});
