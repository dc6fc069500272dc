import type { Measurement } from '../benchmark.ts';
import type { Enter } from '../contestants/contestant.ts';
import { mostInASecond } from '../result/busiest-second.ts';
import { command } from '../stage/command.ts';
import { openFleetSide, usedByFleet } from './fleet-side.ts';
import type { OpenSide } from './pair.ts';

export const CONVERSATIONS = 200;

/** The part of the messages before and after the steady window. */
const EDGE = 0.1;

export interface PacedSideOptions {
  enter: Enter;
  messages: number;
  /** The number by which the side is compared; the others are its details. */
  value: PacedNumber;
  /** All is held until all is stored: a fleet without a limit would send what is stored at once. Ours only. */
  held?: boolean;
}

export type PacedNumber = 'store µs' | 'worker µs' | 'commands per message' | 'messages/s' | 'most in a second';

/** A fleet that stays up, and in each round sends what is stored for it. */
export async function openPacedSide({ enter, messages, value, held = false }: PacedSideOptions): Promise<OpenSide> {
  await using stack = new AsyncDisposableStack();
  const side = stack.use(await openFleetSide(enter));
  const { contestant, api, observe } = side;
  const env = { REDIS_URL: contestant.store.url };

  const measure = async (): Promise<Measurement> => {
    await api.forget();
    if (held) await command(env, 'hold', '--all');
    await contestant.pileUp({ conversations: CONVERSATIONS, messages });
    if (held) await command(env, 'release', '--all');
    const from = await observe(messages * EDGE);
    const to = await observe(messages * (1 - EDGE));
    const { overlaps, disordered } = await observe(messages);
    if (contestant.keepsOrder && overlaps + disordered > 0) {
      throw new Error(`${contestant.name} broke its order: ${overlaps} overlaps, ${disordered} out of order`);
    }
    const { storeUs, workerUs, commands, perSecond } = usedByFleet(from, to);
    const { [value]: compared, ...details } = {
      'store µs': storeUs,
      'worker µs': workerUs,
      'commands per message': commands,
      'messages/s': perSecond,
      'most in a second': mostInASecond(await api.arrivalsMs()),
    } satisfies Record<PacedNumber, number>;
    return { value: compared, details };
  };
  const owned = stack.move();
  return { name: contestant.name, measure, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
