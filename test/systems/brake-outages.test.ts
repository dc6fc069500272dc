import { describe, expect, it } from 'vitest';
import type { Status } from '../../src/shared/reading/status.ts';
import { disorderIn, installBehindFront, recipients, type SiteBehindFront } from '../support/brake/behind-front.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { settingsInEnvironment } from '../support/settings-in-environment.ts';
import { useRedis } from '../support/use-redis.ts';

type Holds = Status['holds'];

async function holdsOf(site: SiteBehindFront): Promise<Holds> {
  const { stdout } = await runCommand(['status', '--json'], settingsInEnvironment(site.config));
  return (JSON.parse(stdout[0] ?? '{}') as { holds: Holds }).holds;
}

describe('an API that refuses everything, and a page on which everything fails', () => {
  const used = useRedis();

  it('a gateway that answers 404 to all of 2,000 kills at most 25, and the rest arrives in order when it is mended', async () => {
    await using site = await installBehindFront(used, () => ({
      status: 404,
      body: 'not found',
      headers: { 'content-type': 'text/plain' },
    }));
    await site.producer.enqueueMessages(manyMessages(400, 5, 20));
    const [hold] = await eventually('it is held', async () => {
      const holds = await holdsOf(site);
      return holds.length > 0 && holds;
    });
    expect(hold).toMatchObject({ scope: 'api', reason: 'refusing', evidence: 'HTTP 404 from 20 conversations' });
    const seen = site.front.requests.length;
    await eventually('two more probes were refused', () => site.front.requests.length >= seen + 2);
    const dead = await site.deadLetters.count();
    expect(dead).toBeLessThanOrEqual(25);
    site.front.answer(() => undefined);
    await site.fake.waitForAccepted(2000 - dead, { timeoutMs: 60_000 });
    expect(await site.deadLetters.count()).toBe(dead);
    expect(disorderIn(site.fake)).toEqual([0, 0]);
    await eventually('nothing is held', async () => (await holdsOf(site)).length === 0);
  });

  it('KITECHAT_REFUSALS_TO_HOLD=0 lets each message be refused by itself', async () => {
    await using site = await installBehindFront(used, () => ({ status: 404 }), { refusalsToHold: 0 });
    await site.producer.enqueueMessages(recipients(100, 4));
    await eventually('all are dead', async () => (await site.deadLetters.count()) === 100);
    expect(site.front.refused).toHaveLength(100);
  });

  it('a page on which everything fails is held and named, the others go on, and its messages follow when it works', async () => {
    let isBroken = true;
    await using site = await installBehindFront(used, ({ pageId }) =>
      pageId === 'p0' && isBroken ? { status: 500 } : undefined,
    );
    await site.producer.enqueueMessages(recipients(400, 4));
    await site.fake.waitForAccepted(300, { timeoutMs: 60_000 });
    const [hold] = await eventually('the page is held', async () => {
      const holds = await holdsOf(site);
      return holds.length > 0 && holds;
    });
    expect(hold).toMatchObject({ scope: 'page', page: 'p0', reason: 'api-down' });
    expect(hold?.evidence).toMatch(/^HTTP 500 from \d+ conversations of page p0$/);
    isBroken = false;
    await site.fake.waitForAccepted(400, { timeoutMs: 60_000 });
    expect(await site.deadLetters.count()).toBe(0);
    expect(disorderIn(site.fake)).toEqual([0, 0]);
  });
});
