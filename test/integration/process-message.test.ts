import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { createEngineErrors } from '../../src/worker/fleet/engine-errors.ts';
import { encodeAttempt, type NewAttempt, type OutcomeKind } from '../../src/shared/model/attempts.ts';
import { NO_KEYS } from '../../src/shared/sealing/sealing.ts';
import { createKeyring } from '../../src/worker/keys/keyring.ts';
import { createProcessor } from '../../src/worker/message/process.ts';
import type { Sendable } from '../../src/worker/message/send.ts';
import { Stop } from '../../src/worker/http/stop-signal.ts';
import type { TakenHere } from '../../src/worker/message/attempt.ts';
import { answered, judge } from '../unit/worker/exchanges.ts';
import {
  conversations,
  fails,
  limited,
  type Member,
  rejected,
  unauthorized,
  useFleet,
  works,
} from '../support/fleet-members.ts';
import { takenMessage } from '../support/taken.ts';

const logger = createLogger({ level: 'silent' });
const errors = createEngineErrors({ logger, noted: () => {} });
const keyring = createKeyring((pageId) => (pageId === 'p0' ? undefined : `key-of-${pageId}`), 1000, logger);
const ANY_WAIT = expect.any(Number) as unknown;

describe('a message that a worker has taken', () => {
  const members = useFleet();
  const { time } = members;

  function keyOf(pageId: string): string | null {
    const key = keyring.keyFor(pageId);
    return 'circuit' in key ? key.circuit : null;
  }

  /** @param httpStatus what the API answers to everything */
  async function join(httpStatus = 200) {
    const fleet = await members.join();
    const sent: string[] = [];
    const send = async ({ pageId }: Sendable) => {
      await Promise.resolve();
      sent.push(pageId);
      const exchange = pageId === 'p0' ? null : answered(httpStatus);
      const outcome = judge(answered(httpStatus));
      return { outcome, startedAtMs: 0, exchange, keyCircuit: keyOf(pageId) };
    };
    const config = {
      attempts: 3,
      backoffMs: 1000,
      backoffMaxMs: 1000,
      onUnknownOutcome: 'resend',
      onDeadLetter: 'continue',
    } as const;
    const process = createProcessor({
      config,
      send,
      fleet,
      keyring,
      sealing: NO_KEYS,
      beginSpan: () => null,
      errors,
    });
    const attempt = async (taken: TakenHere) => (await process(taken, performance.now() + 60_000, new Stop())).attempt;
    return { fleet, sent, attempt, decide: async (taken: TakenHere) => (await attempt(taken)).decision };
  }

  const refuse = async (fleet: Member, page: string, probes: readonly string[] = []): Promise<unknown> =>
    await fleet.told(unauthorized, { pageId: page, key: keyOf(page), probes });

  describe('while the key of its page is refused', () => {
    it('waits without an attempt, and messages of other keys are sent', async () => {
      const { fleet, sent, decide } = await join();
      await refuse(fleet, 'p1');
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'hold', delayMs: ANY_WAIT });
      expect(await decide(messageOf('p2'))).toEqual({ kind: 'delivered', proof: 'api' });
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
      const probes = [`unauthorized ${keyOf('p1')}`];
      expect(await fleet.admitted('p1', keyOf('p1') ?? '')).toEqual({ kind: 'probe', fields: probes });
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'hold', delayMs: ANY_WAIT });
      await refuse(fleet, 'p1', probes);
      await time.pass(2000);
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'delivered', proof: 'api' });
      expect(await decide(messageOf('p1'))).toEqual({ kind: 'delivered', proof: 'api' });
      expect(sent).toEqual(['p1', 'p1']);
    });
  });

  it('waits for exactly its slot while its page is at a limit, and is sent then', async () => {
    const { fleet, sent, decide } = await join();
    await fleet.toldOfAll(limited, ['a', 'b', 'c'], { key: keyOf('p1') });
    expect(await decide(messageOf('p1'))).toEqual({ kind: 'hold', delayMs: 1000 });
    expect(await decide(messageOf('p1', { id: '0-02' }))).toEqual({ kind: 'hold', delayMs: 1097 });
    expect(await decide(messageOf('p2'))).toEqual({ kind: 'delivered', proof: 'api' });
    await time.pass(1000);
    expect(await decide(messageOf('p1'))).toEqual({ kind: 'delivered', proof: 'api' });
    expect(sent).toEqual(['p2', 'p1']);
  });

  describe('that is refused with 403', () => {
    const refusedBefore = { history: encodeAttempt(attemptBefore('held', 403)) };

    it('waits at first without using an attempt', async () => {
      const { attempt } = await join(403);
      const { decision, record } = await attempt(messageOf('p1'));
      expect(decision.kind).toBe('hold');
      expect(record).toMatchObject({ outcome: 'held', httpStatus: 403, usedAttempt: false });
    });

    it('ends as rejected if its key has worked for others since, which its dead letter says', async () => {
      const { fleet, attempt } = await join(403);
      await fleet.told(works, { key: keyOf('p1'), conversationId: 'calm' });
      const { decision, record } = await attempt(messageOf('p1', refusedBefore));
      expect(decision).toEqual({ kind: 'dead', reason: 'rejected' });
      const detail = 'HTTP 403: refused, while the API key works for other conversations';
      expect(record).toMatchObject({ outcome: 'rejected', httpStatus: 403, detail, usedAttempt: true });
    });

    it('waits again if nobody knows whether its key works', async () => {
      const { attempt } = await join(403);
      expect((await attempt(messageOf('p1', refusedBefore))).decision.kind).toBe('hold');
    });
  });

  it('waits without using an attempt where everything is rejected', async () => {
    const { fleet, attempt } = await join(404);
    await fleet.toldOfAll(rejected, conversations(19), { key: keyOf('p1') });
    expect((await attempt(messageOf('p1'))).decision).toMatchObject({ kind: 'hold' });
    expect((await attempt(messageOf('p1'))).record).toMatchObject({ outcome: 'rejected', usedAttempt: false });
  });

  it.each([
    ['goes on by itself when it has failed before', 1, 'delivered'],
    ['waits when it has not', 0, 'hold'],
  ])('%s while its page fails', async (_what, attemptsUsed, kind) => {
    const { fleet, decide } = await join();
    await fleet.told(works, { pageId: 'p2', key: keyOf('p1') });
    await time.pass(1);
    await fleet.toldOfAll(fails, conversations(5), { key: keyOf('p1') });
    const history = attemptsUsed === 0 ? '' : encodeAttempt(attemptBefore('unknown', 500));
    expect(await decide(messageOf('p1', { attemptsUsed, history }))).toMatchObject({ kind });
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
      await fleet.toldOfAll(fails, conversations(5));
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

/** An attempt that ended two seconds ago. */
function attemptBefore(outcome: OutcomeKind, httpStatus: number): NewAttempt {
  const usedAttempt = outcome === 'unknown';
  return { atMs: Date.now() - 2000, outcome, detail: null, httpStatus, durationMs: 1, usedAttempt };
}
