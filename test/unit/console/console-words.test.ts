import fc from 'fast-check';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { textsOf } from '../../../src/console/html/hidden-content.ts';
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatRelative,
  shortened,
} from '../../../src/console/html/format.ts';
import { describeFilter, filterFields, filterOf } from '../../../src/console/dead-letters/filter.ts';
import { pageIdOf, pagePath } from '../../../src/console/html/links.ts';

const wellFormed = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed());

describe('numbers and times', () => {
  it.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [999.6, '1 s'],
    [12_300, '12 s'],
    [65_000, '1 min 5 s'],
    [7_500_000, '2 h 5 min'],
    [86_400_000, '1 d'],
    [29.9 * 86_400_000, '29 d'],
    [-5, '0 ms'],
  ])('%d ms are written %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it('moments are told from now', () => {
    expect(formatRelative(10_000, 10_400)).toBe('now');
    expect(formatRelative(10_000, 13_000)).toBe('3 s ago');
    expect(formatRelative(13_000, 10_000)).toBe('in 3 s');
  });

  it('rates and sizes are short', () => {
    expect([0, 0.04, 3.46, 99.96, 1234.5].map((rate) => formatRate(rate))).toEqual(['0', '0', '3.5', '100', '1,235']);
    expect([12, 1023, 1024, 3174].map((bytes) => formatBytes(bytes))).toEqual([
      '12 bytes',
      '1023 bytes',
      '1.0 KiB',
      '3.1 KiB',
    ]);
  });

  it('a long id is cut between characters', () => {
    expect(shortened('😀'.repeat(60), 10)).toBe(`${'😀'.repeat(9)}…`);
    expect(shortened('x'.repeat(48))).toBe('x'.repeat(48));
  });
});

it('the way to a page leads to that page, whatever its id', async () => {
  const app = new Hono();
  app.get('/pages/:id', (context) => context.json(pageIdOf(context.req.param('id'))));
  const ids = fc.oneof(
    wellFormed,
    fc.constantFrom('.', '..', '~', '~~', '~.', '%', '%2F', '%25', 'a/b', '?', '#', '\\', '+ +'),
  );
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const { href } = new URL(pagePath(id), 'http://desk.example');
      expect(await (await app.request(href)).json()).toBe(id);
    }),
  );
});

describe('a filter', () => {
  it('is read back from the fields that say it', () => {
    const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const filters = fc.record({
      reason: some(fc.constantFrom('rejected' as const, 'expired' as const)),
      pageId: some(wellFormed),
      conversationId: some(wellFormed),
      label: some(wellFormed),
      since: some(time),
      until: some(time),
    });
    fc.assert(
      fc.property(filters, (filter) => {
        const fields = Object.entries(filterFields(filter)).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value]],
        );
        expect(filterOf(new URLSearchParams(fields as [string, string][]))).toEqual({ filter, problems: [] });
      }),
    );
  });

  it('is told in words, with times no finer than they are', () => {
    const [since, until] = [new Date('2026-11-22T03:00:00.000Z'), new Date('2026-11-22T04:10:07.123Z')];
    expect(describeFilter({})).toBe('all');
    expect(describeFilter({ reason: 'rejected', pageId: 'p1', since, until })).toBe(
      'reason rejected, page p1, died since 2026-11-22 03:00 UTC, died before 2026-11-22 04:10:07 UTC',
    );
  });

  it('takes the times of a form as UTC, and says what it can not take', () => {
    const { filter } = filterOf(new URLSearchParams({ since: '2026-11-22T03:00' }));
    expect(filter.since?.toISOString()).toBe('2026-11-22T03:00:00.000Z');
    const { problems } = filterOf(
      new URLSearchParams({ reason: 'bored', since: 'yesterday', until: '2026-13-40T00:00' }),
    );
    expect(problems).toHaveLength(3);
  });
});

describe('content', () => {
  it('its texts are found with the paths by which they can be edited', () => {
    const buttons = [{ type: 'web_url' as const, text: 'Go', url: 'https://x.example' }];
    const message = { type: 'template' as const, template: { header: { type: 'text' as const, text: 'Hi' }, buttons } };
    expect(textsOf(message)).toEqual([
      { path: 'message.template.header.text', text: 'Hi' },
      { path: 'message.template.buttons[0].text', text: 'Go' },
      { path: 'message.template.buttons[0].url', text: 'https://x.example' },
    ]);
  });
});
