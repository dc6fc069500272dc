import { appendFileSync, globSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LedgerUnavailableError } from '../../../src/shared/errors/errors.ts';
import { openFolderLedger } from '../../../src/shared/ledger/folder.ts';
import type { Ledger } from '../../../src/shared/ledger/ledger.ts';
import type { SettledEvent } from '../../../src/shared/model/event.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';
import { deliveredEvent } from '../../support/settled-events.ts';

const conversation = { pageId: 'p1', conversationId: 'c1' };
const NOON = Date.UTC(2026, 10, 30, 12);
const DAY_MS = 86_400_000;

function openInFolder(namespace = 'kitechat'): { ledger: Ledger; folder: string; files(): string[] } {
  const folder = newFolderOfTest();
  const files = (): string[] => globSync('**/*.ndjson', { cwd: folder }).map((name) => join(folder, name));
  return { ledger: openFolderLedger(folder, { namespace }), folder, files };
}

describe('a ledger in a folder', () => {
  it('gives back the events of a conversation, newest first, and of no other one', async () => {
    const { ledger } = openInFolder();
    const [first, second, third] = [0, 1, 2].map((n) => deliveredEvent(`m${n}`, { atMs: NOON + n * DAY_MS }));
    const other = deliveredEvent('m3', { conversationId: 'c2' });
    const otherPage = deliveredEvent('m4', { pageId: 'p2' });
    await ledger.write([second, other, first] as SettledEvent[]);
    await ledger.write([third, otherPage] as SettledEvent[]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([third, second, first]);
    expect(await ledger.read({ ...conversation, limit: 2 })).toEqual([third, second]);
    expect(await ledger.read({ ...conversation, limit: 10, beforeMs: NOON + DAY_MS })).toEqual([first]);
  });

  it('goes on after an event among others of the same millisecond', async () => {
    const { ledger } = openInFolder();
    const events = ['a', 'b', 'c'].map((id) => deliveredEvent(id));
    await ledger.write(events);
    const [newest, ...others] = await ledger.read({ ...conversation, limit: 10 });
    expect(newest?.messageId).toBe('c');
    expect(await ledger.read({ ...conversation, limit: 10, beforeMs: NOON, beforeId: newest?.id })).toEqual(others);
    expect(others.map(({ messageId }) => messageId)).toEqual(['b', 'a']);
  });

  it('reads an event that was written twice once', async () => {
    const { ledger } = openInFolder();
    const event = deliveredEvent('m1');
    await ledger.write([event, event]);
    await ledger.write([event]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([event]);
  });

  it('knows conversations with any name from those whose name they contain', async () => {
    const { ledger } = openInFolder();
    const name = '","conversationId":"c1"\u2028 é\\';
    const odd = deliveredEvent('m1', { conversationId: name });
    await ledger.write([odd, deliveredEvent('m2', { label: '"conversationId":"c9"', conversationId: 'c2' })]);
    expect(await ledger.read({ pageId: 'p1', conversationId: name, limit: 10 })).toEqual([odd]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([]);
    expect(await ledger.read({ pageId: 'p1', conversationId: 'c9', limit: 10 })).toEqual([]);
  });

  it('keeps the content that an event has, a gap, and an event of no known conversation', async () => {
    const { ledger, files } = openInFolder();
    const request = {
      pageId: 'p1',
      conversationId: 'c1',
      message: { type: 'text' as const, text: '\0 "\\ \ud83d\ude00' },
    };
    const withContent = deliveredEvent('m1', { request });
    const unknown = deliveredEvent('m2', { pageId: null, conversationId: null });
    const gap = { id: 'g', type: 'gap', at: new Date(NOON).toISOString(), group: 'ledger', shard: 0, lost: 7 } as const;
    await ledger.write([withContent, unknown, gap]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([withContent]);
    const lines = files().flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'));
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(expect.arrayContaining([gap, unknown]));
  });

  it('keeps installations that share a folder apart', async () => {
    const { ledger, folder } = openInFolder();
    await ledger.write([deliveredEvent('m1')]);
    const staging = openFolderLedger(folder, { namespace: 'staging' });
    expect(await staging.read({ ...conversation, limit: 10 })).toEqual([]);
    const dots = openFolderLedger(folder, { namespace: '..' });
    await dots.write([deliveredEvent('m2')]);
    expect(globSync('*', { cwd: folder }).toSorted()).toEqual(['%2E%2E', 'kitechat']);
  });

  it('lets nobody else read its files', async () => {
    const { ledger, folder, files } = openInFolder();
    await ledger.write([deliveredEvent('m1')]);
    const modes = [...files(), join(folder, 'kitechat'), join(folder, 'kitechat/2026-11-30')].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o700, 0o700]);
  });

  it('removes whole days, and nothing that is no day', async () => {
    const { ledger, folder } = openInFolder();
    const events = [0, 1, 2].map((n) => deliveredEvent(`m${n}`, { atMs: NOON + n * DAY_MS }));
    await ledger.write(events);
    mkdirSync(join(folder, 'kitechat/2025-notes'));
    expect(await ledger.expire(NOON + DAY_MS)).toBe(1);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual(events.slice(1).toReversed());
    expect(globSync('*', { cwd: join(folder, 'kitechat') }).toSorted()).toEqual([
      '2025-notes',
      '2026-12-01',
      '2026-12-02',
    ]);
  });

  it('skips lines that are no events, however long', async () => {
    const { ledger, files } = openInFolder();
    const event = deliveredEvent('m1');
    await ledger.write([event]);
    const [file = ''] = files();
    const needle = '"conversationId":"c1"';
    appendFileSync(
      file,
      `{${needle}}\n{"type":"delivered","pageId":"p1",${needle}}\n${needle.repeat(300_000)}\n\0\0\0`,
    );
    const later = deliveredEvent('m2', { atMs: NOON + 1 });
    await ledger.write([later]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([later, event]);
  });

  it('is empty before the first event', async () => {
    const { ledger } = openInFolder();
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([]);
    expect(await ledger.expire(NOON)).toBe(0);
  });

  it('says that its folder is not there, instead of looking empty', async () => {
    const { folder } = openInFolder();
    const ledger = openFolderLedger(join(folder, 'mistyped'), { namespace: 'kitechat' });
    const reading = ledger.read({ ...conversation, limit: 10 });
    await expect(reading).rejects.toThrow(LedgerUnavailableError);
    await expect(reading).rejects.toThrow('its folder could not be read (ENOENT)');
  });

  it('says what keeps it from writing, without the event', async () => {
    const folder = join(newFolderOfTest(), 'file');
    writeFileSync(folder, '');
    const ledger = openFolderLedger(folder, { namespace: 'kitechat' });
    const error: unknown = await ledger.write([deliveredEvent('m1')]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LedgerUnavailableError);
    expect(String(error)).toContain('its folder could not be written (E');
  });
});

/** What happens to a batch: it is written, or the process dies when so much of the files' new part is on the disk, and it comes again. */
const step = fc.record({
  events: fc.array(
    fc.record({
      id: fc.nat(40),
      hour: fc.integer({ min: 0, max: 60 }),
      conversationId: fc.constantFrom('c1', 'c2', 'c3'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  crash: fc.option(
    fc.record({ kept: fc.double({ min: 0, max: 1, noNaN: true }), zeros: fc.nat(3), again: fc.boolean() }),
  ),
});

describe('any sequence of writes and crashes', () => {
  it('loses no event that was kept, makes up none, and keeps what comes again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const { ledger, files } = openInFolder();
        const kept = new Map<string, SettledEvent>();
        const possible = new Map<string, SettledEvent>();
        for (const { events, crash } of steps) {
          const batch = events.map(({ id, hour, conversationId }) =>
            deliveredEvent(`m${id}-${conversationId}`, { atMs: NOON + hour * 3_600_000, conversationId }),
          );
          const before = new Map(files().map((file) => [file, statSync(file).size]));
          await ledger.write(batch);
          for (const event of batch) (crash && !crash.again ? possible : kept).set(event.id, event);
          if (!crash) continue;
          for (const file of files()) {
            const old = before.get(file) ?? 0;
            truncateSync(file, old + Math.floor((statSync(file).size - old) * crash.kept));
            appendFileSync(file, '\0'.repeat(crash.zeros));
          }
          if (crash.again) await ledger.write(batch);
        }
        for (const conversationId of ['c1', 'c2', 'c3']) {
          const read = await ledger.read({ pageId: 'p1', conversationId, limit: 1000 });
          const ids = read.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const event of read) expect(event).toEqual(kept.get(event.id) ?? possible.get(event.id));
          const expected = [...kept.values()].filter((event) => event.conversationId === conversationId);
          expect(ids).toEqual(expect.arrayContaining(expected.map(({ id }) => id)));
          expect(read.map(({ at }) => at)).toEqual(
            read
              .map(({ at }) => at)
              .toSorted()
              .toReversed(),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});
