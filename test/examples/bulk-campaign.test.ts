import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { setStage } from './support/stage.ts';

const CAMPAIGN = 'bulk-campaign/campaign.ts';
const recipients = join(inject('examples'), 'bulk-campaign/recipients.ndjson');

describe('examples/bulk-campaign', () => {
  it('stores a message for everyone, and for nobody a second one when it runs again', async () => {
    await using stage = await setStage();
    const first = await stage.run(CAMPAIGN, [recipients, 'sale']);
    expect(first.stdout.map((line) => JSON.parse(line) as unknown)).toEqual([
      { campaign: 'sale', stored: 6, alreadyThere: 0 },
    ]);
    const second = await stage.run(CAMPAIGN, [recipients, 'sale']);
    expect(second.stdout.map((line) => JSON.parse(line) as unknown)).toEqual([
      { campaign: 'sale', stored: 6, alreadyThere: 6 },
    ]);

    await stage.startWorker();
    await stage.api.waitForAccepted(6);
    expect(stage.api.report()).toMatchObject({ accepted: 6, duplicates: { count: 0 } });
  });

  it('leaves at the pace that was set for the page, and shows how far the storing is', async () => {
    await using stage = await setStage();
    const many = join(inject('examples'), 'many.ndjson');
    const lines = Array.from({ length: 1100 }, (_, n) =>
      JSON.stringify({ pageId: `p${n < 20 ? 'aced' : n}`, conversationId: `c${n}`, name: `Customer ${n}` }),
    );
    writeFileSync(many, lines.join('\n'));
    expect((await stage.command('limits', 'set', '--page-rate', '20/s')).exitCode).toBe(0);
    const { stderr } = await stage.run(CAMPAIGN, [many, 'sale']);
    expect(stderr).toEqual(['500 stored', '1000 stored', '1100 stored']);

    await stage.startWorker();
    await stage.api.waitForAccepted(1100, { timeoutMs: 30_000 });
    const times = stage.api.accepted.filter(({ pageId }) => pageId === 'paced').map(({ at }) => at);
    // 20 messages have 19 gaps of 50 ms; what is late may catch up by 3 %.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(19 * 50 * 0.9);
  });

  it('waits out an outage of Redis', async () => {
    await using stage = await setStage();
    await stage.redis.kill();
    const campaign = stage.start(CAMPAIGN, [recipients, 'sale']);
    await campaign.lineWhere('stderr', (line) => line.includes('QUEUE_UNAVAILABLE'));
    await stage.redis.restart();
    expect(await campaign.ended()).toBe(0);
    expect(campaign.stdout.at(-1)).toContain('"stored":6');
  });
});
