import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { environment, main, startCommand } from '../support/command-line.ts';
import { installWithDead } from '../support/dead-installation.ts';
import { writeLetters } from '../support/written-letters.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();
const folder = useFolder();

/** In a row without work: then it waits. */
const LOOKS = 15;

async function manyLetters(
  namespace: string,
  { count, text }: { count: number; text: string },
): Promise<Record<string, string>> {
  const letters = Array.from({ length: count }, (_, n) => ({
    text,
    pageId: `p${n % 7}`,
    conversationId: `c${n % 100}`,
    deadAtMs: 1_700_000_000_000 + n,
  }));
  await writeLetters(server.redis, namespace, letters);
  return { REDIS_URL: server.url, KITECHAT_NAMESPACE: namespace };
}

describe.concurrent('kitechat-sender dead-letters export', () => {
  it('writes what matches as one JSON object a line, oldest first', async () => {
    await using to = await installWithDead(server, { rejected: 5, expired: 2 });
    const [all, expired] = await Promise.all([
      to.cli('dead-letters', 'export'),
      to.cli('dead-letters', 'export', '--reason', 'expired', '--page', 'p2'),
    ]);
    expect(all).toMatchObject({ exitCode: 0, stderr: ['exported 7 entries'] });
    expect(jsonLinesOf(all)).toEqual((await to.deadLetters.list()).toReversed());
    expect(jsonLinesOf(expired).map(({ reason, pageId }) => [reason, pageId])).toEqual([
      ['expired', 'p2'],
      ['expired', 'p2'],
    ]);
  });

  it('its lines are sent again by "send" as they are: new messages, also of what had become too old', async () => {
    await using to = await installWithDead(server, { rejected: 20, expired: 2 });
    const file = join(folder, 'again.ndjson');
    expect(await to.cli('dead-letters', 'export', '--out', file)).toEqual({
      exitCode: 0,
      stdout: [],
      stderr: [`exported 22 entries to ${file}`],
    });
    const sent = await to.cli('send', file);
    expect(sent.stderr).toEqual(['stored 22, already stored 0, refused 0']);
    await to.api.waitForAccepted(22);
    expect(to.api.report()).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
    expect(await to.deadLetters.count()).toBe(22);
  });

  it('a message that was to be sent at most once still is, when its exported line is sent', async () => {
    await using to = await installWithCli(server, { api: { faults: [{ kind: 'status', status: 400 }] } });
    const first = await to.enqueue({ ...textMessage('c1', 1), onUnknownOutcome: 'dead-letter', label: 'campaign' });
    await to.until(first, 'dead');
    const file = join(folder, 'once.ndjson');
    await to.cli('dead-letters', 'export', '--out', file);
    const sent = await to.cli('send', file);
    expect(sent.stderr).toEqual(['stored 1, already stored 0, refused 0']);
    const [stored] = jsonLinesOf(sent);
    const again = await to.until(String(stored?.['id']), 'dead');
    expect(again).toMatchObject({ onUnknownOutcome: 'dead-letter', label: 'campaign', replayOf: null });
  });

  it('"send" refuses a typo in an exported line, and its fields in a hand-written one', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const [line = ''] = (await to.cli('dead-letters', 'export')).stdout;
    const entry = JSON.parse(line) as Record<string, unknown>;
    const { pageId, conversationId, message, id } = entry;
    const lines = [
      { ...entry, lable: 'x' },
      { ...entry, message: { type: 'text', txet: 'x' } },
      { ...entry, pageId: null, message: null },
      { pageId, conversationId, message, id, replayOf: null },
    ];
    const input = lines.map((fields) => JSON.stringify(fields)).join('\n');
    const { exitCode, stdout, stderr } = await runCommand(['send'], to.env, input);
    expect([exitCode, stdout]).toEqual([1, []]);
    expect(stderr).toEqual([
      'line 1: lable is not a documented field, did you mean label?',
      'line 2: message.text is required',
      'line 2: message.txet is not a documented field, did you mean text?',
      'line 3: is a dead letter whose message could not be read, so there is nothing to send',
      'line 4: id is not a documented field',
      'line 4: replayOf is not a documented field',
      'stored 0, already stored 0, refused 4',
    ]);
  });

  it('--out leaves a file alone that is there, and exits 2; --force replaces it', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const file = join(folder, 'kept.ndjson');
    await writeFile(file, 'before');
    const refused = await to.cli('dead-letters', 'export', '--out', file);
    expect(refused).toEqual({
      exitCode: 2,
      stdout: [],
      stderr: [`${file} can't be written: it exists already; --force replaces it.`],
    });
    expect(await readFile(file, 'utf8')).toBe('before');
    expect(await to.cli('dead-letters', 'export', '--out', file, '--force')).toMatchObject({ exitCode: 0 });
    expect(await readFile(file, 'utf8')).toMatch(/^\{"id":"0-.*\}\n$/);
  });

  it('leaves no half file when it is interrupted, and exits 130', async () => {
    const env = await manyLetters('export-interrupted', { count: 20_000, text: 'x' });
    const empty = await mkdtemp(join(folder, 'empty-'));
    const file = join(empty, 'out.ndjson');
    await using exporting = startCommand(['dead-letters', 'export', '--out', file], env);
    await eventually('it has begun', async () => (await readdir(empty)).length > 0);
    exporting.kill('SIGINT');
    expect(await exporting.ended()).toBe(130);
    expect(exporting.stderr).toEqual([
      expect.stringMatching(/^Interrupted after \d+ entries: .*out\.ndjson is not written\.$/),
    ]);
    expect(await readdir(empty)).toEqual([]);
  });

  it('waits for a slow reader without growing, and ends when the reader goes away', async () => {
    const env = await manyLetters('export-slow', { count: 4000, text: 'x'.repeat(50_000) });
    const child = spawn(process.execPath, [main, 'dead-letters', 'export'], {
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    child.stdout.pause();
    expect(first.toString()).toMatch(/^\{"id":"0-/);
    let [cpu, stillFor] = ['', 0];
    const peakKb = await eventually('it stands still', async () => {
      const found = await readStatusOf(child.pid);
      stillFor = found.cpu === cpu ? stillFor + 1 : 0;
      cpu = found.cpu;
      return stillFor >= LOOKS && found.peakKb;
    });
    // All of them are 200 MB, beside what the program itself takes.
    expect(peakKb).toBeLessThan(250_000);
    child.stdout.destroy();
    const [exitCode] = (await once(child, 'close')) as [number];
    expect(exitCode).toBe(1);
  });
});

/** CPU time used so far, and the most memory, of a process. */
async function readStatusOf(pid = 0): Promise<{ cpu: string; peakKb: number }> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  return {
    cpu: stat.split(' ').slice(13, 15).join(' '),
    peakKb: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]),
  };
}
