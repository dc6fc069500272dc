import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { FakeKitechatReport } from '../../src/testing/index.ts';
import { listen } from '../../src/testing/fake-api/listen.ts';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';

async function urlOf(api: CommandProcess): Promise<string> {
  return (JSON.parse(await api.lineWhere('stdout', () => true)) as { url: string }).url;
}

async function post(url: string, body: unknown, apikey = 'key'): Promise<number> {
  const headers = { 'content-type': 'application/json', apikey };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
}

describe.concurrent('kitechat-sender fake-api', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'answers with its faults until %s, then reports and exits 0',
    async (signal) => {
      const flags = [
        '--fault',
        'status=500,text=unlucky',
        '--fault',
        'status=429,retry-after=2,times=1',
        '--api-key',
        'key',
      ];
      await using api = startCommand(['fake-api', ...flags]);
      const url = await urlOf(api);
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/kitechat\/send-message$/);
      const unlucky = { pageId: 'p1', conversationId: 'c2', message: { type: 'text', text: 'unlucky' } };
      expect(await post(url, unlucky)).toBe(500);
      expect(await post(url, textMessage('c1', 1))).toBe(429);
      expect(await post(url, textMessage('c1', 1))).toBe(200);
      expect(await post(url, textMessage('c1', 1))).toBe(200);
      expect(await post(url, textMessage('c1', 2), 'another key')).toBe(401);
      expect(await post(url, { pageId: 'p1' })).toBe(400);
      api.kill(signal);
      expect(await api.ended()).toBe(0);
      const report = JSON.parse(api.stdout[1] ?? '') as FakeKitechatReport;
      expect(report).toMatchObject({
        requests: 6,
        accepted: 2,
        rejected: 2,
        faults: { status: 2 },
        duplicates: { count: 1 },
        outOfOrder: { count: 0 },
      });
      expect(api.stderr).toEqual([`The fake API listens at ${url}; Ctrl-C stops it.`]);
    },
  );

  it('names every flag that it can not use, and exits 2', async () => {
    const taken = createServer();
    const port = await listen(taken, '127.0.0.1', 0);
    const [faults, key, busy] = await Promise.all([
      runCommand(['fake-api', '--fault', 'statsu=500', '--fault', 'status=99', '--fault', 'hang:120%']),
      runCommand(['fake-api', '--api-key', '']),
      runCommand(['fake-api', '--port', String(port)]),
    ]);
    taken.close();
    await once(taken, 'close');
    for (const { exitCode, stdout } of [faults, key, busy]) expect([exitCode, stdout]).toEqual([2, []]);
    expect(faults.stderr.slice(1)).toEqual([
      '  - "statsu=500": there is no fault "statsu", did you mean status?',
      '  - "status=99": status: must be at least 200',
      '  - "hang:120%": rate: must be at most 1',
    ]);
    expect(key.stderr.slice(1)).toEqual(['  - apiKeys[0]: must not be empty']);
    expect(busy.stderr.slice(1)).toEqual([expect.stringMatching(/^ {2}- port: is in use; choose another/)]);
  });
});
