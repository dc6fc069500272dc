import { describe, expect, it } from 'vitest';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { startCommand } from '../support/command-line.ts';
import { installWithDead } from '../support/dead-installation.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { CTRL_C, startInTerminal } from '../support/terminal.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

const HEAD = 'matched  done  skipped';

const server = useRedis();

describe.concurrent('kitechat-sender dead-letters replay, of many', () => {
  it('sends what a filter finds, in the order of its conversations, and says nothing of each', async () => {
    await using to = await installWithDead(server, { rejected: 60, expired: 2 });
    const result = await to.cli('dead-letters', 'replay', '--reason', 'rejected', '--page', 'p1');
    expect(result).toEqual({ exitCode: 0, stdout: [HEAD, '     60    60        0'], stderr: [] });
    await to.api.waitForAccepted(60);
    expect(to.api.report()).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
    expect(await to.deadLetters.count()).toBe(2);
  });

  it('--all skips what is too old unless it is told not to, and sums up many skipped ones', async () => {
    await using to = await installWithDead(server, { rejected: 3, expired: 12 });
    const result = await to.cli('dead-letters', 'replay', '--all', '--json');
    expect(result.exitCode).toBe(1);
    const [outcome] = jsonLinesOf(result);
    expect(outcome).toMatchObject({ matched: 15, done: 3 });
    expect(outcome?.['skipped']).toHaveLength(12);
    expect(result.stderr).toEqual([
      expect.stringMatching(/^12 entries \(0-\w+, 0-\w+, 0-\w+, …\): too old to be sent; use --force /),
    ]);
    const forced = await to.cli('dead-letters', 'replay', '--all', '--force');
    expect(forced).toMatchObject({ exitCode: 0, stdout: [HEAD, '     12    12        0'] });
    await to.api.waitForAccepted(15);
  });

  it('--dry-run tells what would happen, and changes nothing', async () => {
    await using to = await installWithDead(server, { rejected: 3, expired: 2 });
    const [some, forced] = await Promise.all([
      to.cli('dead-letters', 'replay', '--all', '--dry-run'),
      to.cli('dead-letters', 'replay', '--all', '--dry-run', '--force'),
    ]);
    expect(some).toMatchObject({ exitCode: 1, stdout: [HEAD, '      5     0        2'] });
    expect(some.stderr.at(-1)).toBe('Nothing was changed: 3 of 5 would be sent again.');
    expect(forced).toMatchObject({ exitCode: 0, stdout: [HEAD, '      5     0        0'] });
    expect(await to.deadLetters.count()).toBe(5);
    expect(to.api.accepted).toEqual([]);
  });

  it('--set changes the one entry, keeps all after the first "=", and tells a wrong edit with its path', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const [entry] = await to.deadLetters.list();
    const id = entry?.id ?? '';
    const replay = async (...edits: string[]) =>
      await to.cli('dead-letters', 'replay', '--id', id, ...edits.flatMap((edit) => ['--set', edit]));
    const empty = await replay('message.text=');
    expect(empty).toMatchObject({ exitCode: 1, stdout: [] });
    expect(empty.stderr.join('\n')).toContain('message.text: must not be empty');
    const wrong = await replay('message.text=CANARY', 'message.ulr=CANARY', 'message.url=CANARY');
    expect(wrong).toMatchObject({ exitCode: 1, stdout: [] });
    expect(wrong.stderr.join('\n')).toMatch(/message\.ulr: is not a documented field, did you mean url\?/);
    expect(wrong.stderr.join('\n')).toMatch(/message\.url: must be a valid http or https URL/);
    expect(wrong.stderr.join('\n')).not.toContain('CANARY');
    expect(await to.deadLetters.get(id)).not.toBeNull();

    expect(await replay('message.text=a=b\nc', 'message.url=https://e.example/?x=y')).toMatchObject({ exitCode: 0 });
    await to.api.waitForAccepted(1);
    expect(to.api.accepted[0]?.message).toEqual({ type: 'text', text: 'a=b\nc', url: 'https://e.example/?x=y' });
  });

  it('--rate keeps it slow; SIGINT stops it cleanly, with what was done so far', async () => {
    await using to = await installWithDead(server, { rejected: 40 });
    await using replaying = startCommand(['dead-letters', 'replay', '--all', '--rate', '5/s', '--json'], to.env);
    await eventually('some are sent', () => to.api.accepted.length >= 3);
    replaying.kill('SIGINT');
    expect(await replaying.ended()).toBe(130);
    const { matched, done, skipped } = JSON.parse(replaying.stdout[0] ?? '') as Record<string, number>;
    expect([done, skipped]).toEqual([matched, []]);
    expect(done).toBeGreaterThanOrEqual(3);
    expect(done).toBeLessThan(40);
    expect(replaying.stderr).toEqual([
      `Interrupted: ${done} entries were sent again, the others are unchanged. Run the same command again to continue.`,
    ]);
    expect(await to.deadLetters.count()).toBe(40 - (done ?? 0));
    await to.api.waitForAccepted(done ?? 0);
  });

  it('shows its progress in place on a terminal, and Ctrl-C stops it cleanly there, too', async () => {
    await using to = await installWithDead(server, { rejected: 40 });
    await using terminal = startInTerminal(['dead-letters', 'replay', '--all', '--rate', '10/s'], to.env);
    await terminal.shows(/\r␛\[2K\[#+-*\] +\d+% {2}\d+ of 40, [\d.]+\/s, \d+ s left/u);
    terminal.type(CTRL_C);
    expect(await terminal.ended()).toBe(130);
    expect(terminal.output()).toMatch(/\r␛\[2Kmatched +done +skipped\r\n +\d+ +\d+ +0\r\nInterrupted: \d+ entries/u);
  });

  it('of named entries shows each with its new id, and leaves nothing of the progress between them', async () => {
    await using to = await installWithDead(server, { rejected: 3 });
    const ids = (await to.deadLetters.list()).map(({ id }) => id);
    await using terminal = startInTerminal(['dead-letters', 'replay', '--rate', '5/s', '--id', ...ids], to.env);
    expect(await terminal.ended()).toBe(0);
    // What stands on a line after it was last emptied.
    const lines = terminal
      .output()
      .split('\r\n')
      .map((text) => text.split('␛[2K').at(-1) ?? '')
      .slice(1);
    expect(lines.slice(0, 3).map((text) => text.split(' ')[0])).toEqual(ids.toReversed());
    for (const text of lines.slice(0, 3)) expect(text).toMatch(/^0-\w+ is sent again as 0-\w+$/);
    expect(lines.slice(3)).toEqual([HEAD, '      3     3        0', '']);
  });

  it('says what was done before Redis went away, and exits 3', async () => {
    await using own = await startTestRedis();
    await using to = await installWithDead(own, { rejected: 40 });
    await using replaying = startCommand(['dead-letters', 'replay', '--all', '--rate', '5/s'], to.env);
    await eventually('some are sent', () => to.api.accepted.length >= 2);
    await own.kill();
    expect(await replaying.ended()).toBe(3);
    expect(replaying.stdout).toEqual([]);
    expect(replaying.stderr).toEqual([
      expect.stringMatching(/^This action counts, but may be missing in the record .*\(\w+\)$/),
      expect.stringMatching(/^\d+ entries were sent again before this error:$/),
      expect.stringMatching(/^(Redis|The connection|There was).*\./),
    ]);
    await own.restart();
  });

  it('of nothing that matches is done, and a page without dead letters is no failure', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const result = await to.cli('dead-letters', 'replay', '--page', 'p9');
    expect(result).toEqual({ exitCode: 0, stdout: [HEAD, '      0     0        0'], stderr: [] });
    const malformed = await runCommand(['dead-letters', 'replay', '--id', 'nonsense'], to.env);
    expect(malformed).toMatchObject({ exitCode: 1, stderr: ['nonsense: no such dead letter'] });
  });
});
