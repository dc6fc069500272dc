import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { type CliInstallation, installWithCli, jsonLinesOf, onlyJsonOf } from '../support/cli-installation.ts';
import type { CommandResult } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { recordKeys } from '../support/record-keys.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();

describe.concurrent('kitechat-sender dead-letters', () => {
  /** One rejected, one exhausted, one expired, in this order. */
  async function withDeadLetters(): Promise<CliInstallation & { ids: [string, string, string] }> {
    const to = await installWithCli(server, {
      config: { attempts: 2 },
      startWorker: false,
      api: {
        faults: [
          {
            kind: 'status',
            status: 400,
            body: { message: 'so \u001b[31mwrong' },
            match: { conversationId: 'refused' },
          },
          { kind: 'status', status: 500, match: { conversationId: 'fails' } },
        ],
      },
    });
    const expired = await to.enqueue({ ...textMessage('late', 1, 'p2'), ttlMs: 1 });
    to.startWorker();
    const rejected = await to.enqueue({ ...textMessage('refused', 1), label: 'campaign' });
    await to.until(rejected, 'dead');
    const exhausted = await to.enqueue(textMessage('fails', 1));
    await Promise.all([to.until(exhausted, 'dead'), to.until(expired, 'dead')]);
    return { ...to, ids: [rejected, exhausted, expired] };
  }
  const idsOf = (result: CommandResult): unknown[] => jsonLinesOf(result).map(({ id }) => id);

  it('list shows the newest that match all filters, with the request at the top level of each line', async () => {
    await using to = await withDeadLetters();
    const [rejected, exhausted, expired] = to.ids;
    const list = async (...filters: string[]) => await to.cli('dead-letters', 'list', '--json', ...filters);
    const all = await list();
    expect(all.exitCode).toBe(0);
    expect(new Set(idsOf(all))).toEqual(new Set(to.ids));
    expect(all.stderr).toEqual(['3 shown, 3 in all: 1 rejected, 1 exhausted, 1 expired; by page: p1 (2), p2 (1)']);

    const byReason = await list(
      '--reason',
      'rejected',
      '--label',
      'campaign',
      '--page',
      'p1',
      '--conversation',
      'refused',
    );
    const entry = onlyJsonOf(byReason);
    expect(entry).toMatchObject({
      id: rejected,
      pageId: 'p1',
      conversationId: 'refused',
      message: { type: 'text', text: 'message 1' },
      reason: 'rejected',
      status: 'dead',
      attemptsUsed: 1,
      attempts: [{ outcome: 'rejected', httpStatus: 400, usedAttempt: true }],
      response: { httpStatus: 400 },
      label: 'campaign',
      replayOf: null,
    });
    expect(entry).not.toHaveProperty('request');
    const deadAt = (await to.deadLetters.get(exhausted))?.deadAt ?? '';
    const [onPage2, none, one, cut, since, until, table, withAnswers] = await Promise.all([
      list('--page', 'p2'),
      list('--page', 'p2', '--reason', 'rejected'),
      list('--limit', '1'),
      list('--limit', '1', '--page', 'p1'),
      list('--since', deadAt, '--page', 'p1'),
      list('--until', deadAt, '--page', 'p1'),
      to.cli('dead-letters', 'list', '--page', 'p1'),
      runCommand(['dead-letters', 'list', '--page', 'p1'], { ...to.env, KITECHAT_CONSOLE_SHOW_CONTENT: 'true' }),
    ]);
    expect(idsOf(onPage2)).toEqual([expired]);
    expect(none).toEqual({ exitCode: 0, stdout: [], stderr: ['0 shown, 3 in all'] });
    expect(idsOf(one)).toEqual(idsOf(all).slice(0, 1));
    expect(cut.stderr).toEqual(['1 shown, 2 match, 3 in all']);
    expect(idsOf(since)).toEqual([exhausted]);
    expect(idsOf(until)).toEqual([rejected]);
    expect(table.stdout).toEqual([
      expect.stringMatching(/^id +died at +reason +arrived +page +conversation +type +last detail$/),
      expect.stringMatching(new RegExp(`^${exhausted}  \\S+Z  exhausted  maybe    p1    fails +text  HTTP 500`)),
      expect.stringMatching(
        new RegExp(`^${rejected}  \\S+Z  rejected   no       p1    refused +text  HTTP 400, \\d+ bytes, see "show"$`),
      ),
    ]);
    expect(withAnswers.stdout.at(-1)).toMatch(/ HTTP 400: so  \[31mwrong$/);
  });

  it('show gives one entry whole: the request, every attempt, the answer', async () => {
    await using to = await withDeadLetters();
    const [rejected, exhausted] = to.ids;
    const [asJson, asTable, unknown] = await Promise.all([
      to.cli('dead-letters', 'show', exhausted, '--json'),
      to.cli('dead-letters', 'show', rejected),
      to.cli('dead-letters', 'show', unknownId),
    ]);
    const record = onlyJsonOf(asJson);
    expect(Object.keys(record)).toEqual([
      ...recordKeys,
      'reason',
      'deadAt',
      'request',
      'response',
      'replayOf',
      'expiresAt',
    ]);
    expect(record).toMatchObject({
      id: exhausted,
      status: 'dead',
      reason: 'exhausted',
      attemptsUsed: 2,
      attemptsAllowed: 2,
      nextAttemptAt: null,
      request: { pageId: 'p1', conversationId: 'fails', message: { type: 'text', text: 'message 1' } },
      response: { httpStatus: 500, body: expect.any(String) as string },
    });
    expect(record['attempts']).toHaveLength(2);
    expect(asTable.exitCode).toBe(0);
    const text = asTable.stdout.join('\n');
    for (const part of [
      'reason        rejected',
      'attempts      1 of 2 used',
      '"text": "message 1"',
      'answer: HTTP 400',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toMatch(/so \\u001b\[31mwrong/);
    expect(unknown).toEqual({
      exitCode: 1,
      stdout: [],
      stderr: [`there is no dead letter ${unknownId}; see "kitechat-sender dead-letters list"`],
    });
  });

  it('replay sends an entry again under a new id, and tells which it could not send', async () => {
    await using to = await withDeadLetters();
    const [rejected, exhausted, expired] = to.ids;
    to.api.setFaults([]);
    const first = await to.cli('dead-letters', 'replay', '--json', '--id', rejected, unknownId, expired);
    expect(first.exitCode).toBe(1);
    expect(onlyJsonOf(first)).toEqual({
      matched: 2,
      done: 1,
      skipped: [
        { id: unknownId, why: 'not found' },
        { id: expired, why: 'expired' },
      ],
    });
    const { id: newId } = await eventually('the replay is taken up', () =>
      to.attempts.find((a) => !to.ids.includes(a.id)),
    );
    expect(first.stderr).toEqual([
      `${rejected} is sent again as ${newId}`,
      `${unknownId}: no such dead letter`,
      `${expired}: too old to be sent; use --force to send anyway`,
    ]);
    await to.api.waitForAccepted(1);
    const delivered = await eventually('the replay is delivered', () =>
      to.attempts.find((a) => a.next === 'delivered'),
    );
    expect(delivered.id).not.toBe(rejected);
    expect(await to.deadLetters.get(rejected)).toBeNull();

    const forced = await to.cli('dead-letters', 'replay', '--force', '--id', expired, '--id', exhausted);
    expect(forced).toMatchObject({ exitCode: 0, stdout: ['matched  done  skipped', '      2     2        0'] });
    expect(forced.stderr.map((text) => text.replace(/ as \S+$/, ''))).toEqual([
      `${expired} is sent again`,
      `${exhausted} is sent again`,
    ]);
    await to.api.waitForAccepted(3);

    to.api.setFaults([{ kind: 'status', status: 400 }]);
    const again = await to.enqueue(textMessage('again', 1));
    await to.until(again, 'dead');
    await to.cli('dead-letters', 'replay', '--id', again);
    const replayed = await eventually('the replay died too', async () => {
      const entries = await to.cli('dead-letters', 'list', '--json', '--conversation', 'again');
      return jsonLinesOf(entries).find(({ id }) => id !== again);
    });
    expect(replayed).toMatchObject({ replayOf: again, reason: 'rejected' });
  });

  it('of two replays of one entry at once one sends it, and the other says so', async () => {
    await using to = await withDeadLetters();
    to.api.setFaults([]);
    const [id] = to.ids;
    const results = await Promise.all([1, 2].map(() => to.cli('dead-letters', 'replay', '--id', id)));
    expect(new Set(results.map(({ exitCode }) => exitCode))).toEqual(new Set([0, 1]));
    // One that is enqueued later comes after all replays of its conversation.
    await to.until(await to.enqueue(textMessage('refused', 2)), 'delivered');
    expect(to.api.accepted.map(({ message }) => 'text' in message && message.text)).toEqual(['message 1', 'message 2']);
  });
});
