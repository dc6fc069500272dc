import { describe, expect, it } from 'vitest';
import { type CliInstallation, installWithCli, jsonLinesOf, onlyJsonOf } from '../support/cli-installation.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { startInTerminal } from '../support/terminal.ts';
import { useRedis } from '../support/use-redis.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const HEAD = 'matched  done  skipped';

const used = useRedis();

const doubtful = { pageId: 'p1', conversationId: 'c1', reason: 'unknown-outcome' } as const;

async function withLetters(...letters: LetterToWrite[]): Promise<CliInstallation & { ids: string[]; id: string }> {
  const to = await installWithCli(used.server, { startWorker: false });
  const ids = await writeLetters(used.redis, to.config.namespace ?? '', letters);
  return { ...to, ids, id: ids[0] ?? '' };
}

describe.concurrent('kitechat-sender dead-letters settle', () => {
  it('--delivered makes a delivered message of the entry, that names who said so', async () => {
    await using to = await withLetters(doubtful);
    const settled = await to.cli('dead-letters', 'settle', to.id, '--delivered', '--by', 'anna', '--why', 'I asked');
    expect(settled).toEqual({
      exitCode: 0,
      stdout: [HEAD, '      1     1        0'],
      stderr: [`${to.id} is settled as delivered, and is a dead letter no longer`],
    });
    const [table, record, audit, again] = await Promise.all([
      to.cli('message', to.id),
      to.cli('message', to.id, '--json'),
      to.cli('audit', '--json'),
      to.cli('dead-letters', 'settle', to.id, '--delivered'),
    ]);
    expect(table.stdout.join('\n')).toMatch(/^status +delivered$[^]*^proof +operator$[^]*^proved by +anna$/m);
    expect(onlyJsonOf(record)).toMatchObject({ status: 'delivered', proof: 'operator', provedBy: 'anna' });
    expect(jsonLinesOf(audit)).toMatchObject([
      { by: 'anna', via: 'cli', action: 'settle as delivered', ids: [to.id], reason: 'I asked', result: 'done' },
    ]);
    expect(again).toMatchObject({
      exitCode: 1,
      stderr: [`${to.id}: what became of it was noted before; nothing was changed`],
    });
  });

  it('--not-delivered notes it in the entry, which is then sent again without --force', async () => {
    await using to = await withLetters(doubtful);
    const before = await to.cli('dead-letters', 'show', to.id);
    expect(before.stdout.join('\n')).toMatch(/^arrived +maybe$/m);
    expect(before.stdout.join('\n')).toContain(`dead-letters settle ${to.id} --delivered (or --not-delivered)`);
    expect(before.stdout.at(-1)).toBe(`Send it again: kitechat-sender dead-letters replay --id ${to.id} --force`);
    const settled = await to.cli('dead-letters', 'settle', to.id, '--not-delivered', '--by', 'anna', '--json');
    expect(settled).toMatchObject({ exitCode: 0, stdout: ['{"matched":1,"done":1,"skipped":[]}'] });
    const [show, list, exported, message] = await Promise.all([
      to.cli('dead-letters', 'show', to.id),
      to.cli('dead-letters', 'list'),
      to.cli('dead-letters', 'export'),
      to.cli('message', to.id),
    ]);
    expect(show.stdout.join('\n')).toMatch(/^arrived +no, says anna$[^]*^settled at +\d{4}-/m);
    expect(show.stdout.join('\n')).not.toContain('dead-letters settle');
    expect(show.stdout.at(-1)).toBe(`Send it again: kitechat-sender dead-letters replay --id ${to.id}`);
    expect(list.stdout.join('\n')).toContain('unknown-outcome  no, says anna');
    expect(onlyJsonOf(exported)).toMatchObject({
      resolution: { outcome: 'not-delivered', proof: 'operator', by: 'anna' },
    });
    expect(message.stdout.join('\n')).toMatch(/^arrived +no, says anna$/m);
    expect(await to.cli('dead-letters', 'replay', '--id', to.id)).toMatchObject({ exitCode: 0 });
  });

  it('tells why it can do nothing about other entries', async () => {
    await using to = await withLetters({ ...doubtful, reason: 'rejected' });
    const [known, unknown] = await Promise.all([
      to.cli('dead-letters', 'settle', to.id, '--not-delivered'),
      to.cli('dead-letters', 'settle', unknownId, '--delivered'),
    ]);
    expect(known).toEqual({
      exitCode: 1,
      stdout: [HEAD, '      1     0        1'],
      stderr: [`${to.id}: there is nothing to find out: the message was never sent, or the API refused it`],
    });
    expect([unknown.exitCode, unknown.stderr.at(-1)]).toEqual([1, `${unknownId}: no such dead letter`]);
  });

  it.each([[[]], [['--delivered', '--not-delivered']]])('with %j is told to choose one outcome', async (flags) => {
    await using to = await withLetters(doubtful);
    const wrong = await to.cli('dead-letters', 'settle', to.id, ...flags);
    expect(wrong).toMatchObject({ exitCode: 2, stdout: [] });
    expect(wrong.stderr.join('\n')).toContain('give --delivered or --not-delivered');
    expect(await to.deadLetters.count()).toBe(1);
  });
});

const MAY = 'may have arrived already; find out and use "dead-letters settle", or use --force to send anyway';

describe.concurrent('kitechat-sender dead-letters replay, of what may have arrived', () => {
  const mixed: LetterToWrite[] = [
    { ...doubtful, conversationId: 'c1' },
    { ...doubtful, conversationId: 'c2', reason: 'exhausted', outcomes: ['failed', 'unknown'] },
    { ...doubtful, conversationId: 'c3', reason: 'expired', outcomes: ['unknown'] },
    { ...doubtful, conversationId: 'c4', reason: 'expired' },
    { ...doubtful, conversationId: 'c5', reason: 'rejected' },
  ];

  it('skips it without --force, says so, and sends the others', async () => {
    await using to = await withLetters(...mixed);
    const result = await to.cli('dead-letters', 'replay', '--all');
    expect(result).toMatchObject({ exitCode: 1, stdout: [HEAD, '      5     1        4'] });
    expect(result.stderr).toEqual([
      ...to.ids.slice(0, 3).map((id) => `${id}: ${MAY}`),
      `${to.ids[3]}: too old to be sent; use --force to send anyway`,
    ]);
    expect(await to.cli('dead-letters', 'replay', '--all', '--force')).toMatchObject({
      exitCode: 0,
      stdout: [HEAD, '      4     4        0'],
    });
  });

  it('counts it in a dry run, also with --force', async () => {
    await using to = await withLetters(...mixed);
    const [plain, forced] = await Promise.all([
      to.cli('dead-letters', 'replay', '--all', '--dry-run'),
      to.cli('dead-letters', 'replay', '--all', '--dry-run', '--force'),
    ]);
    expect(plain.exitCode).toBe(1);
    expect(plain.stderr.slice(-2)).toEqual([
      'Nothing was changed: 1 of 5 would be sent again.',
      '3 of these may have arrived already.',
    ]);
    expect(forced).toMatchObject({
      exitCode: 0,
      stderr: ['Nothing was changed: 5 of 5 would be sent again.', '3 of these may have arrived already.'],
    });
  });

  it('asks on a terminal: with "n" it is skipped, and the others are sent', async () => {
    await using to = await withLetters(...mixed);
    await using terminal = startInTerminal(['dead-letters', 'replay', '--all'], to.env);
    await terminal.shows(
      /3 of 5 dead letters may have arrived already, and would then arrive twice\. 1 more has expired\. Send these 4 anyway\? \[y\/N\]/,
    );
    terminal.type('n\n');
    expect(await terminal.ended()).toBe(1);
    expect(await to.deadLetters.count()).toBe(4);
  });

  it('asks on a terminal: with "y" all that was asked about is sent, and nothing that died since', async () => {
    await using to = await withLetters(...mixed);
    await using terminal = startInTerminal(['dead-letters', 'replay', '--all'], to.env);
    await terminal.shows(/Send these 4 anyway\?/);
    await writeLetters(used.redis, to.config.namespace ?? '', [{ ...doubtful, deadAtMs: Date.now() + 1 }]);
    terminal.type('y\n');
    expect(await terminal.ended()).toBe(0);
    expect(await to.deadLetters.count()).toBe(1);
  });

  it('asks nothing on a terminal if nothing may have arrived', async () => {
    await using to = await withLetters({ ...doubtful, reason: 'rejected' });
    await using terminal = startInTerminal(['dead-letters', 'replay', '--all'], to.env);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.output()).not.toContain('[y/N]');
  });
});

describe.concurrent('an exhausted message of a real worker', () => {
  it('may have arrived if the API failed while it had the request', async () => {
    await using to = await installWithCli(used.server, {
      config: { attempts: 1 },
      api: { faults: [{ kind: 'status', status: 500, times: 1 }] },
    });
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'dead');
    expect(await to.deadLetters.replay({ ids: [id] })).toMatchObject({ skipped: [{ id, why: 'may have arrived' }] });
    expect(await to.cli('dead-letters', 'settle', id, '--not-delivered')).toMatchObject({ exitCode: 0 });
    expect(await to.deadLetters.replay({ ids: [id] })).toMatchObject({ done: 1 });
    await to.api.waitForAccepted(1);
  });
});
