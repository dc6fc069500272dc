import { describe, expect, it } from 'vitest';
import { describeMessage, type StoryRecord } from '../../src/cli/commands/describe-story.ts';
import { type CliInstallation, installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { said, tellStory } from '../support/told-story.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();

async function withStory(): Promise<{ to: CliInstallation; ids: Record<string, string> }> {
  const to = await installWithCli(used.server);
  return { to, ids: await tellStory(to) };
}

describe('conversation PAGE CONVERSATION', () => {
  it('tells what became of each message, the oldest first, and why the open ones wait', async () => {
    const { to, ids } = await withStory();
    await using _site = to;
    const { exitCode, stdout, stderr } = await to.cli('conversation', 'p1', 'c1');
    expect([exitCode, stderr]).toEqual([0, []]);
    const heads = stdout.filter((line) => /^\d{4}-/.test(line)).map((line) => line.split('  ').slice(1));
    expect(heads).toEqual([
      [ids['first'], 'delivered'],
      [ids['refused'], 'dead'],
      [ids['again'], 'delivered'],
      [ids['called off'], 'cancelled'],
      [ids['tomorrow'], 'scheduled'],
      [ids['slowly'], 'held'],
      [ids['last'], 'queued'],
    ]);
    const text = stdout.join('\n');
    expect(text).toMatch(/attempt 1 {2}\S+ {2}unknown {4}HTTP 500 .*\n {2}attempt 2 {2}\S+ {2}delivered {2}HTTP 200/);
    expect(text).toContain('one attempt before had no clear result, so it may have arrived more than once');
    expect(text).toMatch(/died \(rejected\) at \d{4}/);
    expect(text).toMatch(/cancelled at \d{4}/);
    expect(text).toMatch(/scheduled: joins the end of the conversation at \d{4}/);
    expect(text).toMatch(/held, because .*; is tried again at \d{4}/);
    expect(text).toContain(`waits behind ${ids['slowly']}`);
    expect(text).toContain('the newest KITECHAT_KEEP_DONE of their shard');
    expect(text).not.toContain('text');
  });

  it('writes a line of JSON for each message; content only if it is asked for', async () => {
    const { to, ids } = await withStory();
    await using _site = to;
    const hidden = jsonLinesOf(await to.cli('conversation', 'p1', 'c1', '--json'));
    expect(hidden.map(({ id }) => id)).toEqual(Object.values(ids));
    expect(JSON.stringify(hidden)).not.toContain('"text"');
    expect(hidden.map(({ wait }) => wait)).toMatchObject([
      null,
      null,
      null,
      null,
      { kind: 'scheduled', at: expect.any(String) as string },
      { kind: 'held', at: expect.any(String) as string },
      { kind: 'behind', id: ids['slowly'] },
    ]);
    const shown = jsonLinesOf(await to.cli('conversation', 'p1', 'c1', '--json', '--content'));
    expect(shown.map(({ request }) => request)).toEqual(Object.keys(ids).map(said));
    expect((await to.cli('conversation', 'p1', 'c1', '--content')).stdout.join('\n')).toContain('"called off"');
  });

  it('goes back page by page with --limit and the --before that it names', async () => {
    const { to, ids } = await withStory();
    await using _site = to;
    const told: unknown[] = [];
    let before: string[] = [];
    for (let page = 0; page < 4; page += 1) {
      const args = ['conversation', 'p1', 'c1', '--limit', '2', ...before];
      told.unshift(...jsonLinesOf(await to.cli(...args, '--json')).map(({ id }) => id));
      const hint = (await to.cli(...args)).stdout.find((line) => line.includes('--before'));
      before = hint === undefined ? ['--before', '2000-01-01'] : ['--before', hint.split(' ').at(-1) ?? ''];
    }
    expect(told).toEqual(Object.values(ids));
  });

  it('says that nothing is known, and refuses a time that is none', async () => {
    await using to = await installWithCli(used.server, { startWorker: false });
    const nothing = await to.cli('conversation', 'p1', 'nobody');
    expect(nothing.stdout[0]).toBe('Conversation nobody of page p1: no message is known.');
    expect((await to.cli('conversation', 'p1', 'c1', '--before', 'yesterday')).exitCode).toBe(2);
    expect((await to.cli('conversation', 'p1')).exitCode).toBe(2);
  });
});

describe('the words of a message', () => {
  const record: StoryRecord = {
    id: '0-A',
    pageId: 'p1',
    conversationId: 'c1',
    status: 'delivered',
    enqueuedAt: '2026-11-22T10:00:00.000Z',
    attemptsUsed: 1,
    attemptsAllowed: 8,
    attempts: [],
    nextAttemptAt: null,
    label: null,
    replayOf: '0-B',
    endedAt: '2026-11-22T10:00:01.000Z',
    proof: 'operator',
    provedBy: 'anna',
    answer: { messageId: 'a-17' },
    wait: null,
  };

  it('name the ids of the answer, who proved it, and the dead letter that it replays', () => {
    expect(describeMessage(record).split('\n')).toEqual([
      '2026-11-22T10:00:00.000Z  0-A  delivered',
      '  sends 0-B again',
      '  settled as delivered at 2026-11-22T10:00:01.000Z',
      '  the operator anna found out that it arrived',
      '  the API\'s answer: {"messageId":"a-17"}',
    ]);
  });
});
