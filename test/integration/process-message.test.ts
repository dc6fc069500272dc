import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logger.ts';
import { NO_KEYS } from '../../src/shared/sealing/sealing.ts';
import { createFleet, type Fleet, type RequestFacts } from '../../src/worker/fleet/fleet-view.ts';
import { createKeyring } from '../../src/worker/keys/keyring.ts';
import { createProcessor } from '../../src/worker/message/process.ts';
import type { Sendable } from '../../src/worker/message/send.ts';
import { Stop } from '../../src/worker/http/stop-signal.ts';
import type { TakenHere } from '../../src/worker/message/attempt.ts';
import { answered, judge } from '../unit/worker/exchanges.ts';
import { takenMessage } from '../support/taken.ts';
import { useSimulatedTime } from '../support/limits/simulated-time.ts';

const logger = createLogger({ level: 'silent' });
const keyring = createKeyring((pageId) => (pageId === 'p0' ? undefined : `key-of-${pageId}`), 1000, logger);
const ANY_WAIT = expect.any(Number) as unknown;

describe('a message that a worker has taken', () => {
  const time = useSimulatedTime({ withPerformance: true });

  function keyOf(pageId: string): string | null {
    const key = keyring.keyFor(pageId);
    return 'circuit' in key ? key.circuit : null;
  }

  async function join() {
    const fleet = createFleet(time.redis, { namespace: 'processing', timeoutMs: 1000 }, logger);
    await fleet.refresh();
    const sent: string[] = [];
    // The API takes everything.
    const send = async ({ pageId }: Sendable) => {
      await Promise.resolve();
      sent.push(pageId);
      const exchange = pageId === 'p0' ? null : answered(200);
      const outcome = judge(answered(200));
      return { outcome, startedAtMs: 0, exchange, keyCircuit: keyOf(pageId) };
    };
    const config = {
      attempts: 3,
      backoffMs: 1000,
      backoffMaxMs: 1000,
      onUnknownOutcome: 'resend',
      onDeadLetter: 'continue',
    } as const;
    const process = createProcessor({ config, send, fleet, keyring, sealing: NO_KEYS, logger });
    const decide = async (taken: TakenHere) =>
      (await process(taken, performance.now() + 60_000, new Stop())).attempt.decision;
    return { fleet, sent, decide };
  }

  async function tell(fleet: Fleet, facts: Partial<RequestFacts>): Promise<void> {
    const rest = { id: 'm', keyCircuit: null, isProbe: false, onUnknownOutcome: 'resend' } as const;
    await fleet.tell({ evidence: { api: 'failed', key: null }, ...rest, ...facts });
  }

  const refuse = async (fleet: Fleet, page: string, isProbe = false): Promise<void> =>
    await tell(fleet, { evidence: { api: 'ok', key: 'refused' }, keyCircuit: keyOf(page), isProbe });

  describe('while the key of its page is refused', () => {
    it('waits without an attempt, and messages of other keys are sent', async () => {
      const { fleet, sent, decide } = await join();
      await refuse(fleet, 'p1');
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'hold', delayMs: ANY_WAIT });
      expect(await decide(messageOf('p2'))).toEqual({ kind: 'delivered' });
      expect(sent).toEqual(['p2']);
    });

    it('goes its way where there is no key, or no request that can be read: what comes of it is found out later', async () => {
      const { fleet, sent, decide } = await join();
      await refuse(fleet, 'p1');
      await decide(messageOf('p0'));
      expect(sent).toEqual(['p0']);
      expect(await decide(messageOf('p1', { data: 'no message' }))).toEqual({ kind: 'dead', reason: 'undecodable' });
    });

    it('is sent as a probe when the pause is over, if no other one is', async () => {
      const { fleet, sent, decide } = await join();
      await refuse(fleet, 'p1');
      await time.pass(1000);
      expect(await fleet.askToProbe(keyOf('p1') ?? '')).toBe('probe');
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'hold', delayMs: ANY_WAIT });
      await refuse(fleet, 'p1', true);
      await time.pass(2000);
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'delivered' });
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'delivered' });
      expect(sent).toEqual(['p1', 'p1']);
    });
  });

  describe('as a probe of the API that is not sent', () => {
    it.each<[string, TakenHere]>([
      ['it is too old', messageOf('p2', { verdict: 'expired' })],
      ['it has killed too many workers', messageOf('p2', { verdict: 'crashed' })],
      ['a worker had died with it', messageOf('p2', { verdict: 'unknown' })],
      ['it can not be read', messageOf('p2', { data: 'no message' })],
      [
        'it can not be read, and a worker had died with it',
        messageOf('p2', { verdict: 'unknown', data: 'no message' }),
      ],
      ['its key is refused', messageOf('p1')],
    ])('lets another one probe at once: %s', async (_why, taken) => {
      const { fleet, sent, decide } = await join();
      for (const id of ['a', 'b', 'c', 'd', 'e']) await tell(fleet, { id });
      await time.pass(500);
      await refuse(fleet, 'p1');
      await time.pass(500);
      expect(await fleet.askToProbe()).toBe('probe');
      await decide({ ...taken, isProbe: true });
      expect(sent).toEqual([]);
      expect(await fleet.askToProbe()).toBe('probe');
    });
  });
});

function messageOf(pageId: string, more: Partial<TakenHere> = {}): TakenHere {
  const request = { pageId, conversationId: 'c', message: { type: 'text', text: 'hello' } };
  return takenMessage({ data: JSON.stringify(request), ...more });
}
