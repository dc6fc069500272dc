import { describe, expect, it } from 'vitest';
import { isLeftover } from '../../../src/shared/layout/leftovers.ts';

const ID = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';

describe('of the keys of version 0.1 a take-over', () => {
  it.each([
    'ready:p1',
    'high:p1',
    'window:p1',
    'failing:p1',
    'backoff',
    'held',
    'slots:p1',
    'left',
    'left:p1',
    'turns',
    'turns:p1',
    'rate:p1',
    'sent:~a-hash',
    'fleet',
    'pages',
    'asleep',
    'due',
    'lane:p1/c1',
    'send:completed',
    `send:${ID}`,
    `send:${ID}:lock`,
    `send:${ID}:logs`,
  ])('removes %s', (name) => {
    expect(isLeftover(name)).toBe(true);
  });

  it.each([
    'holds',
    'letters',
    'letters:pages',
    'letters:reason:rejected',
    'letters:page:p1',
    'idem:p1/once',
    'idem:p1/fleet',
    'workers',
    'repairs',
    'cleared',
    'dead:failed',
    'dead:meta',
    `dead:${ID}`,
    'send:meta',
    'send:id',
    'send:events',
    'send:marker',
    'send:wait',
    'send:waiting-children',
    'limits',
    'circuits',
    'traffic:1',
    'heads:p1',
  ])('keeps %s', (name) => {
    expect(isLeftover(name)).toBe(false);
  });
});
