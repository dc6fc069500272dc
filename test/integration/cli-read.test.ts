import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/shared/version.ts';
import { calmStatus } from '../support/calm-status.ts';
import { installWithCli, onlyJsonOf } from '../support/cli-installation.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { messageKeys } from '../support/record-keys.ts';
import { useRedis } from '../support/use-redis.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const server = useRedis();

describe.concurrent('kitechat-sender status', () => {
  it('counts a backlog, and says that no worker runs', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await to.enqueue(textMessage('c1', 1));
    await to.enqueue(textMessage('c1', 2));
    await to.enqueue(textMessage('c2', 1));
    const [asJson, asTable] = await Promise.all([to.cli('status', '--json'), to.cli('status')]);
    expect(asJson).toMatchObject({ exitCode: 0, stderr: [] });
    const found = onlyJsonOf(asJson);
    expect(Object.keys(found)).toEqual([
      'scheduled',
      'queued',
      'sending',
      'retrying',
      'held',
      'dead',
      'oldestQueuedMs',
      'holds',
      'workers',
      'redis',
      'namespace',
    ]);
    const { redis, namespace, ...status } = found;
    expect(status).toEqual({ ...calmStatus, queued: 3, oldestQueuedMs: expect.any(Number) as number });
    expect(asTable).toMatchObject({ exitCode: 0, stderr: [] });
    expect(asTable.stdout).toEqual([
      `Redis: ${String(redis)}, namespace ${String(namespace)}`,
      '',
      'scheduled  queued  sending  retrying  held  dead',
      '        0       3        0         0     0     0',
      '',
      expect.stringMatching(/^The oldest queued message has waited for \d+ s\.$/),
      '',
      'No worker is running: nothing is sent. Start one with "kitechat-sender worker".',
    ]);
  });

  it('counts what is sent, retried and dead, and lists the workers', async () => {
    await using to = await installWithCli(server, {
      config: { backoffMs: 600_000, backoffMaxMs: 600_000, timeoutMs: 60_000, shutdownMs: 100, concurrency: 7 },
      api: {
        faults: [
          { kind: 'hang', match: { conversationId: 'hangs' } },
          { kind: 'status', status: 400, match: { conversationId: 'refused' } },
          { kind: 'status', status: 500, match: { conversationId: 'fails' } },
        ],
      },
    });
    const dead = await to.enqueue(textMessage('refused', 1));
    const retrying = await to.enqueue(textMessage('fails', 1));
    const sending = await to.enqueue(textMessage('hangs', 1));
    await to.enqueue(textMessage('hangs', 2));
    await Promise.all([to.until(dead, 'dead'), to.until(retrying, 'retrying'), to.until(sending, 'sending')]);
    const found = onlyJsonOf(await to.cli('status', '--json'));
    expect(found).toMatchObject({ queued: 1, sending: 1, retrying: 1, held: 0, dead: 1 });
    const [worker] = found['workers'] as Record<string, unknown>[];
    expect(Object.keys(worker ?? {})).toEqual(['id', 'version', 'since', 'concurrency', 'sending']);
    expect(worker).toMatchObject({ version, since: expect.stringMatching(ISO) as string, concurrency: 7 });
    expect(worker?.['id']).toMatch(new RegExp(`^${hostname()}-${process.pid}-[0-9a-f]{8}$`));

    const { stdout } = await to.cli('status');
    expect(stdout).toContain('        0       1        1         1     0     1');
    expect(stdout.find((line) => line.startsWith(String(worker?.['id'])))).toMatch(/ +7 +\d+$/);
  });
});

describe.concurrent('kitechat-sender message', () => {
  it('shows a message that waits, with the keys of the documentation in their order', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    const id = await to.enqueue({ ...textMessage('c1', 1), label: 'campaign' });
    const [asJson, asTable] = await Promise.all([to.cli('message', id, '--json'), to.cli('message', id)]);
    const record = onlyJsonOf(asJson);
    expect(Object.keys(record)).toEqual(messageKeys);
    expect(record).toEqual({
      id,
      pageId: 'p1',
      conversationId: 'c1',
      status: 'queued',
      enqueuedAt: expect.stringMatching(ISO) as string,
      attemptsUsed: 0,
      attemptsAllowed: 8,
      attempts: [],
      nextAttemptAt: null,
      label: 'campaign',
      replayOf: null,
      endedAt: null,
      proof: null,
      provedBy: null,
      answer: null,
    });
    expect(asTable.stdout).toEqual(
      expect.arrayContaining([
        `id            ${id}`,
        'page          p1',
        'status        queued',
        'attempts      0 of 8 used',
        'label         campaign',
        'No attempt was made.',
      ]),
    );
  });

  it('shows every attempt of a message that was delivered', async () => {
    await using to = await installWithCli(server, { api: { faults: [{ kind: 'status', status: 500, times: 1 }] } });
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'delivered');
    const [asJson, asTable] = await Promise.all([to.cli('message', id, '--json'), to.cli('message', id)]);
    const record = onlyJsonOf(asJson);
    expect(record).toMatchObject({ status: 'delivered', nextAttemptAt: null });
    const attempts = record['attempts'] as Record<string, unknown>[];
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
    expect(Object.keys(attempts[0] ?? {})).toEqual([
      'at',
      'outcome',
      'detail',
      'httpStatus',
      'durationMs',
      'usedAttempt',
    ]);
    expect(attempts[0]).toMatchObject({ httpStatus: 500, usedAttempt: true, at: expect.stringMatching(ISO) as string });
    expect(asTable.stdout.filter((line) => / (unknown|delivered) +(500|200) +\d+ /.test(line))).toHaveLength(2);
  });

  it('shows a dead one as its dead letter, and says where to read more', async () => {
    await using to = await installWithCli(server, { api: { faults: [{ kind: 'status', status: 400 }] } });
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'dead');
    const [asJson, asTable, shown] = await Promise.all([
      to.cli('message', id, '--json'),
      to.cli('message', id),
      to.cli('dead-letters', 'show', id, '--json'),
    ]);
    const { endedAt, proof, provedBy, answer, replayedAs, ...letter } = onlyJsonOf(asJson);
    expect(letter).toEqual(onlyJsonOf(shown));
    expect([endedAt, proof, provedBy, answer, replayedAs]).toEqual([letter['deadAt'], null, null, null, null]);
    expect(asTable.stdout).toContain('reason        rejected');
    expect(asTable.stdout.at(-1)).toBe(`Details: kitechat-sender dead-letters show ${id}`);
  });

  it('exits 1 for an id that is not known, or none', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    for (const { exitCode, stdout, stderr } of await Promise.all([
      to.cli('message', unknownId, '--json'),
      to.cli('message', 'nonsense'),
    ])) {
      expect([exitCode, stdout]).toEqual([1, []]);
      expect(stderr.join('\n')).toMatch(/^message \S+ is unknown: the id is wrong, /);
    }
  });
});
