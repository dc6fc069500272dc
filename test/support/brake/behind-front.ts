import type { EnqueueItem } from '../../../src/producer/index.ts';
import { type FakeKitechat, startFakeKitechat } from '../../../src/testing/index.ts';
import { type Front, type FrontAnswer, type FrontRequest, openFront } from '../api/front.ts';
import { textMessage } from '../messages.ts';
import type { Settings } from '../settings.ts';
import { install, type Installation } from '../worker.ts';

/** An installation whose API answers some requests as the test says. */
export interface SiteBehindFront extends Installation {
  front: Front;
  fake: FakeKitechat;
}

/** Backoffs as users have them: the shorter ones of other tests would hide a loop. */
const USUAL = { backoffMs: 1000, backoffMaxMs: 300_000 };

export async function installBehindFront(
  server: { url: string },
  answerOf: (request: FrontRequest) => FrontAnswer | undefined,
  config: Settings = {},
): Promise<SiteBehindFront> {
  const stack = new AsyncDisposableStack();
  const fake = stack.use(await startFakeKitechat({}));
  const front = stack.use(await openFront(fake.url, answerOf));
  const site = stack.use(await install(server, { config: { ...USUAL, ...config, apiUrl: front.url } }));
  return { ...site, front, fake, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** One message for each of some recipients, over some pages. */
export function recipients(count: number, pages: number, named = 'c'): EnqueueItem[] {
  return Array.from({ length: count }, (_, n) => textMessage(`${named}${n}`, 1, `p${n % pages}`));
}

/** What was delivered twice or out of order. */
export function disorderIn(fake: FakeKitechat): [duplicates: number, outOfOrder: number] {
  const { duplicates, outOfOrder } = fake.report();
  return [duplicates.count, outOfOrder.count];
}
