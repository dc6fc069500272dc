import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/shared/ledger/ledger.ts';
import { type PageAnswer, startConsole, type TestConsole, wordsOf } from '../support/console.ts';
import { visitorWith, writeTokens } from '../support/console-tokens.ts';
import { eventually } from '../support/eventually.ts';
import { unknownId } from '../support/messages.ts';
import { ledgerWith, settledEvent } from '../support/settled-events.ts';
import { said, tellStory } from '../support/told-story.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const used = useRedis();
const folder = useFolder();
const PATH = '/find?page=p1&conversation=c1';
const silent: Pick<Ledger, 'read'> = { read: async () => await new Promise<never>(() => {}) };
const failing: Pick<Ledger, 'read'> = { read: async () => await Promise.reject(new Error('refused at db.internal')) };

/** On a busy machine Redis may take longer than the console waits. */
async function viewOf({ visitor }: TestConsole): Promise<PageAnswer> {
  return await eventually('the view stands', async () => {
    const answer = await visitor.get(PATH);
    return answer.status === 200 && answer;
  });
}

describe("the console's view of a conversation", () => {
  it('tells the whole story in order, with each attempt, what is scheduled, and who waits behind whom', async () => {
    await using to = await install(used.server);
    const ids = await tellStory(to);
    await using desk = await startConsole(to.config);
    const answer = await viewOf(desk);
    const words = wordsOf(answer);
    const story = words.slice(words.indexOf('The story of 7 messages, the oldest first'));
    const places = Object.values(ids).map((id) => story.indexOf(id));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(story).toMatch(/unknown HTTP 500, \d+ ms .* delivered HTTP 200, \d+ ms/);
    expect(story).toContain('may have arrived more than once');
    expect(story).toMatch(/rejected died now|rejected died \d+/);
    expect(story).toContain('joins its conversation in 23 h');
    expect(story).toMatch(/is held(: [a-z-]+)?; tried again in/);
    expect(story).toContain(`waits behind ${ids['slowly']}`);
    expect(story).toContain('the newest KITECHAT_KEEP_DONE of their shard');
    for (const text of ['called off', 'tomorrow', 'slowly']) expect(words).not.toContain(text);
  });

  it('shows the content only if the console shows content at all', async () => {
    await using to = await install(used.server);
    await to.until(await to.enqueue(said('what was said')), 'delivered');
    await using hiding = await startConsole(to.config);
    expect((await viewOf(hiding)).text).not.toContain('what was said');
    await using showing = await startConsole({ ...to.config, consoleShowContent: true });
    expect((await viewOf(showing)).text).toContain('what was said');
  });

  it('shows what only the ledger knows, with the ids of the answer, and who found out what', async () => {
    await using to = await install(used.server, { startWorker: false });
    const at = '2026-11-22T10:00:00.000Z';
    const other = unknownId.replace(/V$/, 'W');
    const ledger = ledgerWith([
      settledEvent({
        type: 'resolved',
        messageId: other,
        at,
        reason: 'unknown-outcome',
        outcome: 'not-delivered',
        by: 'anna',
      }),
      settledEvent({
        type: 'delivered',
        messageId: unknownId,
        at,
        answer: { messageId: 'a-17' },
        request: said('secret'),
      }),
    ]);
    await using desk = await startConsole(to.config, ledger);
    const answer = await viewOf(desk);
    expect(wordsOf(answer)).toContain('messageId : a-17');
    expect(wordsOf(answer)).toContain('operator anna found out that it did not arrive');
    expect(answer.text).not.toContain('secret');
    expect(wordsOf(answer)).not.toContain('KITECHAT_KEEP_DONE');
  });

  it.each([
    ['fails', failing],
    ['is silent', silent],
  ])('stands although the ledger %s, and says so', async (_what, ledger) => {
    await using to = await install(used.server, { startWorker: false });
    const waiting = await to.enqueue(said('hello'));
    await using desk = await startConsole(to.config, ledger);
    const answer = await viewOf(desk);
    expect(wordsOf(answer)).toContain('be read now. Only messages that Redis knows are shown.');
    expect(wordsOf(answer)).toContain(waiting);
    expect(answer.text).not.toContain('db.internal');
  });

  it('is only for those whose token is for the page', async () => {
    await using to = await install(used.server, { startWorker: false });
    await to.enqueue({ ...said('hello'), pageId: 'hidden-page' });
    await using desk = await startConsole({ ...to.config, consoleTokensFile: writeTokens(folder) });
    const visitor = visitorWith(desk.url, 'viewer-of-p1');
    expect((await visitor.get('/find?page=hidden-page&conversation=c1')).status).toBe(403);
    expect((await visitor.get(PATH)).status).toBe(200);
  });
});
