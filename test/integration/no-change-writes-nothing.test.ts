import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unknownId } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';
import { writeCommands } from '../support/write-commands.ts';

const used = useRedis();

const changesNothing = [
  ['release', '--all'],
  ['repair'],
  ['release', '--page', 'p1', '--conversation', 'c1'],
  ['cancel', unknownId],
  ['limits', 'set', '--rate', 'default', '--page-rate', 'default'],
  ['dead-letters', 'replay', '--all'],
  ['dead-letters', 'discard', '--all', '--yes'],
  ['reshard', '1'],
  ['reshard', '4'],
];

describe('what finds nothing to change', () => {
  it.each(changesNothing)('writes nothing into a Redis that no installation has used: %s %s %s', async (...args) => {
    await used.redis.call('CONFIG', 'RESETSTAT');
    const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: `unused-${randomUUID()}` };
    const { exitCode, stderr } = await runCommand(args, env);
    expect([0, 1], stderr.join(' ')).toContain(exitCode);
    expect(await writeCommands(used.redis)).toEqual([]);
  });
});
