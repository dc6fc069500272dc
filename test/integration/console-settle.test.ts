import { describe, expect, it } from 'vitest';
import { wordsOf } from '../support/console.ts';
import { type Desk, useDesks } from '../support/use-desks.ts';
import type { InstallationOptions } from '../support/worker.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const used = useDesks();

const doubtful = { pageId: 'p1', conversationId: 'c1', reason: 'unknown-outcome' } as const;

async function withLetter(
  more: Partial<LetterToWrite> = {},
  options: InstallationOptions = {},
): Promise<Desk & { id: string; path: string }> {
  const desk = await used.openDesk({ startWorker: false, ...options });
  const [id = ''] = await writeLetters(used.redis, desk.config.namespace ?? '', [{ ...doubtful, ...more }]);
  await desk.console.visitor.get('/');
  return { ...desk, id, path: `/dead-letters/${id}` };
}

describe('the page of a dead letter that may have arrived', () => {
  it('offers "It arrived", which makes a delivered message of it with the proof of this operator', async () => {
    await using to = await withLetter();
    const { visitor } = to.console;
    const page = wordsOf(await visitor.get(to.path));
    expect(page).toMatch(/Arrived maybe.*It arrived….*Settle as delivered.*It did not arrive/);
    const answer = await visitor.post(`${to.path}/settle`, { outcome: 'delivered' });
    expect(answer.location).toBe(`/find?q=${to.id}`);
    const found = wordsOf(await visitor.follow(answer));
    expect(found).toContain('is settled as delivered');
    expect(found).toMatch(/Status ✓ delivered Proof operator: local/);
    expect(await to.producer.getMessage(to.id)).toMatchObject({ proof: 'operator', provedBy: 'local' });
    expect(wordsOf(await visitor.get('/actions'))).toMatch(/settle as delivered.*done/);
    expect(to.console.lines.join('')).toContain('"action":"settle as delivered"');
    const again = await visitor.post(`${to.path}/settle`, { outcome: 'delivered' });
    expect(wordsOf(await visitor.follow(again))).toContain('Nothing was noted');
  });

  it('offers "It did not arrive", which keeps the entry, says so, and lets it be sent again with one button', async () => {
    await using to = await withLetter();
    const { visitor } = to.console;
    const page = wordsOf(await visitor.follow(await visitor.post(`${to.path}/settle`, { outcome: 'not-delivered' })));
    expect(page).toContain('is settled as not delivered');
    expect(page).toMatch(/Arrived no, says local Settled/);
    expect(page).not.toContain('Replay it anyway');
    expect(page).not.toContain('It arrived');
    expect(wordsOf(await visitor.get('/dead-letters'))).toContain('no, says local');
    await visitor.post(`${to.path}/replay`);
    expect(await to.deadLetters.count()).toBe(0);
  });

  it.each<Partial<LetterToWrite>>([
    {},
    { reason: 'exhausted', outcomes: ['failed', 'unknown'] },
    { reason: 'crashed' },
    { reason: 'expired', outcomes: ['unknown'] },
  ])('sends it again only after a warning: %j', async (more) => {
    await using to = await withLetter(more);
    const { visitor } = to.console;
    const page = await visitor.get(to.path);
    expect(wordsOf(page)).toContain('It is unknown whether the message arrived. If it did, it arrives twice.');
    await visitor.post(`${to.path}/replay`);
    expect(wordsOf(await visitor.get('/'))).toContain('is not sent again: may have arrived');
    await visitor.post(`${to.path}/replay`, { force: 'yes' });
    expect(await to.deadLetters.count()).toBe(0);
  });

  it('sends it again with other texts only after a tick', async () => {
    await using to = await withLetter({}, { config: { consoleShowContent: true } });
    const { visitor } = to.console;
    expect((await visitor.get(to.path)).text).toMatch(/type="checkbox" name="force" value="yes" required/);
    const edit = { 'set:message.text': 'two' };
    await visitor.post(`${to.path}/replay-edited`, edit);
    expect(await to.deadLetters.count()).toBe(1);
    await visitor.post(`${to.path}/replay-edited`, { ...edit, force: 'yes' });
    expect(await to.deadLetters.count()).toBe(0);
  });
});

it('a dead letter that did not arrive has no such buttons, and a form that names no outcome changes nothing', async () => {
  await using to = await withLetter({ reason: 'rejected' });
  const { visitor } = to.console;
  expect(wordsOf(await visitor.get(to.path))).not.toContain('It arrived');
  const known = await visitor.follow(await visitor.post(`${to.path}/settle`, { outcome: 'delivered' }));
  expect(wordsOf(known)).toContain('outcome known');
  expect((await visitor.post(`${to.path}/settle`, { outcome: 'perhaps' })).status).toBe(422);
  expect(await to.deadLetters.count()).toBe(1);
});
