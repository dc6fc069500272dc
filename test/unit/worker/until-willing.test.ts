import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { untilWilling } from '../../../src/worker/fleet/until-willing.ts';
import { settled } from '../../support/settled.ts';

const logger = pino({ level: 'silent' });

it('a worker waits for a Redis that is away or refuses what it begins with for a while', async () => {
  const errors = [
    new Error('Connection is closed.'),
    Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' }),
  ];
  const work = async (): Promise<string> => {
    const error = errors.shift();
    if (error) throw error;
    return 'began';
  };
  expect(await untilWilling(work, { logger, stopping: new AbortController().signal })).toBe('began');
});

it.each([
  ['a file that is missing', () => readFile('/nowhere/clock.lua')],
  ['a fault', () => Promise.reject(new TypeError('x is not a function'))],
])('a worker does not wait for Redis because of %s', async (_what, work) => {
  const { error } = await settled(untilWilling<unknown>(work, { logger, stopping: AbortSignal.timeout(2500) }));
  expect(error).toBeInstanceOf(Error);
});
