import { manyMessages } from './messages.ts';
import type { Settings } from './settings.ts';
import { installOnSteppingRedis, type SteppingSite } from './stepping-site.ts';

/** What a step may cost a message that waits for its turn under a limit. */
export const PAUSE_MS = 2000;

/** With a limit of 20 messages a second. */
export interface LimitedSite {
  limit: string;
  config: Settings;
  pages: number;
}

export const limitedSites: readonly LimitedSite[] = [
  { limit: 'of the fleet', config: { rateLimit: '20/s' }, pages: 4 },
  { limit: 'of a page', config: { pageRateLimit: '20/s' }, pages: 1 },
];

/** Two workers and 160 messages, of which they have sent some. */
export async function installInMidSend({ config, pages }: LimitedSite): Promise<SteppingSite> {
  const site = await installOnSteppingRedis({ config });
  site.startWorker();
  await site.producer.enqueueMessages(manyMessages(40, 4, pages));
  await site.api.waitForAccepted(30);
  return site;
}
