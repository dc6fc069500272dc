import { describe, expect, it } from 'vitest';
import { type CliInstallation, jsonLinesOf } from '../support/cli-installation.ts';
import { runCommand } from '../support/run-command.ts';
import { installWithDead } from '../support/dead-installation.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { CTRL_C, CTRL_D, startInTerminal } from '../support/terminal.ts';
import { useRedis } from '../support/use-redis.ts';

const HEAD = 'matched  done  skipped';

const server = useRedis();

describe.concurrent('kitechat-sender dead-letters discard', () => {
  const discardOnTerminal = (to: CliInstallation, ...which: string[]) =>
    startInTerminal(['dead-letters', 'discard', ...which], to.env);

  it('with --yes asks nothing, and removes what was named: a filter, ids, all', async () => {
    await using to = await installWithDead(server, { rejected: 12, expired: 3 });
    const expired = await to.cli('dead-letters', 'discard', '--reason', 'expired', '--yes');
    expect(expired).toEqual({ exitCode: 0, stdout: [HEAD, '      3     3        0'], stderr: [] });
    expect(await to.deadLetters.counts()).toMatchObject({ total: 12, byReason: { expired: 0, rejected: 12 } });

    const [{ id } = { id: '' }] = await to.deadLetters.list();
    const named = await to.cli('dead-letters', 'discard', '--yes', '--json', '--id', id, unknownId);
    expect(named.exitCode).toBe(1);
    expect(jsonLinesOf(named)).toEqual([{ matched: 1, done: 1, skipped: [{ id: unknownId, why: 'not found' }] }]);
    expect(named.stderr).toEqual([`${unknownId}: no such dead letter`]);

    expect(await to.cli('dead-letters', 'discard', '--all', '--yes')).toMatchObject({ exitCode: 0 });
    expect(await to.deadLetters.count()).toBe(0);
  });

  it('--dry-run needs no --yes, and changes nothing', async () => {
    await using to = await installWithDead(server, { rejected: 2 });
    const result = await to.cli('dead-letters', 'discard', '--all', '--dry-run');
    expect(result).toEqual({
      exitCode: 0,
      stdout: [HEAD, '      2     0        0'],
      stderr: ['Nothing was changed: 2 of 2 would be discarded.'],
    });
    expect(await to.deadLetters.count()).toBe(2);
  });

  it('without a terminal and --yes exits 2 and changes nothing, also if somebody answers', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const { exitCode, stderr } = await runCommand(['dead-letters', 'discard', '--all'], to.env, 'y\n');
    expect(exitCode).toBe(2);
    expect(stderr).toEqual([expect.stringMatching(/no terminal to confirm on: give --yes/)]);
    expect(await to.deadLetters.count()).toBe(1);
  });

  it('on a terminal asks with the counts by reason; yes does it, and only to what was counted', async () => {
    await using to = await installWithDead(server, { rejected: 5, expired: 2 });
    await using terminal = discardOnTerminal(to, '--all');
    await terminal.shows(
      /Discard 7 dead letters \(5 rejected, 2 expired\) of redis:\/\/\S+, namespace \S+\? They can't be sent again\. \[y\/N\] $/,
    );
    // It dies after the question.
    to.api.setFaults([{ kind: 'status', status: 400 }]);
    const later = await to.enqueue(textMessage('later', 1));
    await to.until(later, 'dead');
    terminal.type('y\n');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.output()).toMatch(/matched +done +skipped\r\n +7 +7 +0\r\n$/);
    expect((await to.deadLetters.list()).map(({ id }) => id)).toEqual([later]);
  });

  it('takes anything but y and yes for a no, and exits 1', async () => {
    await using to = await installWithDead(server, { rejected: 2 });
    for (const answer of ['\n', 'n\n', 'yesterday\n', CTRL_D]) {
      await using terminal = discardOnTerminal(to, '--page', 'p1');
      await terminal.shows(/\[y\/N\] $/);
      terminal.type(answer);
      expect(await terminal.ended()).toBe(1);
      expect(terminal.output()).toMatch(/\nNothing was discarded\.\r\n$/);
    }
    expect(await to.deadLetters.count()).toBe(2);
  });

  it('asks for one in the singular; Ctrl-C at the question changes nothing and exits 130', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const [{ id } = { id: '' }] = await to.deadLetters.list();
    await using terminal = discardOnTerminal(to, '--id', id, unknownId);
    await terminal.shows(
      /Discard 1 dead letter \(1 rejected\) of redis:\/\/\S+, namespace \S+\? It can't be sent again\. \[y\/N\] $/,
    );
    terminal.type(CTRL_C);
    expect(await terminal.ended()).toBe(130);
    expect(terminal.output()).toContain('Nothing was discarded.');
    expect(await to.deadLetters.count()).toBe(1);
  });

  it('asks nothing if nothing matches', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    await using terminal = discardOnTerminal(to, '--page', 'p9');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.output()).toMatch(/^Redis: .*\r\nmatched  done  skipped\r\n      0     0        0\r\n$/);
    expect(await to.deadLetters.count()).toBe(1);
  });

  it('of two at once each entry is removed by one, and nothing is left', async () => {
    await using to = await installWithDead(server, { rejected: 150 });
    const results = await Promise.all([1, 2].map(() => to.cli('dead-letters', 'discard', '--all', '--yes', '--json')));
    const outcomes = results.flatMap(jsonLinesOf);
    expect(outcomes.reduce((total, { done }) => total + Number(done), 0)).toBe(150);
    await eventually('nothing is left', async () => (await to.deadLetters.count()) === 0);
  });
});
