import { describe, expect, it } from 'vitest';
import { type PageAnswer, wordsOf } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { type Desk, useDesks } from '../support/use-desks.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const used = useDesks();

interface Site extends Desk {
  ids: string[];
  /** Waits for the end of the job. */
  ended(): Promise<string>;
}

async function withLetters(written: readonly LetterToWrite[]): Promise<Site> {
  const desk = await used.openDesk({ startWorker: false });
  const ids = await writeLetters(used.redis, desk.config.namespace ?? '', written);
  const { visitor } = desk.console;
  await visitor.get('/dead-letters');
  return {
    ...desk,
    ids,
    ended: async () =>
      await eventually('the job has ended', async () => {
        const words = wordsOf(await visitor.get('/dead-letters/job'));
        return words.includes(' Ended ') && words;
      }),
  };
}

function letters(count: number, more: Partial<LetterToWrite> = {}): LetterToWrite[] {
  return Array.from({ length: count }, (_, n) => ({
    pageId: 'p1',
    conversationId: `c${n % 10}`,
    deadAtMs: Date.now() - 60_000 + n,
    ...more,
  }));
}

/** The fields of a page's one form to `/dead-letters/start`. */
function confirmedFields({ text }: PageAnswer): Record<string, string | string[]> {
  const form = /<form[^>]*action="\/dead-letters\/start"[\s\S]*?<\/form>/.exec(text)?.[0] ?? '';
  const fields: Record<string, string[]> = {};
  for (const [, name = '', value = ''] of form.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)) {
    if (name !== 'csrf') fields[name] = [...(fields[name] ?? []), value];
  }
  return fields;
}

describe('what may have arrived', () => {
  const mixed = (): LetterToWrite[] => [
    ...letters(3),
    ...letters(2, { reason: 'exhausted', outcomes: ['failed', 'unknown'], label: 'campaign' }),
    ...letters(1, { reason: 'expired', outcomes: ['unknown'] }),
  ];

  it('is sent again in a job only if the box is ticked', async () => {
    await using to = await withLetters(mixed());
    const { visitor } = to.console;
    const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
    expect(wordsOf(confirm)).toContain('3 of these may have arrived already');
    await visitor.post('/dead-letters/start', { ...confirmedFields(confirm), rate: '' });
    const words = await to.ended();
    expect(words).toMatch(/State ✓ done Replayed 3 Skipped 3/);
    expect(words).toContain('3 may have arrived');
    const again = await visitor.post('/dead-letters/confirm', { do: 'replay-matching', label: 'campaign' });
    expect(wordsOf(again)).toContain('2 of these may have arrived already');
    await visitor.post('/dead-letters/start', { ...confirmedFields(again), rate: '', force: 'yes' });
    await eventually('the second job has ended', async () => (await to.deadLetters.count()) === 1);
  });

  it('needs no tick once an operator says that it did not', async () => {
    await using to = await withLetters(mixed());
    for (const id of to.ids.slice(3, 5)) await to.deadLetters.settle({ id, outcome: 'not-delivered' });
    const confirm = await to.console.visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
    expect(wordsOf(confirm)).toContain('1 of these may have arrived already');
    expect(wordsOf(confirm)).toContain('Replay 5 dead letters');
  });
});

describe('what is about to happen', () => {
  it('is said before it does: how many, and what is left out', async () => {
    await using to = await withLetters([
      ...letters(7),
      ...letters(3, { reason: 'expired', label: 'late' }),
      ...letters(2, { pageId: 'p2', isReadable: false, reason: 'undecodable' }),
      ...letters(4, { pageId: 'p3', reason: 'unknown-outcome' }),
    ]);
    const { visitor } = to.console;
    const all = await visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
    expect(wordsOf(all)).toContain('16 dead letters : all');
    expect(wordsOf(all)).toContain('3 expired entries are skipped unless the box is ticked');
    expect(wordsOf(all)).toContain('4 of these may have arrived already, and would then arrive twice');
    expect(wordsOf(all)).toContain('Send the expired entries and what may have arrived, too: 14 in total');
    expect(wordsOf(all)).toContain('Replay 7 dead letters');
    expect(wordsOf(all)).toContain('2 entries are skipped: the stored message can');
    const page = await visitor.post('/dead-letters/confirm', { do: 'discard-matching', page: 'p2' });
    expect(wordsOf(page)).toContain('2 dead letters : page p2');
    const labelled = await visitor.post('/dead-letters/confirm', { do: 'replay-matching', label: 'late' });
    expect(wordsOf(labelled)).toContain('3 dead letters : label late');
    expect(wordsOf(labelled)).toContain('3 expired entries are skipped');
    // Nothing else is left to send: the box must be ticked.
    expect(wordsOf(labelled)).toContain('Replay 3 dead letters');
    expect(labelled.text).toMatch(/name="force" value="yes" required/);
    const unreadable = await visitor.post('/dead-letters/confirm', { do: 'replay-matching', page: 'p2' });
    expect(wordsOf(unreadable)).toContain('2 entries are skipped');
    expect(unreadable.text).not.toContain('/dead-letters/start');
    const chosen = await visitor.post('/dead-letters/confirm', { do: 'replay-selected', id: to.ids.slice(5, 9) });
    expect(wordsOf(chosen)).toContain('4 dead letters : 4 selected entries');
    expect(wordsOf(chosen)).toContain('2 expired entries are skipped');
    expect(wordsOf(chosen)).toContain('Replay 2 dead letters');
    expect(wordsOf(chosen)).not.toContain('may have arrived');
    const doubtful = await visitor.post('/dead-letters/confirm', { do: 'replay-selected', id: to.ids.slice(-1) });
    expect(wordsOf(doubtful)).toContain('1 of these may have arrived already');
    expect(wordsOf(doubtful)).toContain('Send what may have arrived, too');
    expect(wordsOf(doubtful)).toContain('Replay 1 dead letter');
    expect(doubtful.text).toMatch(/name="force" value="yes" required/);
    expect(await to.deadLetters.count()).toBe(16);
  });

  it.each<[string, Record<string, string>]>([
    ['nothing to do', {}],
    ['nothing selected', { do: 'replay-selected' }],
    ['a wrong filter', { do: 'discard-matching', since: 'yesterday' }],
  ])('with %s there is nothing to confirm', async (_what, fields) => {
    await using to = await withLetters(letters(1));
    expect((await to.console.visitor.post('/dead-letters/confirm', fields)).status).toBe(422);
  });

  it('is what was counted: what dies after that is left alone', async () => {
    await using to = await withLetters(letters(5));
    const { visitor } = to.console;
    const confirm = await visitor.post('/dead-letters/confirm', { do: 'discard-matching' });
    await writeLetters(used.redis, to.config.namespace ?? '', letters(2, { deadAtMs: Date.now() + 1000 }));
    await visitor.post('/dead-letters/start', confirmedFields(confirm));
    expect(await to.ended()).toMatch(/State ✓ done Discarded 5/);
    expect(await to.deadLetters.count()).toBe(2);
  });
});

it('selected ones are sent again, the others stay', async () => {
  await using to = await withLetters(letters(10));
  const { visitor } = to.console;
  const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-selected', id: to.ids.slice(0, 4) });
  const started = await visitor.post('/dead-letters/start', { ...confirmedFields(confirm), rate: '' });
  expect([started.status, started.location]).toEqual([303, '/dead-letters/job']);
  expect(await to.ended()).toMatch(/State ✓ done Replayed 4 Skipped 0/);
  expect(await to.deadLetters.count()).toBe(6);
  to.startWorker();
  await to.api.waitForAccepted(4);
});

it('all that match are sent again at the rate that was asked for; expired ones only if they are meant', async () => {
  await using to = await withLetters([...letters(20), ...letters(3, { reason: 'expired' })]);
  const { visitor } = to.console;
  const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
  const fields = confirmedFields(confirm);
  const begun = performance.now();
  await visitor.post('/dead-letters/start', { ...fields, rate: '20/s' });
  expect(await to.ended()).toMatch(/Replayed 20 Skipped 3 .*Limit 20\/s Skipped: 3 expired\./);
  expect(performance.now() - begun).toBeGreaterThan(800);
  await visitor.post('/dead-letters/start', { ...fields, rate: '', force: 'yes' });
  await eventually('they are sent, too', async () => (await to.deadLetters.count()) === 0);
});

it('a job can be stopped: what was done is done, and only one runs at a time', async () => {
  await using to = await withLetters(letters(200));
  const { visitor } = to.console;
  const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
  const fields = { ...confirmedFields(confirm), rate: '20/s' };
  await visitor.post('/dead-letters/start', fields);
  await eventually('it has begun', async () => (await to.deadLetters.count()) < 200);
  expect(wordsOf(await visitor.get('/dead-letters'))).toContain('A replay is running.');
  const second = await visitor.follow(await visitor.post('/dead-letters/start', { ...fields, what: 'discard' }));
  expect(wordsOf(second)).toContain('another job is running');
  const stopped = await visitor.follow(await visitor.post('/dead-letters/job/stop'));
  expect(wordsOf(stopped)).toContain('The job stops after the entries in progress.');
  const words = await to.ended();
  expect(words).toContain('State ! stopped');
  const done = Number(/Replayed (\d+)/.exec(words)?.[1]);
  expect(done).toBeGreaterThan(0);
  expect(await to.deadLetters.count()).toBe(200 - done);
  const again = await visitor.follow(await visitor.post('/dead-letters/job/stop'));
  expect(wordsOf(again)).toContain('No job is running');
  const log = to.console.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(log.filter(({ action }) => action === 'replay many')).toMatchObject([
    { result: 'begun', rate: '20/s' },
    { result: 'stopping' },
    { result: 'stopped', done },
  ]);
});

it('a job ends with its process, cleanly', async () => {
  await using to = await withLetters(letters(100));
  const { visitor } = to.console;
  const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-matching' });
  await visitor.post('/dead-letters/start', { ...confirmedFields(confirm), rate: '10/s' });
  await eventually('it has begun', async () => (await to.deadLetters.count()) < 100);
  await to.console[Symbol.asyncDispose]();
  const left = await to.deadLetters.count();
  const stored = await used.redis.zcard(`{${to.config.namespace ?? ''}:0}:send:waiting-children`);
  expect(left).toBeGreaterThan(50);
  expect(stored + (await used.redis.llen(`{${to.config.namespace ?? ''}:0}:send:wait`))).toBe(100 - left);
});

it('a rate that is none is refused, and nothing begins', async () => {
  await using to = await withLetters(letters(1));
  const answer = await to.console.visitor.post('/dead-letters/start', { what: 'replay', match: 'all', rate: 'fast' });
  expect(answer.status).toBe(422);
  expect(await to.deadLetters.count()).toBe(1);
});

it('the list goes page by page, by its filter, also while others replay', async () => {
  await using to = await withLetters([...letters(120), ...letters(5, { pageId: 'p2' })]);
  const { visitor } = to.console;
  const seen = new Set<string>();
  let page = await visitor.get('/dead-letters?page=p1');
  for (;;) {
    const ids = [...page.text.matchAll(/name="id" value="([^"]+)"/g)].map(([, id = '']) => id);
    for (const id of ids) seen.add(id);
    const next = /rel="next"\s+href="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&');
    if (next === undefined) break;
    // The last one of this page is gone when the next one is asked for.
    await to.deadLetters.discard({ ids: ids.slice(-1) });
    page = await visitor.get(next);
  }
  expect(seen.size).toBe(120);
});
