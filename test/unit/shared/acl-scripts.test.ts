import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { users } from '../../support/secured-redis.ts';

const [producer, events, worker, operator] = [
  'kitechat-producer',
  'kitechat-events',
  'kitechat-worker',
  'kitechat-operator',
] as const;

describe('every command that a script calls is allowed to those who run it', () => {
  const lanes = new URL('../../../src/shared/lanes/', import.meta.url);
  const bull = new URL('../../../node_modules/bullmq/dist/esm/scripts/', import.meta.url);
  const commandsIn = (lua: string): string[] =>
    Array.from(lua.matchAll(/\bp?r?call\(\s*["']([A-Za-z]+)["']/g), ([, name]) => (name ?? '').toLowerCase());
  const own = (names: readonly string[]): string[] =>
    names.flatMap((name) => commandsIn(readFileSync(new URL(`${name}.lua`, lanes), 'utf8')));
  const ofBull = (names: readonly string[]): string[] =>
    readdirSync(bull)
      .filter((file) => names.some((name) => file.startsWith(`${name}-`) && file.endsWith('.js')))
      .flatMap((file) => commandsIn(readFileSync(new URL(file, bull), 'utf8')));
  const all = readdirSync(lanes, { recursive: true, encoding: 'utf8' }).flatMap((file) =>
    file.endsWith('.lua') ? [file.slice(0, -4)] : [],
  );
  const stored = [
    'lib/clock',
    'lib/alone',
    'lib/holds',
    'lib/limit',
    'lib/places',
    'lib/events',
    'messages/enqueue',
    'messages/cancel',
  ];
  const reading = new Set(['stream/lease', 'stream/forget']);
  const ofWorkers = all.filter((name) => !reading.has(name));
  const operated = [
    ...stored,
    'lib/dead-letters',
    'lib/sleepers',
    'holds/hold',
    'dead/find',
    'dead/discard',
    'stream/forget',
    'dead/settle',
  ];
  const looked = ['getCounts', 'getRanges', 'getState', 'getStateV2', 'getJobs', 'getDependencyCounts', 'isMaxed'];

  it.each([
    [producer, own(stored)],
    [events, own(['lib/clock', 'stream/lease'])],
    [worker, [...own(ofWorkers), ...ofBull(['extendLock', 'extendLocks'])]],
    [operator, [...own(operated), ...ofBull(looked)]],
  ])('%s', (user, commands) => {
    // A right for some subcommands is written `+xgroup|create`.
    const rights = new Set((users.get(user) ?? '').split(/[ ()]+/).map((right) => right.split('|')[0]));
    expect(commands.length).toBeGreaterThan(10);
    expect([...new Set(commands)].filter((name) => !rights.has(`+${name}`)).toSorted()).toEqual([]);
  });
});
